"""What came to pass, in the unit of each kind's prediction, joined to what was foretold."""

from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from features.labels import forward_return
from market.panel import Panel
from models.dataset import demeaned
from models.price import PriceSpec
from models.volatility import VolatilitySpec, variance_ratio
from services.ports import PredictionLog


def realised(model: str, closes: Panel, *, price: PriceSpec) -> FloatArray:
    """Return what `model` foretells as it came out, of shape (n_symbols, n_sessions).

    A cell is the outcome of a prediction made at that session's close; NaN while the sessions
    that it looks at have not passed.

    Raises
    ------
    MissingDataError
        If the outcome of the kind is not known here.
    """
    if model == price.name:
        labels = forward_return(closes, horizon=price.horizon, entry_lag=price.entry_lag)
        return demeaned(labels.values)
    volatility = VolatilitySpec()
    if model == volatility.name:
        return variance_ratio(closes, horizon=volatility.horizon).values
    raise MissingDataError(
        f"no outcome is known for model {model!r}: there are {price.name} and {volatility.name}"
    )


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
