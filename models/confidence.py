"""How wide an honest interval is: conformal prediction.

Scores are absolute errors, or errors in units of a scale known beforehand; the interval is
the set of outcomes whose score stays below a quantile of past scores. Coverage then holds
without any assumption on the model (Vovk et al. 2005).
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError


def conformal_quantile(scores: FloatArray, *, coverage: float) -> float:
    """Return the ceil((n + 1) coverage)-th smallest score; infinite where n is too small.

    Raises
    ------
    InvalidInputError
        If `coverage` lies outside (0, 1) or a score is not finite.
    MissingDataError
        If there is no score.
    """
    if not 0.0 < coverage < 1.0:
        raise InvalidInputError(f"coverage must lie in (0, 1), got {coverage}")
    if not len(scores):
        raise MissingDataError("no calibration score: hold out rows for calibration")
    if not np.isfinite(scores).all():
        raise InvalidInputError("calibration scores must be finite")
    # Rounded first: 0.9 * 10 is 9.000000000000002 elsewhere, and ceil would take the next one.
    place = math.ceil(round((len(scores) + 1) * coverage, 9))
    return math.inf if place > len(scores) else float(np.sort(scores)[place - 1])


def quantile_scores(low: FloatArray, high: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return how far each outcome lies outside [low, high], negative inside.

    The score of conformalised quantile regression (Romano, Patterson and Candes 2019): its
    conformal quantile widens (or narrows) both ends alike.
    """
    return np.asarray(np.maximum(low - outcome, outcome - high), dtype=np.float64)


def adaptive_levels(
    errors: FloatArray, *, alpha: float, gamma: float, delay: int = 0
) -> FloatArray:
    """Return the level of each session under adaptive conformal inference.

    alpha_{t+1} = alpha_t + gamma (alpha - err_t) (Gibbs and Candes 2021): after more misses than
    wanted the level falls and intervals widen.

    Parameters
    ----------
    errors : ndarray of shape (n_sessions,)
        Share of the session's intervals that missed, NaN where there was none.
    delay : int
        Sessions until an error is known: with labels of five sessions entered one later, 6.

    Returns
    -------
    ndarray of shape (n_sessions,)
        The level in force in each session, in [0, 1].
    """
    levels = np.full(len(errors), alpha)
    level = alpha
    for t in range(len(errors)):
        seen = t - delay - 1
        if seen >= 0 and np.isfinite(errors[seen]):
            level += gamma * (alpha - errors[seen])
        levels[t] = min(max(level, 0.0), 1.0)
    return levels


class AdaptiveWidth:
    """Scaled intervals whose width follows the coverage that was reached.

    Each session takes the quantile of the scores of the last `window` sessions that are known
    by then, at a level that adaptive conformal inference moves.

    Parameters
    ----------
    coverage : float
        Share of outcomes that the intervals shall hold.
    gamma : float
        Step of the level.
    window : int
        Sessions of scores that are remembered.
    delay : int
        Sessions until a session's outcome is known, beyond the next one.
    """

    def __init__(
        self, *, coverage: float = 0.90, gamma: float = 0.01, window: int = 500, delay: int = 0
    ) -> None:
        if not 0.0 < coverage < 1.0 or gamma < 0.0 or window < 2 or delay < 0:
            raise InvalidInputError(
                f"need coverage in (0, 1), gamma >= 0, window >= 2, delay >= 0; "
                f"got {coverage}, {gamma}, {window}, {delay}"
            )
        self.coverage, self.gamma, self.window, self.delay = coverage, gamma, window, delay

    def widths(self, scores: FloatArray) -> FloatArray:
        """Return the width in force in each session.

        Parameters
        ----------
        scores : ndarray of shape (n_symbols, n_sessions)
            Absolute errors in units of the scale; NaN where nothing was foretold or known.

        Returns
        -------
        ndarray of shape (n_sessions,)
            NaN until `window` / 10 sessions of scores are known.
        """
        widths = np.full(scores.shape[1], np.nan)
        alpha = level = 1.0 - self.coverage
        there = np.isfinite(scores)
        # One flat store by session, so that a window of sessions is one slice of it.
        flat = scores.T[there.T]
        starts = np.concatenate([[0], np.cumsum(there.sum(axis=0))])
        for t in range(scores.shape[1]):
            known = t - self.delay  # Sessions before this one have known outcomes.
            if known >= 1 and np.isfinite(widths[known - 1]):
                session = flat[starts[known - 1] : starts[known]]
                if len(session):
                    missed = float((session > widths[known - 1]).mean())
                    level += self.gamma * (alpha - missed)
            if known < self.window // 10:
                continue
            pool = flat[starts[max(0, known - self.window)] : starts[known]]
            if len(pool):
                place = math.ceil(min(max(1.0 - level, 0.0), 1.0) * len(pool)) - 1
                widths[t] = np.partition(pool, max(place, 0))[max(place, 0)]
        return widths


@dataclass(frozen=True, slots=True, kw_only=True)
class YearCoverage:
    """The share of one calendar year's outcomes that intervals held, and how many there were."""

    year: int
    share: float
    outcomes: int


def coverage_by_year(covered: FloatArray, years: IntArray) -> tuple[YearCoverage, ...]:
    """Return the coverage of each calendar year, pooled over symbols.

    Parameters
    ----------
    covered : ndarray of shape (n_symbols, n_sessions)
        1 where the interval held the outcome, 0 where not, NaN where there was none.
    years : ndarray of shape (n_sessions,)
    """
    found = []
    for year in np.unique(years):
        cells = covered[:, years == year]
        cells = cells[np.isfinite(cells)]
        if len(cells):
            found.append(
                YearCoverage(year=int(year), share=float(cells.mean()), outcomes=len(cells))
            )
    return tuple(found)
