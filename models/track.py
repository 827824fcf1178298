"""What a version foretold, what came of it, and how well they agree over a window of sessions."""

from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray
from measures.evidence import newey_west_mean
from models.assurance import Form
from models.evaluation import rank_information_coefficient

Z95 = 1.959963984540054
LEAST_SESSIONS = 60  # Fewer known sessions than this say nothing of a window.
LEAST_VALUES = 100
BINS = 5
MOST_REFERENCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a version foretold and what came of it, of shape (n_symbols, n_sessions).

    Attributes
    ----------
    below, above : ndarray
        How far each prediction's interval reaches; NaN where it has none.
    horizon : int
        Sessions that an outcome spans: neighbours overlap.
    tail : float or None
        How often an outcome may lie beyond the prediction, where it is a value at risk.
    """

    sessions: DateArray
    prediction: FloatArray
    outcome: FloatArray
    below: FloatArray
    above: FloatArray
    horizon: int
    tail: float | None = None

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
            tail=self.tail,
        )


def comparable(track: Track, form: Form) -> Track:
    """Return the track with what cannot be held against outcomes left out.

    The interval of a probability holds a rate and not the outcome itself, which is 0 or 1; a
    p-value has no outcome of its own.
    """
    if form == "outcome":
        return track
    nowhere = np.full(track.outcome.shape, np.nan)
    outcome = nowhere if form == "p_value" else track.outcome
    return replace(track, below=nowhere, above=nowhere, outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """One fifth of the predictions, and what came of it on average."""

    predicted: float
    realised: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSums:
    """What the figures of any set of sessions are made of, each of shape (n_sessions,).

    Attributes
    ----------
    rank_ic, ranked : ndarray
        Rank correlation, and 1 where it is known.
    product, square : ndarray
        Sums of prediction times outcome and of the prediction's square.
    beyond, known : ndarray
        Outcomes beyond a tail forecast over those promised (None where there is no tail), and 1
        where an outcome is known.
    inside, judged : ndarray
        Outcomes inside their interval, and outcomes that have one.
    """

    rank_ic: FloatArray
    ranked: FloatArray
    product: FloatArray
    square: FloatArray
    beyond: FloatArray | None
    known: FloatArray
    inside: FloatArray
    judged: FloatArray


def session_sums(track: Track) -> SessionSums:
    """Return the sums of each session, from which the figures of many windows are read."""
    known = np.isfinite(track.prediction) & np.isfinite(track.outcome)
    p = np.where(known, track.prediction, 0.0)
    o = np.where(known, track.outcome, 0.0)
    ranks = rank_information_coefficient(track.prediction, track.outcome)
    judged = known & np.isfinite(track.below + track.above)
    error = np.where(judged, o - p, 0.0)
    inside = judged & (error <= track.above) & (error >= -track.below)
    count = known.sum(axis=0)
    beyond = None
    if track.tail is not None:
        beyond = (known & (o > p)).sum(axis=0) / np.maximum(count, 1) / track.tail
    return SessionSums(
        rank_ic=np.nan_to_num(ranks),
        ranked=np.isfinite(ranks).astype(np.float64),
        product=(p * o).sum(axis=0),
        square=(p**2).sum(axis=0),
        beyond=beyond,
        known=(count > 0).astype(np.float64),
        inside=inside.sum(axis=0).astype(np.float64),
        judged=judged.sum(axis=0).astype(np.float64),
    )


def finite(values: FloatArray) -> FloatArray:
    """Return the finite values as a vector."""
    flat = values.ravel()
    return np.asarray(flat[np.isfinite(flat)], dtype=np.float64)


def thinned(values: FloatArray) -> FloatArray:
    """Return the finite values by session, evenly thinned: a distribution needs no more."""
    flat = finite(values.T)
    return flat[:: -(-len(flat) // MOST_REFERENCE) or 1]


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
    if track.tail is not None:
        return _exceedances(track, known, track.tail)
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


def _exceedances(track: Track, known: BoolArray, tail: float) -> Estimate | None:
    """Return how many outcomes lay beyond a tail forecast, over how many there should be.

    The sessions' shares are averaged with Newey-West: series fall together.
    """
    some = known.any(axis=0)
    if int(some.sum()) < LEAST_SESSIONS:
        return None
    beyond = known & (track.outcome > track.prediction)
    shares = beyond.sum(axis=0)[some] / known.sum(axis=0)[some] / tail
    test = newey_west_mean(shares, lags=track.horizon)
    half = Z95 * test.standard_error
    return Estimate(value=test.mean, low=test.mean - half, high=test.mean + half)


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
