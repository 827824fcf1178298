"""One answer from chance, limits and yesterday: score, level, and the sentence that says why.

The chance of reaching the drawdown limit makes the score (`risk.score`). A limit that is passed
lifts it: a soft breach to at least 25, a hard one to at least 50 and further the more it is
passed by, so that a book beyond its limits never scores like a calm one. The level is the band
of the score; it rises at once and falls late, and where it is above its score's band the
sentence says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from risk.limits import LimitCheck, LimitState, worst_state
from risk.score import BAND, THRESHOLDS, Level, pressure, risk_level, risk_score

SOFT_FLOOR, HARD_FLOOR, HARD_CEILING = 25.0, 50.0, 75.0
_LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How serious the risk of a book is.

    Attributes
    ----------
    score : float
        0 to 100; rises with the chance of a drawdown breach and with the use of every limit.
    chance_score : float
        What the chance alone scores; smaller than `score` where a passed limit lifts it.
    reason : str
        One sentence: what made the score, and why the level is what it is.
    """

    score: float
    chance_score: float
    level: Level
    reason: str


def verdict_of(
    probability: float, checks: Sequence[LimitCheck], *, previous: Level | None = None
) -> Verdict:
    """Return score, level and the reason for both.

    Parameters
    ----------
    probability : float
        Calibrated, of reaching the drawdown limit within 20 sessions.
    previous : Level or None
        Published last, for the hysteresis.
    """
    chance = risk_score(probability)
    score = lifted(chance, checks)
    level = risk_level(score, previous=previous)
    return Verdict(score, chance, level, _reason(probability, chance, score, level, checks))


def lifted(chance_score: float, checks: Sequence[LimitCheck]) -> float:
    """Return the score of a book whose chance alone scores `chance_score`.

    A hard breach scores 75 - 25 / pressure: 50 at the limit's edge, towards 75 far beyond it.
    """
    state = worst_state(checks)
    if state is LimitState.HARD:
        beyond = float(pressure(np.array([check.utilisation for check in checks])))
        floor = HARD_CEILING - (HARD_CEILING - HARD_FLOOR) / max(beyond, 1.0)
        return max(chance_score, round(floor, 1))
    return max(chance_score, SOFT_FLOOR) if state is LimitState.SOFT else chance_score


def _reason(
    probability: float, chance: float, score: float, level: Level, checks: Sequence[LimitCheck]
) -> str:
    odds = f"{probability:.2%}" if probability >= 1e-4 else "under 0.01%"
    event = "of reaching the drawdown limit within 20 sessions"
    if score > chance:
        worst = _worst(checks)
        least = HARD_FLOOR if worst.state is LimitState.HARD else SOFT_FLOOR
        why = (
            f"{worst.metric.replace('_', ' ')} of {worst.name} is past its {worst.state.value} "
            f"limit ({worst.utilisation:.0%} of the hard one), which scores at least {least:.0f}; "
            f"the chance {event}, {odds}, would score {chance:.0f} alone"
        )
    else:
        why = f"the chance {event} is {odds}; 25 points are a factor of ten"
    return f"{level}, score {score:.0f} of 100: {why}{_kept(score, level)}."


def _worst(checks: Sequence[LimitCheck]) -> LimitCheck:
    state = worst_state(checks)
    return max((c for c in checks if c.state is state), key=lambda c: c.utilisation)


def _kept(score: float, level: Level) -> str:
    """Say why a level stands above the band of its score; nothing where it does not."""
    band = risk_level(score)
    if band is level:
        return ""
    falls = THRESHOLDS[_LEVELS.index(level) - 1] - BAND
    return (
        f"; the score is in the band of {band} now, and {level} is kept until it is below "
        f"{falls:.0f}"
    )
