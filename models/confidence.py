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
