"""Every moment and drawdown measure of many series in one sweep.

The same numbers as the functions of `measures.performance`, `performance_wins` and `drawdown`, a
test holds them together, but each series is read from memory once: while a series of some
thousand returns lies in the cache, a few compiled loops gather all sums that the measures need.
Series are independent, so threads share the rows.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numba
import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.compiled import Kernel, compiled
from measures.performance import PERIODS_PER_YEAR, ratio

# Sums gathered per series, in the order of the columns that the kernels write.
(
    SUM, LOW, HIGH, LOSSES, LOSSES_2, LOSSES_3, GAINS_2, WINS, MISSES, GROWTH,
    M2, M3, M4, DEPTH, PAIN, ULCER, UNDER, LEVEL, CHECKED,
) = range(19)  # fmt: skip
REASSOCIATE = {"reassoc", "nsz", "contract"}  # Sums may be split over vector lanes; NaN stays NaN.


def reassociated(kernel: Kernel) -> Kernel:
    """Compile like `compiled`, free to split sums over vector lanes."""
    return numba.njit(  # type: ignore[no-any-return]
        cache=True, nogil=True, error_model="numpy", fastmath=REASSOCIATE
    )(kernel)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedPerformance:
    """Measures of many series; each field is an ndarray of shape (n_series,).

    Each field is what the function of the same name returns at its defaults.
    """

    total_return: FloatArray
    cagr: FloatArray
    geometric_mean: FloatArray
    mean_return: FloatArray
    volatility: FloatArray
    downside_deviation: FloatArray
    upside_deviation: FloatArray
    skewness: FloatArray
    kurtosis: FloatArray
    sharpe_ratio: FloatArray
    adjusted_sharpe_ratio: FloatArray
    sortino_ratio: FloatArray
    omega_ratio: FloatArray
    kappa_ratio: FloatArray
    upside_potential_ratio: FloatArray
    best_return: FloatArray
    worst_return: FloatArray
    hit_rate: FloatArray
    average_win: FloatArray
    average_loss: FloatArray
    payoff_ratio: FloatArray
    profit_factor: FloatArray
    gain_to_pain_ratio: FloatArray
    expectancy: FloatArray
    kelly_fraction: FloatArray
    max_drawdown: FloatArray
    current_drawdown: FloatArray
    pain_index: FloatArray
    ulcer_index: FloatArray
    time_under_water: FloatArray
    calmar_ratio: FloatArray
    pain_ratio: FloatArray
    martin_ratio: FloatArray


FUSED_MEASURES = tuple(field.name for field in fields(FusedPerformance))


def fused_performance(
    returns: FloatArray, *, periods_per_year: float = PERIODS_PER_YEAR, threads: int = 2
) -> FusedPerformance:
    """Measure many series at once.

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_periods)
        Simple returns, finite, none below -1; C-contiguous rows are read in place.
    threads : int
        Threads that share the series.

    Raises
    ------
    InvalidInputError
        If the array is not a matrix, or a series holds a value that is not finite or below -1;
        the message names the first such series.
    MissingDataError
        If there are fewer than two periods.
    """
    if returns.ndim != 2:
        raise InvalidInputError(
            f"returns must have shape (n_series, n_periods), got {returns.shape}"
        )
    if returns.shape[1] < 2:
        raise MissingDataError(f"{returns.shape[1]} returns are too few, 2 are needed")
    rows = np.ascontiguousarray(returns, dtype=np.float64)
    sums = np.empty((len(rows), CHECKED + 1))
    share_rows(_gather, rows, sums, threads=threads)
    _refuse_bad(sums)
    return _measures(sums, rows.shape[1], periods_per_year)


def share_rows(
    kernel: Callable[[FloatArray, FloatArray], None],
    rows: FloatArray,
    out: FloatArray,
    *,
    threads: int,
) -> None:
    """Run `kernel(rows, out)` on blocks of rows, one a thread; it must free the lock."""
    if threads < 1:
        raise InvalidInputError(f"threads must be at least 1, got {threads}")
    bounds = np.linspace(0, len(rows), min(threads, max(len(rows), 1)) + 1).astype(int)
    blocks = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    if len(blocks) == 1:
        kernel(rows, out)
        return
    with ThreadPoolExecutor(len(blocks)) as pool:
        list(pool.map(lambda block: kernel(rows[block], out[block]), blocks))


@compiled
def _gather(rows: FloatArray, out: FloatArray) -> None:
    n = len(rows)
    for i in range(n):
        _sums(rows[i], out[i])
        _central_sums(rows[i], out[i])
    whole = n - n % 4
    for i in range(0, whole, 4):
        _four_drawdowns(rows[i : i + 4], out[i : i + 4])
    for i in range(whole, n):
        _drawdown(rows[i], out[i])


@reassociated
def _sums(row: FloatArray, out: FloatArray) -> None:
    total = losses = losses_2 = losses_3 = gains_2 = 0.0
    wins = misses = 0.0
    growth = 1.0
    low = high = row[0]
    for x in row:
        loss = min(x, 0.0)
        gain = max(x, 0.0)
        total += x
        losses -= loss
        losses_2 += loss * loss
        losses_3 -= loss * loss * loss
        gains_2 += gain * gain
        wins += 1.0 if x > 0.0 else 0.0
        misses += 1.0 if x < 0.0 else 0.0
        growth *= 1.0 + x
        low = min(low, x)
        high = max(high, x)
    out[SUM] = total
    out[LOW] = low
    out[HIGH] = high
    out[LOSSES] = losses
    out[LOSSES_2] = losses_2
    out[LOSSES_3] = losses_3
    out[GAINS_2] = gains_2
    out[WINS] = wins
    out[MISSES] = misses
    out[GROWTH] = growth


@reassociated
def _central_sums(row: FloatArray, out: FloatArray) -> None:
    mean = out[SUM] / len(row)
    m2 = m3 = m4 = 0.0
    for x in row:
        d = x - mean
        d2 = d * d
        m2 += d2
        m3 += d2 * d
        m4 += d2 * d2
    constant = out[LOW] == out[HIGH]
    out[M2] = 0.0 if constant else m2
    out[M3] = 0.0 if constant else m3
    out[M4] = 0.0 if constant else m4
    # The sum of squares is finite only if every return is.
    out[CHECKED] = m2 + out[SUM]


@compiled
def _drawdown(row: FloatArray, out: FloatArray) -> None:
    # Wealth over its peak, q, needs neither: q' = min(q (1 + r), 1).
    q = lowest = 1.0
    pain = ulcer = under = 0.0
    for x in row:
        q = min(q * (1.0 + x), 1.0)
        lowest = min(lowest, q)
        pain += 1.0 - q
        ulcer += (1.0 - q) * (1.0 - q)
        under += 1.0 if q < 1.0 else 0.0
    out[DEPTH] = 1.0 - lowest
    out[LEVEL] = q
    out[PAIN] = pain
    out[ULCER] = ulcer
    out[UNDER] = under


@compiled
def _four_drawdowns(rows: FloatArray, out: FloatArray) -> None:
    # Each step waits for the one before; four series at once keep the processor busy.
    q = (1.0, 1.0, 1.0, 1.0)
    low = (1.0, 1.0, 1.0, 1.0)
    pain = (0.0, 0.0, 0.0, 0.0)
    ulcer = (0.0, 0.0, 0.0, 0.0)
    under = (0.0, 0.0, 0.0, 0.0)
    a, b, c, d = rows[0], rows[1], rows[2], rows[3]
    for t in range(rows.shape[1]):
        q = (
            min(q[0] * (1.0 + a[t]), 1.0), min(q[1] * (1.0 + b[t]), 1.0),
            min(q[2] * (1.0 + c[t]), 1.0), min(q[3] * (1.0 + d[t]), 1.0),
        )  # fmt: skip
        low = (min(low[0], q[0]), min(low[1], q[1]), min(low[2], q[2]), min(low[3], q[3]))
        e = (1.0 - q[0], 1.0 - q[1], 1.0 - q[2], 1.0 - q[3])
        pain = (pain[0] + e[0], pain[1] + e[1], pain[2] + e[2], pain[3] + e[3])
        ulcer = (
            ulcer[0] + e[0] * e[0], ulcer[1] + e[1] * e[1],
            ulcer[2] + e[2] * e[2], ulcer[3] + e[3] * e[3],
        )  # fmt: skip
        under = (
            under[0] + (1.0 if q[0] < 1.0 else 0.0), under[1] + (1.0 if q[1] < 1.0 else 0.0),
            under[2] + (1.0 if q[2] < 1.0 else 0.0), under[3] + (1.0 if q[3] < 1.0 else 0.0),
        )  # fmt: skip
    for i in range(4):
        out[i, DEPTH] = 1.0 - low[i]
        out[i, LEVEL] = q[i]
        out[i, PAIN] = pain[i]
        out[i, ULCER] = ulcer[i]
        out[i, UNDER] = under[i]


def _refuse_bad(sums: FloatArray) -> None:
    bad = ~np.isfinite(sums[:, CHECKED])
    if bad.any():
        raise InvalidInputError(f"series {int(np.argmax(bad))} holds a return that is not finite")
    low = sums[:, LOW]
    if (low < -1.0).any():
        at = int(np.argmax(low < -1.0))
        raise InvalidInputError(f"series {at}: a return of {low[at]} loses more than everything")


def _measures(sums: FloatArray, n: int, yearly: float) -> FusedPerformance:
    s = sums.T
    root = np.sqrt(yearly)
    mean, m2 = s[SUM] / n, s[M2] / n
    cagr = s[GROWTH] ** (yearly / n) - 1.0
    gains = s[SUM] + s[LOSSES]
    sharpe = ratio(mean, np.sqrt(s[M2] / (n - 1)))
    skewness, kurtosis = ratio(s[M3] / n, m2**1.5), ratio(s[M4] / n, m2**2)
    downside = np.sqrt(s[LOSSES_2] / n)
    ulcer, pain = np.sqrt(s[ULCER] / n), s[PAIN] / n
    average_win, average_loss = ratio(gains, s[WINS]), ratio(s[LOSSES], s[MISSES])
    decided, payoff = s[WINS] + s[MISSES], ratio(average_win, average_loss)
    hit, omega = ratio(s[WINS], decided), ratio(gains, s[LOSSES])
    bend = 1.0 + skewness * sharpe / 6.0 - (kurtosis - 3.0) * sharpe**2 / 24.0
    return FusedPerformance(
        total_return=s[GROWTH] - 1.0,
        cagr=cagr,
        geometric_mean=s[GROWTH] ** (1.0 / n) - 1.0,
        mean_return=mean * yearly,
        volatility=np.sqrt(s[M2] / (n - 1)) * root,
        downside_deviation=downside * root,
        upside_deviation=np.sqrt(s[GAINS_2] / n) * root,
        skewness=skewness,
        kurtosis=kurtosis,
        sharpe_ratio=sharpe * root,
        adjusted_sharpe_ratio=sharpe * bend * root,
        sortino_ratio=ratio(mean, downside) * root,
        omega_ratio=omega,
        kappa_ratio=ratio(mean, np.cbrt(s[LOSSES_3] / n)) * yearly ** (2.0 / 3.0),
        upside_potential_ratio=ratio(gains / n, downside),
        best_return=s[HIGH],
        worst_return=s[LOW],
        hit_rate=hit,
        average_win=average_win,
        average_loss=average_loss,
        payoff_ratio=payoff,
        profit_factor=omega,
        gain_to_pain_ratio=ratio(s[SUM], s[LOSSES]),
        expectancy=ratio(s[SUM], decided),
        kelly_fraction=hit - ratio(1.0 - hit, payoff),
        max_drawdown=s[DEPTH],
        current_drawdown=1.0 - s[LEVEL],
        pain_index=pain,
        ulcer_index=ulcer,
        time_under_water=s[UNDER] / n,
        calmar_ratio=ratio(cagr, s[DEPTH]),
        pain_ratio=ratio(cagr, pain),
        martin_ratio=ratio(cagr, ulcer),
    )
