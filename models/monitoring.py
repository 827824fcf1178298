"""Is a version still what it was: drift, rank correlation, coverage, calibration, over time.

Everything is measured on predictions made out of sample or in service, over rolling windows of
sessions; a window's figures rest on outcomes known in it. Nothing here decides what to do about
a breach.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.evidence_drift import ALARM, Drift, StabilityReference, measure_drift
from models.track import (
    LEAST_VALUES,
    Estimate,
    Track,
    calibration_slope,
    coverage,
    rank_correlation,
)

MOST_REFERENCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPolicy:
    """What is watched, over which windows, and where a figure becomes a breach.

    Attributes
    ----------
    drift_sessions, score_sessions : int
        Window of drift; window of rank correlation, coverage and calibration.
    every_sessions, history_sessions : int
        Distance of the points over time, and how far back they go.
    features_in_alarm : float
        Largest share of features whose stability index is an alarm (from 0.25).
    prediction_stability : float
        Largest stability index of the predictions.
    coverage_low, coverage_high : float
        What share of outcomes the intervals may hold.
    rank_ic_upper : float
        Least upper end of the rank correlation's 95% interval: below it the model ranks the wrong
        way round beyond chance.
    slope_upper : float
        Least upper end of the calibration slope's 95% interval: below it the predictions are too
        bold beyond chance.
    exceedances_lower : float
        For tails: largest lower end of the 95% interval of the losses beyond the forecast over
        those promised: above it the forecast is too low beyond chance.
    """

    drift_sessions: int = 63
    score_sessions: int = 252
    every_sessions: int = 21
    history_sessions: int = 1260
    features_in_alarm: float = 0.5
    prediction_stability: float = 0.25
    coverage_low: float = 0.85
    coverage_high: float = 0.95
    rank_ic_upper: float = 0.0
    slope_upper: float = 0.0
    exceedances_lower: float = 1.0

    def __post_init__(self) -> None:
        for name in ("drift_sessions", "score_sessions", "every_sessions", "history_sessions"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.coverage_low < self.coverage_high <= 1.0:
            raise InvalidInputError(
                f"coverage must lie between {self.coverage_low} and {self.coverage_high}: "
                "give the lower end first"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPoint:
    """One moment of a version's life; None where too little is known.

    Attributes
    ----------
    rank_ic : Estimate or None
        Mean rank correlation by session, Newey-West.
    slope : Estimate or None
        Of the outcome on the prediction, through zero: 1 is calibrated, below 1 too bold. For a
        tail, the outcomes beyond it over those that there should be: 1 is calibrated.
    coverage : float or None
        Share of outcomes inside their interval.
    prediction_stability : float or None
        Stability index of the predictions against all before the points begin.
    features_in_alarm : float or None
        Share of features whose stability index is an alarm.
    """

    session: date
    rank_ic: Estimate | None
    slope: Estimate | None
    coverage: float | None
    prediction_stability: float | None
    features_in_alarm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How far one feature has moved."""

    name: str
    drift: Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A figure beyond what the policy allows."""

    rule: str
    value: float
    limit: float
    text: str


def feature_drift(
    names: Sequence[str], values: FloatArray, *, sessions: int
) -> tuple[ColumnDrift, ...]:
    """Hold the last `sessions` of each feature against all before, most moved first.

    A feature that is not known often enough is left out.

    Parameters
    ----------
    values : ndarray of shape (n_features, n_symbols, n_sessions)
    """
    found = []
    for name, grid in zip(names, values, strict=True):
        reference, current = _thinned(grid[:, :-sessions]), _finite(grid[:, -sessions:])
        if min(len(reference), len(current)) >= LEAST_VALUES:
            found.append(ColumnDrift(name=name, drift=measure_drift(reference, current)))
    return tuple(sorted(found, key=lambda row: (-row.drift.stability_index, row.name)))


def prediction_drift(track: Track, *, sessions: int) -> Drift | None:
    """Hold the predictions of the last `sessions` against all before."""
    reference = _thinned(track.prediction[:, :-sessions])
    current = _finite(track.prediction[:, -sessions:])
    if min(len(reference), len(current)) < LEAST_VALUES:
        return None
    return measure_drift(reference, current)


def points_over_time(
    track: Track, features: FloatArray | None, policy: MonitoringPolicy
) -> tuple[MonitorPoint, ...]:
    """Return the version's figures at regular sessions, the newest last.

    Parameters
    ----------
    features : ndarray of shape (n_features, n_symbols, n_sessions) or None
        On the track's sessions.
    """
    n = track.prediction.shape[1]
    stops = list(range(n, max(n - policy.history_sessions, 0), -policy.every_sessions))[::-1]
    if not stops:
        return ()
    begin = max(stops[0] - policy.drift_sessions, 0)
    indexed = _Reference(track.prediction[None], begin)
    columns = None if features is None else _Reference(features, begin)
    days: list[date] = track.sessions.astype(object).tolist()
    points = []
    for stop in stops:
        scored = track.window(stop, policy.score_sessions)
        moved = indexed.indices(track.prediction[None], stop, policy.drift_sessions)
        shifted = [] if columns is None else columns.indices(features, stop, policy.drift_sessions)
        points.append(
            MonitorPoint(
                session=days[stop - 1],
                rank_ic=rank_correlation(scored),
                slope=calibration_slope(scored),
                coverage=coverage(scored),
                prediction_stability=moved[0] if moved else None,
                features_in_alarm=float(np.mean([i >= ALARM for i in shifted]))
                if shifted
                else None,
            )
        )
    return tuple(points)


def breaches(
    point: MonitorPoint,
    policy: MonitoringPolicy,
    *,
    prediction: Drift | None,
    tail: bool = False,
) -> tuple[Breach, ...]:
    """Return which of the newest figures lie beyond the policy.

    Parameters
    ----------
    tail : bool
        The predictions are tails: their calibration is that of the exceedances.
    """
    slope = point.slope
    found = [
        _above("feature drift", point.features_in_alarm, policy.features_in_alarm,
               "of the features have left the distribution that came before"),
        _above("prediction drift", prediction.stability_index if prediction else None,
               policy.prediction_stability, "is the stability index of the predictions"),
        _above("coverage too high", point.coverage, policy.coverage_high,
               "of outcomes fell into their interval: it is too wide"),
        _below("coverage too low", point.coverage, policy.coverage_low,
               "of outcomes fell into their interval: it is too narrow"),
        _below("rank correlation", point.rank_ic.high if point.rank_ic else None,
               policy.rank_ic_upper, "is the upper end of the rank correlation's 95% interval"),
        _below("calibration", slope.high if slope and not tail else None,
               policy.slope_upper, "is the upper end of the calibration slope's 95% interval"),
        _above("exceedances", slope.low if slope and tail else None, policy.exceedances_lower,
               "is the lower end of the losses beyond the forecast over those promised"),
    ]  # fmt: skip
    return tuple(breach for breach in found if breach is not None)


class _Reference:
    """The deciles of each column before a position, by which later windows are counted."""

    def __init__(self, values: FloatArray, begin: int) -> None:
        self._columns: Mapping[int, StabilityReference] = {
            i: StabilityReference(sample)
            for i, grid in enumerate(values)
            if len(sample := _thinned(grid[:, :begin])) >= LEAST_VALUES
        }

    def indices(self, values: FloatArray | None, stop: int, count: int) -> list[float]:
        """Return the stability index of each column over `count` sessions before `stop`."""
        if values is None:
            return []
        found = []
        for i, reference in self._columns.items():
            current = _finite(values[i][:, max(0, stop - count) : stop])
            if len(current) >= LEAST_VALUES:
                found.append(reference.index(current))
        return found


def _above(rule: str, value: float | None, limit: float, text: str) -> Breach | None:
    if value is None or value <= limit:
        return None
    return Breach(rule=rule, value=value, limit=limit, text=f"{value:.3g} {text} (at most {limit})")


def _below(rule: str, value: float | None, limit: float, text: str) -> Breach | None:
    if value is None or value >= limit:
        return None
    return Breach(
        rule=rule, value=value, limit=limit, text=f"{value:.3g} {text} (at least {limit})"
    )


def _finite(values: FloatArray) -> FloatArray:
    flat = values.ravel()
    return np.asarray(flat[np.isfinite(flat)], dtype=np.float64)


def _thinned(values: FloatArray) -> FloatArray:
    """Return the finite values by session, evenly thinned: a distribution needs no more."""
    flat = _finite(values.T)
    return flat[:: -(-len(flat) // MOST_REFERENCE) or 1]
