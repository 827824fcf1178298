"""By what two versions of a kind are told apart: the kind's own loss on the rows of both.

The first series is the loss of the kind. Beside it stand what people also ask for: rank correlation
and net return for the traded kind, the quantile loss for value at risk.
"""

from collections.abc import Callable, Mapping

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from measures.tail_scores import fissler_ziegel_loss, pinball_loss
from models.anomaly_kind import AnomalySpec
from models.evaluation import (
    long_short_returns,
    rank_information_coefficient,
    session_mean,
    squared_error,
)
from models.signal import SignalSpec
from models.sizing_kind import SizingSpec
from models.volatility import VolatilitySpec
from services.model_documents import (
    FISSLER_ZIEGEL,
    QLIKE,
    RESULT,
    SHORTFALL,
    SQUARED_ERROR,
    Manifest,
)
from services.paired_rows import FIRST, SECOND, PairedRows

# Cost of trading one unit of weight in the net return: 5 basis points.
COST_RATE = 0.0005
RANK_IC, NET_RETURN, PINBALL = "rank IC", "net return a period", "quantile loss"
GROWTH = SizingSpec().metric
# Both series, and +1 where more is better.
Series = Mapping[str, tuple[FloatArray, FloatArray, int]]


def loss_series(rows: PairedRows, manifest: Manifest) -> Series:
    """Return each figure's series for both versions, the loss of the kind first.

    Raises
    ------
    MissingDataError
        If the manifest's metric is not known here.
    """
    judge = _BY_METRIC.get(manifest.metric)
    if judge is None:
        raise MissingDataError(
            f"{manifest.name} is judged by {manifest.metric!r}, which cannot be measured on stored "
            f"rows: known are {', '.join(_BY_METRIC)}"
        )
    return judge(rows, manifest)


def loss_differences(rows: PairedRows, manifest: Manifest) -> tuple[str, DateArray, FloatArray]:
    """Return the loss's name, and when and by how much the first lost more than the second.

    Where the kind is traded the loss is the net return forgone, else the loss of the kind.
    Overlapping labels depend on one another, so only every `horizon`-th session counts; a size
    is judged by the return of its own session, which overlaps with none.
    """
    series = loss_series(rows, manifest)
    if NET_RETURN in series:
        first, second, _ = series[NET_RETURN]
        name, differences, every = NET_RETURN, second - first, manifest.horizon
    else:
        name, (first, second, _) = next(iter(series.items()))
        every = 1 if name == GROWTH else manifest.horizon
        differences = (first - second)[::every]
    known = np.isfinite(differences)
    return name, rows.sessions[::every][known], differences[known]


def _traded(rows: PairedRows, manifest: Manifest) -> Series:
    first, second = (
        long_short_returns(grid, rows.outcome, every=manifest.horizon, cost_rate=COST_RATE)[0]
        for grid in (rows.first, rows.second)
    )
    errors = _both(rows, squared_error)
    return {
        SQUARED_ERROR: (*errors, -1),
        RANK_IC: (*_both(rows, _scores), 1),
        NET_RETURN: (first, second, 1),
    }


def _ratios(rows: PairedRows, manifest: Manifest) -> Series:
    del manifest
    return {QLIKE: (*_both(rows, VolatilitySpec().loss), -1)}


def _rates(rows: PairedRows, manifest: Manifest) -> Series:
    return {manifest.metric: (*_both(rows, SignalSpec().loss), -1)}


def _strange(rows: PairedRows, manifest: Manifest) -> Series:
    return {manifest.metric: (*_both(rows, AnomalySpec().loss), -1)}


def _sizes(rows: PairedRows, manifest: Manifest) -> Series:
    """Return minus the log growth of equity, in equal parts over the series that have a size.

    Answers in service have no other outcome than what their session returned.
    """
    realised = rows.beside.get(RESULT, rows.outcome)

    def loss(size: FloatArray, _: FloatArray) -> FloatArray:
        earned = np.maximum(session_mean(size * realised), -0.99)
        return np.asarray(-np.log1p(earned), dtype=np.float64)

    return {manifest.metric: (*_both(rows, loss), -1)}


def _tails(rows: PairedRows, manifest: Manifest) -> Series:
    """Return the Fissler-Ziegel loss where both shortfalls are kept, and the quantile loss.

    What was answered in service is the value at risk alone.
    """
    confidence = float(manifest.parameters["confidence"])
    pnl = -rows.outcome
    found = {}
    shortfalls = [rows.beside.get(f"{side}{SHORTFALL}") for side in (FIRST, SECOND)]
    if all(grid is not None for grid in shortfalls):
        both = [
            _over_known(
                lambda p, v, e: fissler_ziegel_loss(p, v, e, confidence=confidence),
                pnl, grid, shortfall,
            )
            for grid, shortfall in zip((rows.first, rows.second), shortfalls, strict=True)
            if shortfall is not None
        ]  # fmt: skip
        found[FISSLER_ZIEGEL] = (both[0], both[1], -1)
    first, second = (
        _over_known(lambda p, v: pinball_loss(p, v, confidence=confidence), pnl, grid)
        for grid in (rows.first, rows.second)
    )
    return {**found, PINBALL: (first, second, -1)}


def _both(
    rows: PairedRows, loss: Callable[[FloatArray, FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    return loss(rows.first, rows.outcome), loss(rows.second, rows.outcome)


def _over_known(loss: Callable[..., FloatArray], *grids: FloatArray) -> FloatArray:
    """Return the session's mean of a loss over the cells that all grids know."""
    known = np.isfinite(np.stack(grids)).all(axis=0)
    values = np.full(known.shape, np.nan)
    values[known] = loss(*(grid[known] for grid in grids))
    return session_mean(values)


def _scores(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the rank correlation by session; a model without opinion scores zero."""
    return np.nan_to_num(rank_information_coefficient(prediction, outcome))


_BY_METRIC: Mapping[str, Callable[[PairedRows, Manifest], Series]] = {
    SQUARED_ERROR: _traded,
    QLIKE: _ratios,
    FISSLER_ZIEGEL: _tails,
    GROWTH: _sizes,
    SignalSpec().metric: _rates,
    AnomalySpec().metric: _strange,
}
