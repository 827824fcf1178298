"""Measures that need the path of many series, in one sweep: spells, streaks, the line of growth.

The same numbers as the functions of `measures.drawdown`, `performance_wins` and `performance`
at their defaults; a test holds them together. Beside `performance_fused`, whose sums need no
memory of the path.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from measures.drawdown import drawdown_rank
from measures.kernels.compiled import compiled
from measures.kernels.selection import select
from measures.kernels.spells import deepest_spells
from measures.performance import PERIODS_PER_YEAR, Measure, cagr, checked_returns, ratio
from measures.performance_fused import share_rows

WORST = 5  # Spells behind the Burke and the Sterling ratio.
DEPTHS, AT_RISK, BEYOND, STREAK, STABLE = 0, WORST, WORST + 1, WORST + 2, WORST + 3
COLUMNS = WORST + 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMeasures:
    """A float for one series, an ndarray of shape (n_series,) for many, in each field."""

    burke_ratio: Measure
    sterling_ratio: Measure
    drawdown_at_risk: Measure
    conditional_drawdown_at_risk: Measure
    longest_losing_streak: Measure
    stability: Measure


PATH_MEASURES = tuple(field.name for field in fields(PathMeasures))


def path_measures(
    returns: npt.ArrayLike, *, periods_per_year: float = PERIODS_PER_YEAR, threads: int = 2
) -> PathMeasures:
    """Measure the paths of one series or of many.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,) or (n_series, n_periods)
    threads : int
        Threads that share the series.

    Raises
    ------
    InvalidInputError
        If the returns are malformed.
    MissingDataError
        If there are fewer than two periods.
    """
    values = checked_returns(returns, at_least=2)
    rows = np.ascontiguousarray(np.atleast_2d(values))
    out = np.empty((len(rows), COLUMNS))
    out[:, AT_RISK] = drawdown_rank(rows.shape[1], 0.95)
    share_rows(_paths, rows, out, threads=threads)
    s = out.T if values.ndim == 2 else out[0]
    depths, growth = s[DEPTHS:WORST], cagr(values, periods_per_year=periods_per_year)
    spells = np.maximum((depths > 0.0).sum(axis=0), 1)
    return PathMeasures(
        burke_ratio=ratio(growth, np.sqrt((depths * depths).sum(axis=0))),
        sterling_ratio=ratio(growth, depths.sum(axis=0) / spells),
        drawdown_at_risk=s[AT_RISK],
        conditional_drawdown_at_risk=s[BEYOND],
        longest_losing_streak=s[STREAK],
        stability=s[STABLE],
    )


@compiled
def _paths(rows: FloatArray, out: FloatArray) -> None:
    """Fill `out`; its column AT_RISK holds the rank of the drawdown at risk."""
    n = rows.shape[1]
    deepest_spells(rows, out[:, :WORST])
    work = np.empty(n)
    for i in range(len(rows)):
        rank = int(out[i, AT_RISK])
        _drawdowns(rows[i], work)
        select(work, 0, n - 1, rank)
        out[i, AT_RISK] = work[rank]
        out[i, BEYOND] = work[rank:].mean()
        out[i, STREAK] = _longest_losses(rows[i])
        out[i, STABLE] = _straightness(rows[i], work)


@compiled
def _drawdowns(row: FloatArray, out: FloatArray) -> None:
    wealth = peak = 1.0
    for t in range(len(row)):
        wealth *= 1.0 + row[t]
        peak = max(peak, wealth)
        out[t] = 1.0 - wealth / peak


@compiled
def _longest_losses(row: FloatArray) -> int:
    longest = run = 0
    for x in row:
        run = run + 1 if x < 0.0 else 0
        longest = max(longest, run)
    return longest


@compiled
def _straightness(row: FloatArray, work: FloatArray) -> float:
    """Return R squared of a line through cumulative log returns; NaN where flat or ruined."""
    n = len(row)
    level = total = 0.0
    for t in range(n):
        level += np.log1p(row[t])
        work[t] = level
        total += level
    if not np.isfinite(level):
        return np.nan
    mean, middle = total / n, (n - 1) / 2.0
    with_time = spread = times = 0.0
    for t in range(n):
        above, since = work[t] - mean, t - middle
        with_time += above * since
        spread += above * above
        times += since * since
    return np.nan if spread == 0.0 else with_time * with_time / (times * spread)
