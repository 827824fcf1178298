"""Is a version still what it was: drift, rank correlation, coverage, calibration, over time.

Everything is measured on predictions made out of sample or in service, over rolling windows of
sessions; a window's figures rest on outcomes known in it. Nothing here decides what a
breach is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.evidence_drift import (
    ALARM,
    Drift,
    DriftReference,
    StabilityReference,
    measure_drift,
)
from models.monitoring_limits import LimitRule, Limits
from models.track import (
    LEAST_VALUES,
    Estimate,
    Track,
    calibration_slope,
    coverage,
    finite,
    rank_correlation,
    thinned,
)


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
    limits : LimitRule
        How the limits of a version are chosen on the early part of its record; those above are
        declared for a version whose early part is too short.
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
    limits: LimitRule = field(default_factory=LimitRule)

    def __post_init__(self) -> None:
        for name in ("drift_sessions", "score_sessions", "every_sessions", "history_sessions"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.coverage_low < self.coverage_high <= 1.0:
            raise InvalidInputError(
                f"coverage must lie between {self.coverage_low} and {self.coverage_high}: "
                "give the lower end first"
            )

    @property
    def windows(self) -> tuple[int, int]:
        """Sessions of drift, and of what rests on outcomes."""
        return self.drift_sessions, self.score_sessions


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
        Share of features whose stability index lies beyond their limit.
    prediction_kolmogorov_smirnov, prediction_wasserstein : float or None
        The predictions' other distances from the same reference.
    """

    session: date
    rank_ic: Estimate | None
    slope: Estimate | None
    coverage: float | None
    prediction_stability: float | None
    features_in_alarm: float | None
    # Documents of earlier days lack them.
    prediction_kolmogorov_smirnov: float | None = None
    prediction_wasserstein: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How far one feature has moved, and how far its stability index may.

    Attributes
    ----------
    level : str
        As the drift's; `usual` where it is an alarm to the field and not to the feature itself,
        which moved as far before.
    """

    name: str
    drift: Drift
    limit: float = ALARM

    @property
    def level(self) -> str:
        """How much it says."""
        own = self.drift.level
        return "usual" if own == "alarm" and self.drift.stability_index <= self.limit else own


def feature_drift(
    names: Sequence[str], values: FloatArray, *, sessions: int, limits: Limits | None = None
) -> tuple[ColumnDrift, ...]:
    """Hold the last `sessions` of each feature against all before, most moved first.

    A feature that is not known often enough is left out.

    Parameters
    ----------
    values : ndarray of shape (n_features, n_symbols, n_sessions)
    """
    found = []
    alarms = np.full(len(names), ALARM) if limits is None else limits.alarms(names)
    for name, grid, limit in zip(names, values, alarms, strict=True):
        reference, current = thinned(grid[:, :-sessions]), finite(grid[:, -sessions:])
        if min(len(reference), len(current)) >= LEAST_VALUES:
            drift = measure_drift(reference, current)
            found.append(ColumnDrift(name=name, drift=drift, limit=float(limit)))
    return tuple(sorted(found, key=lambda row: (-row.drift.stability_index, row.name)))


def prediction_drift(track: Track, *, sessions: int) -> Drift | None:
    """Hold the predictions of the last `sessions` against all before."""
    reference = thinned(track.prediction[:, :-sessions])
    current = finite(track.prediction[:, -sessions:])
    if min(len(reference), len(current)) < LEAST_VALUES:
        return None
    return measure_drift(reference, current)


def points_over_time(
    track: Track,
    features: FloatArray | None,
    policy: MonitoringPolicy,
    *,
    alarms: FloatArray | None = None,
    reference: int | None = None,
) -> tuple[MonitorPoint, ...]:
    """Return the version's figures at regular sessions, the newest last.

    Parameters
    ----------
    features : ndarray of shape (n_features, n_symbols, n_sessions) or None
        On the track's sessions.
    alarms : ndarray of shape (n_features,), optional
        Largest stability index of each feature; the field's 0.25 where not given.
    reference : int, optional
        Position before which drift's reference lies; the beginning of the points by default.
    """
    n = track.prediction.shape[1]
    stops = list(range(n, max(n - policy.history_sessions, 0), -policy.every_sessions))[::-1]
    if not stops:
        return ()
    begin = max(stops[0] - policy.drift_sessions, 0) if reference is None else reference
    sample = thinned(track.prediction[:, :begin])
    indexed = DriftReference(sample) if len(sample) >= LEAST_VALUES else None
    columns = None if features is None else _Columns(features, begin, alarms)
    days: list[date] = track.sessions.astype(object).tolist()
    points = []
    for stop in stops:
        scored = track.window(stop, policy.score_sessions)
        moved = _distances(
            indexed, track.prediction[:, max(0, stop - policy.drift_sessions) : stop]
        )
        points.append(
            MonitorPoint(
                session=days[stop - 1],
                rank_ic=rank_correlation(scored),
                slope=calibration_slope(scored),
                coverage=coverage(scored),
                prediction_stability=moved[0],
                features_in_alarm=None
                if columns is None
                else columns.in_alarm(features, stop, policy.drift_sessions),
                prediction_kolmogorov_smirnov=moved[1],
                prediction_wasserstein=moved[2],
            )
        )
    return tuple(points)


def _distances(
    reference: DriftReference | None, window: FloatArray
) -> tuple[float | None, float | None, float | None]:
    """Return the three distances of a window from the reference, None where too little is known."""
    current = finite(window)
    if reference is None or len(current) < LEAST_VALUES:
        return None, None, None
    return reference.index(current), *reference.distances(current)


class _Columns:
    """The deciles of each feature before a position, by which later windows are counted."""

    def __init__(self, values: FloatArray, begin: int, alarms: FloatArray | None) -> None:
        limits = np.full(len(values), ALARM) if alarms is None else alarms
        self._columns: Mapping[int, tuple[StabilityReference, float]] = {
            i: (StabilityReference(sample), float(limits[i]))
            for i, grid in enumerate(values)
            if len(sample := thinned(grid[:, :begin])) >= LEAST_VALUES
        }

    def in_alarm(self, values: FloatArray | None, stop: int, count: int) -> float | None:
        """Return the share of features beyond their limit over `count` sessions before `stop`."""
        if values is None:
            return None
        found = []
        for i, (reference, limit) in self._columns.items():
            current = finite(values[i][:, max(0, stop - count) : stop])
            if len(current) >= LEAST_VALUES:
                found.append(reference.index(current) > limit)
        return float(np.mean(found)) if found else None
