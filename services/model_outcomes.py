"""What came to pass, in the unit that each kind is judged in, joined to what was foretold.

- price: the forward return less the session's mean, once entry lag and horizon have passed.
- volatility, regime: the mean squared return of the horizon over the session's EWMA variance.
- risk: tomorrow's loss, to hold the value at risk against.
- sizing: the return of the session that the size is held for; size times it is the profit.
- signal: 1 where the bet on the price model's side met its upper barrier first.
- anomaly: none, ever: nobody tells which real bar, or which day of flow, was wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from features.labels import forward_return
from market.panel import Panel
from models.dataset import demeaned
from models.price import PriceSpec
from models.regime_kind import RegimeSpec
from models.signal import SignalSpec, signal_labels
from models.tail_forecast import next_return
from models.volatility import VolatilitySpec, variance_ratio
from services.ports import PredictionLog

NEVER = (
    "nobody tells which real bars or days of flow are wrong: the kind is judged on planted errors"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What outcomes are made from.

    Attributes
    ----------
    closes : Panel
        Of the series that the model foretells.
    price : PriceSpec
        Which forward return the price model foretells.
    side : callable
        Returns the price model's predictions out of sample on the panel's grid: the side that a
        signal's bet takes.
    """

    closes: Panel
    price: PriceSpec
    side: Callable[[], FloatArray]


def realised(kind: str, ground: Ground) -> FloatArray:
    """Return what a kind foretells as it came out, of shape (n_symbols, n_sessions).

    A cell is the outcome of a prediction made at that session's close; NaN while the sessions
    that it looks at have not passed.

    Raises
    ------
    MissingDataError
        If the outcome of the kind never becomes known, or the kind is a user's own.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        reason = NEVER if kind.startswith("anomaly") else f"there are {', '.join(_MAKERS)}"
        raise MissingDataError(f"no outcome is known for model {kind!r}: {reason}")
    return maker(ground)


def join_outcomes(log: PredictionLog, model: str, closes: Panel, outcomes: FloatArray) -> int:
    """Tell every logged answer that waits for it what came to pass; return how many were told."""
    waiting = log.waiting(model)
    if not waiting:
        return 0
    row = {symbol: i for i, symbol in enumerate(closes.symbols)}
    days: list[date] = closes.sessions.astype(object).tolist()
    column = {day: j for j, day in enumerate(days)}
    known = {
        (entity, day): float(outcomes[row[entity], column[day]])
        for entity, day in waiting
        if entity in row and day in column and np.isfinite(outcomes[row[entity], column[day]])
    }
    return log.join(model, known)


def _price(ground: Ground) -> FloatArray:
    spec = ground.price
    labels = forward_return(ground.closes, horizon=spec.horizon, entry_lag=spec.entry_lag)
    return demeaned(labels.values)


def _size(ground: Ground) -> FloatArray:
    return forward_return(ground.closes, horizon=1, entry_lag=1).values


_MAKERS: Mapping[str, Callable[[Ground], FloatArray]] = {
    "price": _price,
    "volatility": lambda g: variance_ratio(g.closes, horizon=VolatilitySpec().horizon).values,
    "regime": lambda g: variance_ratio(g.closes, horizon=RegimeSpec().horizon).values,
    "risk": lambda g: -next_return(g.closes).values,
    "sizing": _size,
    "signal": lambda g: signal_labels(g.closes, g.side(), SignalSpec()).values,
}
