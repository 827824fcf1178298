"""Is a version still what it was: drift, rank correlation, coverage, calibration, over time.

Everything is measured on predictions made out of sample or in service, over rolling windows of
sessions; a window's figures rest on outcomes known in it. Nothing here decides what to do about
a breach.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError
from measures.evidence import newey_west_mean
from measures.evidence_drift import ALARM, Drift, StabilityReference, measure_drift
from models.evaluation import rank_information_coefficient

Z95 = 1.959963984540054
LEAST_SESSIONS = 60  # Fewer known sessions than this say nothing of a window.
LEAST_VALUES = 100
MOST_REFERENCE = 20_000
BINS = 5


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
class Track:
    """What a version foretold and what came of it, of shape (n_symbols, n_sessions).

    Attributes
    ----------
    below, above : ndarray
        How far each prediction's interval reaches; NaN where it has none.
    horizon : int
        Sessions that an outcome spans: neighbours overlap.
    """

    sessions: DateArray
    prediction: FloatArray
    outcome: FloatArray
    below: FloatArray
    above: FloatArray
    horizon: int

    def window(self, stop: int, count: int) -> "Track":
        """Return the `count` sessions before position `stop`."""
        cut = slice(max(0, stop - count), stop)
        return Track(
            sessions=self.sessions[cut],
            prediction=self.prediction[:, cut],
            outcome=self.outcome[:, cut],
            below=self.below[:, cut],
            above=self.above[:, cut],
            horizon=self.horizon,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPoint:
    """One moment of a version's life; None where too little is known.

    Attributes
    ----------
    rank_ic : Estimate or None
        Mean rank correlation by session, Newey-West.
    slope : Estimate or None
        Of the outcome on the prediction, through zero: 1 is calibrated, below 1 too bold.
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
class CalibrationBin:
    """One fifth of the predictions, and what came of it on average."""

    predicted: float
    realised: float
    count: int


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


def rank_correlation(track: Track) -> Estimate | None:
    """Return the mean rank correlation over the track's sessions."""
    scores = rank_information_coefficient(track.prediction, track.outcome)
    known = scores[np.isfinite(scores)]
    if len(known) < LEAST_SESSIONS:
        return None
    test = newey_west_mean(known, lags=track.horizon)
    half = Z95 * test.standard_error
    return Estimate(value=test.mean, low=test.mean - half, high=test.mean + half)


def calibration_slope(track: Track) -> Estimate | None:
    """Return b of outcome = b x prediction + error, its error clustered by session.

    b = sum(p o) / sum(p^2); the sessions' sums of p (o - b p) are averaged with Newey-West, since
    outcomes overlap. None where the predictions are all zero: there is nothing to calibrate.
    """
    known = np.isfinite(track.prediction) & np.isfinite(track.outcome)
    p = np.where(known, track.prediction, 0.0)
    o = np.where(known, track.outcome, 0.0)
    some = known.any(axis=0)
    weight = float((p**2).sum())
    if int(some.sum()) < LEAST_SESSIONS or weight <= 0.0:
        return None
    slope = float((p * o).sum()) / weight
    moments = (p * (o - slope * p)).sum(axis=0)[some]
    error = newey_west_mean(moments, lags=track.horizon).standard_error
    half = Z95 * error * len(moments) / weight
    return Estimate(value=slope, low=slope - half, high=slope + half)


def coverage(track: Track) -> float | None:
    """Return the share of outcomes inside their interval."""
    known = np.isfinite(track.prediction + track.outcome + track.below + track.above)
    if int(known.any(axis=0).sum()) < LEAST_SESSIONS:
        return None
    error = (track.outcome - track.prediction)[known]
    inside = (error <= track.above[known]) & (error >= -track.below[known])
    return float(inside.mean())


def calibration_bins(track: Track) -> tuple[CalibrationBin, ...]:
    """Return the mean prediction and outcome by fifths of the predictions, lowest first."""
    known = np.isfinite(track.prediction) & np.isfinite(track.outcome)
    p, o = track.prediction[known], track.outcome[known]
    if len(p) < LEAST_VALUES:
        return ()
    order = np.argsort(p, kind="stable")
    return tuple(
        CalibrationBin(
            predicted=float(p[part].mean()), realised=float(o[part].mean()), count=len(part)
        )
        for part in np.array_split(order, BINS)
    )


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
    point: MonitorPoint, policy: MonitoringPolicy, *, prediction: Drift | None
) -> tuple[Breach, ...]:
    """Return which of the newest figures lie beyond the policy."""
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
        _below("calibration", point.slope.high if point.slope else None,
               policy.slope_upper, "is the upper end of the calibration slope's 95% interval"),
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
