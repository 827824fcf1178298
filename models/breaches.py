"""Which figures of a version lie beyond their limits, now and over the sessions after.

The limits are those that the version's early part chose; where its record is too short, those that
the policy declares, which look at the ends of the 95% intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from basics.arrays import FloatArray
from measures.evidence_drift import Drift
from models.monitoring import MonitoringPolicy, MonitorPoint, points_over_time
from models.monitoring_limits import LaterRate, Limits
from models.track import Estimate, Track

End = Literal["low", "high"]
RULES = (
    "feature drift",
    "prediction drift",
    "prediction distance",
    "prediction mass",
    "coverage too high",
    "coverage too low",
    "rank correlation",
    "calibration",
    "exceedances",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A figure beyond what is allowed."""

    rule: str
    value: float
    limit: float
    text: str


def declared_limits(policy: MonitoringPolicy) -> Limits:
    """Return the policy's own limits, for a version whose record is too short to choose by."""
    return Limits(
        rule=policy.limits,
        features_in_alarm=policy.features_in_alarm,
        prediction_stability=policy.prediction_stability,
        rank_ic_low=policy.rank_ic_upper,
        slope_low=policy.slope_upper,
        exceedances_high=policy.exceedances_lower,
        coverage_low=policy.coverage_low,
        coverage_high=policy.coverage_high,
    )


def breaches(
    point: MonitorPoint, limits: Limits, *, prediction: Drift | None, tail: bool = False
) -> tuple[Breach, ...]:
    """Return which figures of a point lie beyond the limits.

    Parameters
    ----------
    prediction : Drift or None
        Of the predictions at that point.
    tail : bool
        The predictions are tails: their calibration is that of the exceedances.
    """
    moved = (
        (prediction.stability_index, prediction.kolmogorov_smirnov, prediction.wasserstein)
        if prediction
        else (None, None, None)
    )
    slope = None if tail else _end(point.slope, limits, "high")
    beyond = _end(point.slope, limits, "low") if tail else None
    found = [
        _above(RULES[0], point.features_in_alarm, limits.features_in_alarm,
               "of the features lie beyond their own limit of the stability index"),
        _above(RULES[1], moved[0], limits.prediction_stability,
               "is the stability index of the predictions"),
        _above(RULES[2], moved[1], limits.prediction_kolmogorov_smirnov,
               "is Kolmogorov-Smirnov's distance of the predictions"),
        _above(RULES[3], moved[2], limits.prediction_wasserstein,
               "standard deviations is Wasserstein's distance of the predictions"),
        _above(RULES[4], point.coverage, limits.coverage_high,
               "of outcomes fell into their interval: it is too wide"),
        _below(RULES[5], point.coverage, limits.coverage_low,
               "of outcomes fell into their interval: it is too narrow"),
        _below(RULES[6], _end(point.rank_ic, limits, "high"), limits.rank_ic_low,
               f"is {_which(limits, 'upper')}the rank correlation"),
        _below(RULES[7], slope, limits.slope_low,
               f"is {_which(limits, 'upper')}the calibration slope"),
        _above(RULES[8], beyond, limits.exceedances_high,
               f"is {_which(limits, 'lower')}the losses beyond the forecast over those promised"),
    ]  # fmt: skip
    return tuple(breach for breach in found if breach is not None)


def rates_later(
    track: Track,
    features: tuple[Sequence[str], FloatArray] | None,
    policy: MonitoringPolicy,
    limits: Limits,
    *,
    begin: int,
) -> tuple[LaterRate, ...]:
    """Return how often each limit was broken from position `begin` of the track on.

    The points stand at the distance of the policy's and their windows begin at `begin` or later;
    drift is measured against all before.
    """
    length = len(track.sessions) - begin
    later = replace(policy, history_sessions=max(1, length - policy.score_sessions))
    names, values = features if features is not None else ((), None)
    alarms = limits.alarms(names) if features is not None else None
    points = points_over_time(track, values, later, alarms=alarms, reference=begin)
    found = [
        {b.rule for b in breaches(p, limits, prediction=_moved(p), tail=track.tail is not None)}
        for p in points
    ]
    return tuple(
        LaterRate(rule=rule, points=len(points), beyond=sum(rule in broken for broken in found))
        for rule in RULES
    )


def _moved(point: MonitorPoint) -> Drift | None:
    """Return the three distances of a point as one."""
    index, distance, mass = (
        point.prediction_stability,
        point.prediction_kolmogorov_smirnov,
        point.prediction_wasserstein,
    )
    if index is None or distance is None or mass is None:
        return None
    return Drift(
        stability_index=index, kolmogorov_smirnov=distance, p_value=None, wasserstein=mass, level=""
    )


def _end(estimate: Estimate | None, limits: Limits, end: End) -> float | None:
    """Return the figure itself, or for declared limits the end of its interval."""
    if estimate is None:
        return None
    if not limits.declared:
        return estimate.value
    return estimate.high if end == "high" else estimate.low


def _which(limits: Limits, end: str) -> str:
    return f"the {end} end of the 95% interval of " if limits.declared else ""


def _above(rule: str, value: float | None, limit: float | None, text: str) -> Breach | None:
    if value is None or limit is None or value <= limit:
        return None
    said = f"{value:.3g} {text} (at most {limit:.3g})"
    return Breach(rule=rule, value=value, limit=limit, text=said)


def _below(rule: str, value: float | None, limit: float | None, text: str) -> Breach | None:
    if value is None or limit is None or value >= limit:
        return None
    said = f"{value:.3g} {text} (at least {limit:.3g})"
    return Breach(rule=rule, value=value, limit=limit, text=said)
