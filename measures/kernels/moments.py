"""Rolling sum, mean, standard deviation, and the straight line through a window."""

from typing import Any

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import (
    Floats,
    compiled,
    last_valid,
    running_counts,
    window_counts,
)

SUM, MEAN, STD, SLOPE, RSQUARE, RESIDUAL = range(6)
# qlib's rule: a standard deviation this small is taken for zero and the line fits nothing.
STD_NEAR_ZERO = 2e-5


@compiled
def rolling_moments(
    x: Floats, stride: int, windows: IntArray, statistics: IntArray, first: int, out: Floats
) -> None:
    """Fill `out` with rolling moments of `x`.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions * stride)
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,), increasing
    statistics : int64 ndarray of shape (n_statistics,)
        Among SUM, MEAN, STD (ddof 1, NaN for one value) and, of the least-squares line over the
        positions 1..N of the values present, SLOPE per session, RSQUARE (NaN where the standard
        deviation is at most 2e-5) and RESIDUAL, the newest value less the line there (NaN where
        the newest value is missing).
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, (n_sessions - first) * stride)
    """
    n_rows, n = x.shape
    skip = first * stride
    m = n - skip
    held, count = np.empty(n, x.dtype), np.empty(m, x.dtype)
    s1, s2, s3 = np.empty(m, x.dtype), np.empty(m, x.dtype), np.empty(m, x.dtype)
    u1, spread = np.empty(m, x.dtype), np.empty(m, x.dtype)
    squares, lines = statistics.max() >= STD, statistics.max() >= SLOPE
    counts = np.empty((4 if lines else 1, n + stride), np.int64)
    for i in range(n_rows):
        last_valid(x[i], stride, held)
        running_counts(x[i], stride, counts)
        shift = held[skip:]
        s1[:] = s2[:] = s3[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                back = lag * stride
                begin = min(max(skip, back), n)
                older, start = x[i, begin - back : max(n - back, 0)], begin - skip
                if not squares:
                    _add(older, shift[start:], s1[start:])
                else:
                    _add_square(older, shift[start:], s1[start:], s2[start:])
                    scale = x.dtype.type(lag if lines else 0)
                    _add_scaled(older, shift[start:], scale, s3[start:])
                lag += 1
            reach = windows[w] * stride
            window_counts(counts[0], reach, skip + stride, count)
            if lines:
                _positions(counts, reach, skip + stride, u1, spread)
            for k in range(len(statistics)):
                if statistics[k] < SLOPE:
                    _emit_moment(statistics[k], count, shift, s1, s2, out[k, w, i])
                else:
                    _emit_line(
                        statistics[k], x[i, skip:], count, u1, spread, s1, s2, s3, out[k, w, i]
                    )


@compiled
def _add(a: Floats, shift: Floats, s1: Floats) -> None:
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = a[j] - shift[j]
        s1[j] += zero if np.isnan(d) else d


@compiled
def _add_square(a: Floats, shift: Floats, s1: Floats, s2: Floats) -> None:
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = a[j] - shift[j]
        d = zero if np.isnan(d) else d
        s1[j] += d
        s2[j] += d * d


@compiled
def _add_scaled(a: Floats, shift: Floats, scale: np.floating[Any], total: Floats) -> None:
    zero = a.dtype.type(0)
    if scale == zero:
        return
    for j in range(len(a)):
        d = a[j] - shift[j]
        total[j] += zero if np.isnan(d) else scale * d


@compiled
def _emit_moment(
    statistic: int, count: Floats, shift: Floats, s1: Floats, s2: Floats, out: Floats
) -> None:
    zero, one = count.dtype.type(0), count.dtype.type(1)
    if statistic == SUM:
        for j in range(len(out)):
            # 0 / 0 makes the sum of an empty window NaN.
            out[j] = (shift[j] + s1[j] / count[j]) * count[j]
    elif statistic == MEAN:
        for j in range(len(out)):
            out[j] = shift[j] + s1[j] / count[j]
    else:
        for j in range(len(out)):
            # Rounding may leave a tiny negative number; one value is 0 / 0.
            square = s2[j] - s1[j] * s1[j] / count[j]
            out[j] = np.sqrt((zero if square < zero else square) / (count[j] - one))


@compiled
def _positions(counts: IntArray, reach: int, begin: int, u1: Floats, spread: Floats) -> None:
    """Write the sum of the positions u, counted back from the newest, and n·Σu² - (Σu)²."""
    for j in range(len(u1)):
        c, low = begin + j, max(begin + j - reach, 0)
        inside = 1 if c >= reach else 0
        t = counts[3, c]
        n = counts[0, c] - inside * counts[0, low]
        times = counts[1, c] - inside * counts[1, low]
        squares = counts[2, c] - inside * counts[2, low]
        back = times - n * t
        u1[j] = back
        spread[j] = n * (squares - 2 * t * times + n * t * t) - back**2


@compiled
def _emit_line(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    statistic: int, newest: Floats, count: Floats, u1: Floats, spread: Floats,
    s1: Floats, s2: Floats, s3: Floats, out: Floats,
) -> None:  # fmt: skip
    near_zero = count.dtype.type(STD_NEAR_ZERO * STD_NEAR_ZERO)
    one, nan = count.dtype.type(1), count.dtype.type(np.nan)
    for j in range(len(out)):
        # The lag is -u, so the covariance of u and x is -s3. One value alone is 0 / 0.
        covariance = -count[j] * s3[j] - u1[j] * s1[j]
        slope = covariance / spread[j]
        if statistic == SLOPE:
            out[j] = slope
        elif statistic == RSQUARE:
            variance = count[j] * s2[j] - s1[j] * s1[j]
            flat = variance <= near_zero * count[j] * (count[j] - one)
            out[j] = nan if flat else slope * covariance / variance
        else:
            # The newest value is the origin: what is left is minus the line's height there.
            height = (s1[j] - slope * u1[j]) / count[j]
            out[j] = nan if np.isnan(newest[j]) else -height
