"""Why did VaR move: the change from one day to the next, split into what changed.

Three things change between two days: the positions, the market data that scenarios are made of,
and the model (method, window). They are changed one after the other, in that order, and each
step's difference is its part; the parts sum to the whole exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
        The estimator's window, oldest first.
    method : str
        Name of an estimator.
    """

    symbols: tuple[str, ...]
    exposures: FloatArray
    returns: FloatArray
    method: str = "historical"


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
    """

    before: float
    after: float
    positions: float
    market_data: float
    model: float
    by_symbol: dict[str, float]
    interaction: float


def explain_movement(
    before: TailInputs, after: TailInputs, *, confidence: float = 0.99
) -> TailMovement:
    """Split the change of VaR from `before` to `after`."""
    symbols = tuple(sorted({*before.symbols, *after.symbols}))
    old, new = _spread(before, symbols), _spread(after, symbols)
    old_returns, new_returns = _returns(before, after, symbols), _returns(after, before, symbols)
    start = _value(old, old_returns, before.method, confidence)
    traded = _value(new, old_returns, before.method, confidence)
    moved = _value(new, new_returns, before.method, confidence)
    end = _value(new, new_returns, after.method, confidence)
    single = {}
    for row, symbol in enumerate(symbols):
        if new[row] != old[row]:
            alone = old.copy()
            alone[row] = new[row]
            single[symbol] = _value(alone, old_returns, before.method, confidence) - start
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


def _spread(inputs: TailInputs, symbols: Sequence[str]) -> FloatArray:
    held = dict(zip(inputs.symbols, inputs.exposures.tolist(), strict=True))
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


def _value(exposures: FloatArray, returns: FloatArray, method: str, confidence: float) -> float:
    pnl = exposures @ returns
    if method == "historical":
        return tail_risk(pnl, confidence=confidence).value_at_risk
    value, _ = ESTIMATORS[method](pnl[None, :], (confidence,))
    return float(value[0, 0])
