"""Where a figure becomes a breach: limits chosen on the early part of a version's own record.

The null is that nothing has changed since: blocks of the early part are drawn anew (stationary
bootstrap, all symbols and features of a session together), each figure is measured on every draw
as it is measured on a window, and the limit is the draws' quantile. A slow feature moves far by
chance in a quarter, and its own limit says so. What comes later decides nothing, and is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from measures.evidence_bootstrap import stationary_indices
from measures.evidence_drift import ALARM, DriftReference, StabilityReference
from models.track import LEAST_SESSIONS, LEAST_VALUES, Track, session_sums, thinned

# What was promised, or is the convention of the field: inside it nothing is a breach.
PROMISED_LOW, PROMISED_HIGH = 0.88, 0.92
PROMISED_EXCEEDANCES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """How limits are chosen.

    Attributes
    ----------
    early_share : float
        Of the sessions foretold out of sample when the version was made: the part they are
        chosen on.
    confidence : float
        The quantile of the draws; for coverage half of the rest lies on either side.
    block_sessions : int
        Mean length of a block: long beside a window, so that what is slow stays slow.
    least_sessions : int
        A shorter early part chooses nothing; the policy's declared limits hold.
    """

    early_share: float = 0.5
    confidence: float = 0.99
    block_sessions: int = 252
    resamples: int = 500
    least_sessions: int = 1008

    def __post_init__(self) -> None:
        if not (0.0 < self.early_share < 1.0 and 0.5 < self.confidence < 1.0):
            raise InvalidInputError(
                f"early_share {self.early_share} and confidence {self.confidence} must lie inside "
                "(0, 1) and (0.5, 1): say for example 0.5 and 0.99"
            )
        if self.block_sessions < 1 or self.resamples < 100:
            raise InvalidInputError(
                f"block_sessions {self.block_sessions} must be at least 1 and resamples "
                f"{self.resamples} at least 100"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRate:
    """How often a limit was broken after the part that it was chosen on."""

    rule: str
    points: int
    beyond: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where each figure of one version becomes a breach; None where it is not judged.

    Attributes
    ----------
    windows : tuple of int
        Sessions of the figures: of drift, and of what rests on outcomes.
    chosen_from, chosen_to : date or None
        The early part; None where the limits are the policy's declared ones, which look at
        the ends of the 95% intervals instead of at the figures themselves.
    features : mapping of str to float
        Largest stability index of each feature; the field's 0.25 where it is not named.
    later : tuple of LaterRate
        What they said of the sessions after, when they were chosen.
    """

    rule: LimitRule
    windows: tuple[int, int] = (0, 0)
    chosen_from: date | None = None
    chosen_to: date | None = None
    features: Mapping[str, float] = field(default_factory=dict)
    features_in_alarm: float | None = None
    prediction_stability: float | None = None
    prediction_kolmogorov_smirnov: float | None = None
    prediction_wasserstein: float | None = None
    rank_ic_low: float | None = None
    slope_low: float | None = None
    exceedances_high: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None
    later: tuple[LaterRate, ...] = ()

    @property
    def declared(self) -> bool:
        """Whether they are the policy's, for want of a record."""
        return self.chosen_from is None

    def stands_for(self, rule: LimitRule, windows: tuple[int, int], *, features: bool) -> bool:
        """Return whether they need not be chosen again: by that rule, with features if known."""
        whole = bool(self.features) or not features
        return self.rule == rule and tuple(self.windows) == windows and whole

    def alarms(self, names: Sequence[str]) -> FloatArray:
        """Return the limit of each feature's stability index."""
        return np.array([self.features.get(name, ALARM) for name in names])


def choose_limits(
    track: Track,
    features: tuple[Sequence[str], FloatArray] | None,
    *,
    windows: tuple[int, int],
    rule: LimitRule,
    generator: np.random.Generator,
) -> Limits:
    """Return the limits that the rule chooses on `track`, which is the early part alone.

    Parameters
    ----------
    features : tuple of names and ndarray of shape (n_features, n_symbols, n_sessions), or None
        On the sessions of the track.
    windows : tuple of int
        Sessions of drift, and of rank correlation, coverage and calibration.
    """
    n = len(track.sessions)
    picks = stationary_indices(
        n, block=min(rule.block_sessions, n), resamples=rule.resamples, generator=generator
    )
    drift, scores = picks[:, : windows[0]], picks[:, : windows[1]]
    limits: dict[str, Any] = {} if features is None else _feature_limits(*features, drift, rule)
    limits |= _prediction_limits(track.prediction, drift, rule)
    days: list[date] = track.sessions.astype(object).tolist()
    return Limits(
        rule=rule,
        windows=windows,
        chosen_from=days[0],
        chosen_to=days[-1],
        **limits,
        **_score_limits(track, scores, rule),
    )


def _feature_limits(
    names: Sequence[str], values: FloatArray, picks: IntArray, rule: LimitRule
) -> dict[str, Any]:
    """Return the limit of each feature's stability index, and of the share beyond theirs."""
    drawn = {}
    for name, grid in zip(names, values, strict=True):
        sample = thinned(grid)
        if len(sample) >= LEAST_VALUES:
            drawn[name] = StabilityReference(sample).indices(grid, picks, least=LEAST_VALUES)
    if not drawn:
        return {}
    found = {
        name: max(ALARM, _quantile(indices, rule.confidence) or ALARM)
        for name, indices in drawn.items()
    }
    beyond = np.array([drawn[name] > found[name] for name in drawn])
    return {
        "features": found,
        "features_in_alarm": _quantile(beyond.mean(axis=0), rule.confidence),
    }


def _prediction_limits(prediction: FloatArray, picks: IntArray, rule: LimitRule) -> dict[str, Any]:
    """Return the limits of the three distances of the predictions."""
    sample = thinned(prediction)
    if len(sample) < LEAST_VALUES:
        return {}
    reference = DriftReference(sample)
    found = []
    for pick in picks:
        current = prediction[:, pick]
        current = current[np.isfinite(current)]
        if len(current) >= LEAST_VALUES:
            found.append((reference.index(current), *reference.distances(current)))
    index, distance, mass = np.array(found).reshape(-1, 3).T
    stability = _quantile(index, rule.confidence)
    return {
        "prediction_stability": None if stability is None else max(ALARM, stability),
        "prediction_kolmogorov_smirnov": _quantile(distance, rule.confidence),
        "prediction_wasserstein": _quantile(mass, rule.confidence),
    }


def _score_limits(track: Track, picks: IntArray, rule: LimitRule) -> dict[str, Any]:
    """Return the limits of what is known of outcomes: by sums over the sessions drawn."""
    sums = session_sums(track)
    low, high = 1.0 - rule.confidence, rule.confidence
    slope = _drawn_ratio(sums.product, sums.square, picks)
    covered = _drawn_ratio(sums.inside, sums.judged, picks)
    least, most = _quantile(covered, low / 2), _quantile(covered, 1.0 - low / 2)
    beyond = _quantile(_drawn_ratio(sums.beyond, sums.known, picks), high)
    return {
        "rank_ic_low": _quantile(_drawn_ratio(sums.rank_ic, sums.ranked, picks), low),
        "slope_low": None if track.tail is not None else _quantile(slope, low),
        "exceedances_high": None if beyond is None else max(PROMISED_EXCEEDANCES, beyond),
        "coverage_low": None if least is None else min(PROMISED_LOW, least),
        "coverage_high": None if most is None else max(PROMISED_HIGH, most),
    }


def _drawn_ratio(part: FloatArray | None, whole: FloatArray, picks: IntArray) -> FloatArray:
    """Return the ratio of the sums over each draw; nothing where too few sessions are known."""
    if part is None or int((whole > 0).sum()) < LEAST_SESSIONS:
        return np.empty(0)
    total = whole[picks].sum(axis=1)
    known = total > 0
    return np.asarray(part[picks].sum(axis=1)[known] / total[known], dtype=np.float64)


def _quantile(drawn: FloatArray, at: float) -> float | None:
    known = drawn[np.isfinite(drawn)]
    return float(np.quantile(known, at)) if len(known) else None
