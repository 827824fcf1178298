"""Why a calendar year's intervals held fewer or more outcomes than they aim at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from models.confidence import YearCoverage

BAND = (0.88, 0.92)
MEMORY_SESSIONS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageException:
    """A year whose coverage lies outside the band, and what in it explains that."""

    year: int
    share: float
    cause: str


def coverage_exceptions(
    coverage: Sequence[YearCoverage],
    errors: FloatArray,
    inside: FloatArray,
    sessions: DateArray,
    *,
    horizon: int,
    aim: float,
) -> tuple[CoverageException, ...]:
    """Return the years outside 88% to 92%, each with its cause.

    Parameters
    ----------
    errors : ndarray of shape (n_symbols, n_sessions)
        Signed errors in units of the scale.
    inside : ndarray of shape (n_symbols, n_sessions)
        1 where the interval held the outcome, 0 where not, NaN where there was none.
    horizon : int
        Sessions that a label spans: outcomes that overlap are not independent.
    """
    low, high = BAND
    years = sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    return tuple(
        CoverageException(
            year=year.year,
            share=year.share,
            cause=_cause(year, errors, inside, (years, sessions), horizon=horizon, aim=aim),
        )
        for year in coverage
        if not low <= year.share <= high
    )


def _cause(
    year: YearCoverage,
    errors: FloatArray,
    inside: FloatArray,
    times: tuple[np.ndarray, DateArray],
    *,
    horizon: int,
    aim: float,
) -> str:
    years, sessions = times
    here = np.flatnonzero(years == year.year)
    own, before = (
        np.abs(errors[:, here]),
        np.abs(errors[:, max(here[0] - MEMORY_SESSIONS, 0) : here[0]]),
    )
    told = []
    if np.isfinite(before).any():
        ratio = float(np.nanquantile(own, aim) / np.nanquantile(before, aim))
        told.append(f"errors were {ratio:.2f} times those of the {MEMORY_SESSIONS} sessions before")
    else:
        told.append("it is the first year: few errors were known to learn from")
    told.append(_worst_month(inside[:, here], sessions[here], aim=aim))
    alone = _independent(inside[:, here], horizon)
    slack = 1.96 * float(np.sqrt(aim * (1.0 - aim) / alone))
    if abs(year.share - aim) <= slack:
        told.append(
            f"within chance: its outcomes are worth about {alone:.0f} independent ones, whose "
            f"share errs by {slack:.1%}"
        )
    return "; ".join(told) + "."


def _worst_month(inside: FloatArray, sessions: DateArray, *, aim: float) -> str:
    """Name the month that lies furthest from the aim, weighted by its outcomes."""
    months = sessions.astype("datetime64[M]")
    names = np.unique(months)
    away = [np.nansum(inside[:, months == m] - aim) for m in names]
    worst = names[int(np.argmax(np.abs(away)))]
    share = float(np.nanmean(inside[:, months == worst]))
    return f"furthest off in {worst}, {share:.0%} held"


def _independent(inside: FloatArray, horizon: int) -> float:
    """Return how many independent outcomes the year is worth.

    Sessions over the label's span, times the number of series deflated by how alike they miss.
    """
    known = np.isfinite(inside)
    sessions = max(float(known.any(axis=0).sum()) / horizon, 1.0)
    count = known.sum(axis=0)
    symbols = float(count[count > 0].mean())
    missed = np.where(known, inside, np.nan)
    share = float(np.nanmean(missed))
    mean = np.nanmean(missed[:, count > 0], axis=0)
    spread = share * (1.0 - share)
    alike = 0.0
    if symbols > 1 and spread > 0:
        alike = float(np.clip((mean.var() / spread - 1.0 / symbols) / (1.0 - 1.0 / symbols), 0, 1))
    return sessions * symbols / (1.0 + (symbols - 1.0) * alike)
