"""Why did VaR move: the change from one day to the next, split into what changed.

Three things change between two days: the positions (what was traded, at the earlier day's
prices), the market (prices, and the scenarios that they make), and the model (method, window).
They are changed one after the other, in that order, and each step's difference is its part; the
parts sum to the whole exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from measures.tail import tail_risk
from risk.estimators import ESTIMATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class TailInputs:
    """What a VaR is computed from.

    Attributes
    ----------
    exposures : mapping by position in `symbols`, ndarray of shape (n_symbols,)
    returns : ndarray of shape (n_symbols, n_sessions)
        Oldest first, up to the day.
    method : str
        Name of an estimator.
    window : int or None
        How many of the last sessions the estimator reads; None for all that are given.
    """

    symbols: tuple[str, ...]
    exposures: FloatArray
    returns: FloatArray
    method: str = "historical"
    window: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TailMovement:
    """The change of VaR between two days.

    Attributes
    ----------
    positions, market_data, model : float
        Parts of `after - before`, in currency; positive raised VaR.
    by_symbol : mapping of str to float
        The part of the positions, symbol by symbol, each trade added alone to yesterday's
        book; `interaction` is what the trades do together.
    since : date or None
        The day of `before`.
    restated : float or None
        `before` less what was stored on its day: data were corrected, or code changed, since.
        None where nothing was stored for it.
    """

    before: float
    after: float
    positions: float
    market_data: float
    model: float
    by_symbol: dict[str, float]
    interaction: float
    since: date | None = None
    restated: float | None = None


def explain_movement(
    before: TailInputs,
    after: TailInputs,
    *,
    at_old_prices: FloatArray | None = None,
    confidence: float = 0.99,
) -> TailMovement:
    """Split the change of VaR from `before` to `after`; the model is method and window.

    Parameters
    ----------
    at_old_prices : ndarray of shape (n_symbols,), optional
        Today's quantities at the prices of `before`, in the order of `after.symbols`: what
        drifted with prices is then a part of the market, not of the positions. By default
        today's exposures.
    """

    def value(exposures: FloatArray, returns: FloatArray, model: TailInputs) -> float:
        return _value_at_risk(exposures @ returns[:, -(model.window or 0) :], model, confidence)

    symbols = tuple(sorted({*before.symbols, *after.symbols}))
    old, new = _spread(before, before.exposures, symbols), _spread(after, after.exposures, symbols)
    held = new if at_old_prices is None else _spread(after, at_old_prices, symbols)
    old_returns, new_returns = _returns(before, after, symbols), _returns(after, before, symbols)
    start = value(old, old_returns, before)
    traded = value(held, old_returns, before)
    moved = value(new, new_returns, before)
    end = value(new, new_returns, after)
    single = {}
    for row, symbol in enumerate(symbols):
        if not np.isclose(held[row], old[row], rtol=1e-9, atol=0.0):
            alone = old.copy()
            alone[row] = held[row]
            single[symbol] = value(alone, old_returns, before) - start
    largest_first = dict(sorted(single.items(), key=lambda pair: (-abs(pair[1]), pair[0])))
    return TailMovement(
        before=start,
        after=end,
        positions=traded - start,
        market_data=moved - traded,
        model=end - moved,
        by_symbol=largest_first,
        interaction=traded - start - sum(single.values()),
    )


def _spread(inputs: TailInputs, exposures: FloatArray, symbols: Sequence[str]) -> FloatArray:
    held = dict(zip(inputs.symbols, exposures.tolist(), strict=True))
    return np.array([held.get(symbol, 0.0) for symbol in symbols])


def _returns(inputs: TailInputs, other: TailInputs, symbols: Sequence[str]) -> FloatArray:
    """Return the window of every symbol; one that only the other day knows is taken from there."""
    window = inputs.returns.shape[1]
    rows = []
    for symbol in symbols:
        if symbol in inputs.symbols:
            rows.append(inputs.returns[inputs.symbols.index(symbol)])
            continue
        found = other.returns[other.symbols.index(symbol)][-window:]
        rows.append(np.concatenate([np.zeros(window - len(found)), found]))
    return np.stack(rows)


def _value_at_risk(pnl: FloatArray, model: TailInputs, confidence: float) -> float:
    if model.method == "historical":
        return tail_risk(pnl, confidence=confidence).value_at_risk
    value, _ = ESTIMATORS[model.method](pnl[None, :], (confidence,))
    return float(value[0, 0])
