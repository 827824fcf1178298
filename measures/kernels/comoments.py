"""Rolling covariance of two series: correlation and regression beta."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled, last_valid, running_counts
from measures.kernels.moments import STD_NEAR_ZERO, add, add_square


@compiled
def rolling_comoments(x: Floats, y: Floats, windows: IntArray, first: int, out: Floats) -> None:
    """Fill `out` with rolling statistics of the pairs (x, y) where both are present.

    Parameters
    ----------
    x, y : float ndarray of shape (n_symbols, n_sessions)
    windows : int64 ndarray of shape (n_windows,), increasing
    first : int
        First column wanted.
    out : float ndarray of shape (3, n_windows, n_symbols, n_sessions - first)
        The correlation (NaN where either standard deviation is at most 2e-5), the slope of x
        on y (NaN where y does not vary) and the covariance (ddof 1); NaN below two pairs.
    """
    n_symbols, n = x.shape
    m = n - first
    a, b = np.empty(n, x.dtype), np.empty(n, x.dtype)
    shift_a, shift_b = np.empty(m, x.dtype), np.empty(m, x.dtype)
    sums = np.empty((5, m), x.dtype)
    counts = np.empty((3, n + 1), np.int64)
    for i in range(n_symbols):
        _complete_pairs(x[i], y[i], a, b)
        last_valid(a, first, shift_a)
        last_valid(b, first, shift_b)
        running_counts(a, counts)
        sums[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                begin = max(first, lag)
                if begin < n:
                    start = begin - first
                    older_a, older_b = a[begin - lag : n - lag], b[begin - lag : n - lag]
                    add(older_a, shift_a[start:], sums[0, start:])
                    add(older_b, shift_b[start:], sums[1, start:])
                    add_square(older_a, shift_a[start:], sums[2, start:])
                    add_square(older_b, shift_b[start:], sums[3, start:])
                    _add_product(
                        older_a, shift_a[start:], older_b, shift_b[start:], sums[4, start:]
                    )
                lag += 1
            _emit(counts, windows[w], first, sums, out[0, w, i], out[1, w, i], out[2, w, i])


@compiled
def _complete_pairs(x: Floats, y: Floats, a: Floats, b: Floats) -> None:
    """Copy x to a and y to b, both missing where either is."""
    for t in range(len(x)):
        missing = np.isnan(x[t]) or np.isnan(y[t])
        a[t] = np.nan if missing else x[t]
        b[t] = np.nan if missing else y[t]


@compiled
def _add_product(a: Floats, shift_a: Floats, b: Floats, shift_b: Floats, total: Floats) -> None:
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = (a[j] - shift_a[j]) * (b[j] - shift_b[j])
        total[j] += zero if np.isnan(d) else d


@compiled
def _emit(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    counts: IntArray, window: int, first: int, sums: Floats,
    correlation: Floats, beta: Floats, covariance: Floats,
) -> None:  # fmt: skip
    for j in range(len(beta)):
        t = first + j
        count = counts[0, t + 1] - counts[0, max(t + 1 - window, 0)]
        if count < 2:
            correlation[j] = beta[j] = covariance[j] = np.nan
            continue
        xy = sums[4, j] - sums[0, j] * sums[1, j] / count
        xx = max(sums[2, j] - sums[0, j] * sums[0, j] / count, 0.0)
        yy = max(sums[3, j] - sums[1, j] * sums[1, j] / count, 0.0)
        floor = STD_NEAR_ZERO * STD_NEAR_ZERO * (count - 1)
        flat = xx <= floor or yy <= floor
        correlation[j] = np.nan if flat else xy / np.sqrt(xx * yy)
        beta[j] = xy / yy if yy > 0 else np.nan
        covariance[j] = xy / (count - 1)
