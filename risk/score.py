"""The risk score, 0 to 100: the calibrated probability of breaching the drawdown limit.

Two things raise it: how near the drawdown limit is in units of the book's volatility (the
probability that a random walk touches it within 20 sessions, by the reflection principle), and
how much of every other limit is used. Both enter one logistic curve for all books, whose intercept
and slope were fitted to what followed on many books until 2006 (`services.score_study` fits them
again and judges them after); all slopes are positive, so the score rises with the use of every
limit. A curve of each book's own was worse: a history holds few breaches, each counted on some
twenty days that overlap.

The score is a scale of that probability p: 100 (1 + log10(p) / 4), not below 0. Every 25 points
are a factor of ten: 25 is 1 in 1000 within 20 sessions, 50 is 1 in 100, 75 is 1 in 10, 100 is
certain. The levels change at 25, 50 and 75. What a passed limit adds is in `risk.verdict`.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError

HORIZON_SESSIONS = 20
# Where no drawdown limit is set the score still needs one to be the probability of.
DEFAULT_DRAWDOWN_LIMIT = 0.20
PRESSURE_POWER = 8.0
# Weight of the limits' pressure in the logit: a book at every limit's edge (pressure 1) has e
# times the odds of one that uses none.
PRESSURE_WEIGHT = 1.0
# The curve that all books share, from theory to frequency.
SHARED_INTERCEPT, SHARED_SLOPE = -1.53, 0.66
_MIN_EVENTS = 5
THRESHOLDS = (25.0, 50.0, 75.0)
# How far below its threshold a score must be for the level to fall.
BAND = 5.0


class Level(StrEnum):
    """How serious the risk is."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


_LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Forecasts of about one size, and how often the event followed."""

    forecast: float
    observed: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The logistic curve from theory to frequency, and how well it fits.

    Attributes
    ----------
    fitted : bool
        Whether the curve was fitted to what happened; False where theory is shown as it is.
    n_days, n_events : int
        Of the book's history: days on which the limit was not reached, and after how many of them
        it was within the horizon.
    brier, brier_climatology : float or None
        Mean squared error on the second half of the book's history, and of always forecasting
        the first half's frequency; None where a half holds too few breaches to judge.
    base_rate : float or None
        How often the breach came in that second half.
    reliability : tuple of ReliabilityBin
        Of the same forecasts of the second half.
    """

    intercept: float
    slope: float
    fitted: bool
    n_days: int
    n_events: int
    brier: float | None
    brier_climatology: float | None
    reliability: tuple[ReliabilityBin, ...]
    base_rate: float | None = None


UNCALIBRATED = Calibration(
    intercept=0.0,
    slope=1.0,
    fitted=False,
    n_days=0,
    n_events=0,
    brier=None,
    brier_climatology=None,
    reliability=(),
)


def touch_probability(
    drawdown: FloatArray,
    *,
    limit: float,
    daily_volatility: FloatArray,
    sessions: int = HORIZON_SESSIONS,
) -> FloatArray:
    """Return the chance that each drawdown reaches `limit` within `sessions`, by reflection.

    2 Phi(-g / (sigma sqrt(h))) with g = ln((1 - drawdown) / (1 - limit)): a driftless random
    walk in log equity. 1 when the limit is already reached, 0 for a book that does not move.

    Raises
    ------
    InvalidInputError
        If a drawdown or limit is outside [0, 1) or a volatility negative.
    """
    from scipy.special import ndtr

    inside = (drawdown >= 0) & (drawdown < 1) & (daily_volatility >= 0)
    if not (inside.all() and 0.0 < limit < 1.0):
        raise InvalidInputError(
            f"drawdown {_span(drawdown)}, limit {limit}, volatility {_span(daily_volatility)} are "
            "out of range: [0, 1), (0, 1) and zero or above"
        )
    distance = np.log((1.0 - drawdown) / (1.0 - limit))
    spread = np.maximum(daily_volatility, 1e-12) * math.sqrt(sessions)
    probability: FloatArray = np.where(distance <= 0, 1.0, 2.0 * ndtr(-distance / spread))
    return probability


def _span(values: FloatArray) -> str:
    if not np.size(values):
        return "nothing"
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def pressure(utilisations: FloatArray) -> FloatArray:
    """Return a smooth maximum over the last axis: the 8-norm, rising in each utilisation.

    0 where there is no limit.
    """
    if not (np.isfinite(utilisations).all() and (utilisations >= 0).all()):
        raise InvalidInputError(f"utilisations must be >= 0 and finite, got {utilisations}")
    if utilisations.shape[-1] == 0:
        return np.zeros(utilisations.shape[:-1])
    top = utilisations.max(axis=-1)
    scaled = utilisations / np.where(top > 0, top, 1.0)[..., None]
    smooth: FloatArray = top * (scaled**PRESSURE_POWER).sum(axis=-1) ** (1.0 / PRESSURE_POWER)
    return smooth


def breach_probability(touch: float, limit_pressure: float, calibration: Calibration) -> float:
    """Return the calibrated probability from theory (`touch_probability`) and pressure."""
    found = breach_probabilities(np.array([touch]), np.array([limit_pressure]), calibration)
    return float(found[0])


def breach_probabilities(
    touches: FloatArray, pressures: FloatArray, calibration: Calibration
) -> FloatArray:
    """Return `breach_probability` of many days."""
    logits = calibration.intercept + calibration.slope * _logit(touches)
    return _expit(logits + PRESSURE_WEIGHT * pressures)


def risk_score(probability: float) -> float:
    """Return 100 (1 + log10(p) / 4) within [0, 100], one decimal."""
    if not 0.0 <= probability <= 1.0:
        raise InvalidInputError(f"a probability must lie in [0, 1], got {probability}")
    scaled = 100.0 * (1.0 + math.log10(max(probability, 1e-4)) / 4.0)
    return round(min(max(scaled, 0.0), 100.0), 1)


def risk_level(score: float, *, previous: Level | None = None) -> Level:
    """Return the level of a score, with hysteresis.

    The level rises at 25, 50 and 75; it falls only when the score is 5 below, so that a score
    that trembles on a threshold does not ring every day.
    """
    level = sum(score >= threshold for threshold in THRESHOLDS)
    if previous is not None and _LEVELS.index(previous) > level:
        level = sum(score >= threshold - BAND for threshold in THRESHOLDS)
        level = min(level, _LEVELS.index(previous))
    return _LEVELS[level]


SHARED = replace(UNCALIBRATED, intercept=SHARED_INTERCEPT, slope=SHARED_SLOPE, fitted=True)


def calibrate(probabilities: FloatArray, pressures: FloatArray, breached: BoolArray) -> Calibration:
    """Return the shared curve, judged on what happened on the book's history.

    Parameters
    ----------
    probabilities, pressures : ndarray of shape (n_days,)
        `touch_probability` and `pressure` as they were known each day.
    breached : ndarray of shape (n_days,)
        Whether the limit was reached within the horizon after.
    """
    n_events = int(breached.sum())
    shared = replace(SHARED, n_days=len(breached), n_events=n_events)
    if n_events < _MIN_EVENTS or n_events == len(breached):
        return shared
    return replace(shared, **_judged(probabilities, pressures, breached))


def fit_curve(probabilities: FloatArray, pressures: FloatArray, breached: BoolArray) -> Calibration:
    """Fit the curve alone: nothing is said of how well it forecasts."""
    intercept, slope = _fit(_logit(probabilities), PRESSURE_WEIGHT * pressures, breached)
    return replace(
        UNCALIBRATED,
        intercept=intercept,
        slope=slope,
        fitted=True,
        n_days=len(breached),
        n_events=int(breached.sum()),
    )


def _judged(
    probabilities: FloatArray, pressures: FloatArray, breached: BoolArray
) -> dict[str, Any]:
    """Judge the shared curve on the second half of history, beside the first half's frequency.

    The first half ends a horizon early: what its last days foretell lies in the second.
    """
    half = len(breached) // 2
    first = slice(0, max(half - HORIZON_SESSIONS, 0))
    known, events = breached[first], breached[half:]
    if not 0 < known.sum() < len(known):
        return {}
    forecast = breach_probabilities(probabilities[half:], pressures[half:], SHARED)
    return {
        "brier": float(((forecast - events) ** 2).mean()),
        "brier_climatology": float(((known.mean() - events) ** 2).mean()),
        "base_rate": float(events.mean()),
        "reliability": reliability_of(forecast, events),
    }


def _fit(logits: FloatArray, offset: FloatArray, events: BoolArray) -> tuple[float, float]:
    """Maximise the logistic likelihood with a weak prior at (0, 1), by Newton's method."""
    design = np.column_stack([np.ones_like(logits), logits])
    prior, weight = np.array([0.0, 1.0]), np.array([0.01, 1.0])

    def objective(beta: FloatArray) -> float:
        score = design @ beta + offset
        likelihood = float((np.where(events, score, 0.0) - np.logaddexp(0.0, score)).sum())
        return likelihood - 0.5 * float(weight @ (beta - prior) ** 2)

    beta = prior.copy()
    for _ in range(50):
        forecast = _expit(design @ beta + offset)
        gradient = design.T @ (events - forecast) - weight * (beta - prior)
        hessian = (design * (forecast * (1.0 - forecast))[:, None]).T @ design + np.diag(weight)
        step = np.linalg.solve(hessian, gradient)
        # A full Newton step may overshoot where every forecast is near 0 or 1: halve it.
        while objective(beta + step) < objective(beta) and np.abs(step).max() > 1e-12:
            step = step / 2.0
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    # A negative slope would let a nearer limit lower the score.
    return float(beta[0]), max(float(beta[1]), 0.01)


def reliability_of(forecast: FloatArray, events: BoolArray) -> tuple[ReliabilityBin, ...]:
    """Group forecasts into ten bins of equal count."""
    bins = np.array_split(np.argsort(forecast, kind="stable"), 10)
    return tuple(
        ReliabilityBin(float(forecast[b].mean()), float(events[b].mean()), len(b))
        for b in bins
        if len(b)
    )


def _logit(probability: FloatArray) -> FloatArray:
    clipped = np.clip(probability, 1e-6, 1.0 - 1e-6)
    odds: FloatArray = np.log(clipped / (1.0 - clipped))
    return odds


def _expit(value: FloatArray) -> FloatArray:
    probability: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(value, -700.0, 700.0)))
    return probability
