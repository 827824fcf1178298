"""Rolling percentile rank."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled, running_counts


@compiled
def rolling_rank(x: Floats, windows: IntArray, first: int, out: Floats) -> None:
    """Fill `out` with the percentile rank of the newest value within its window.

    Parameters
    ----------
    x : float ndarray of shape (n_symbols, n_sessions)
    windows : int64 ndarray of shape (n_windows,), increasing
    out : float ndarray of shape (1, n_windows, n_symbols, n_sessions - first)
        In (0, 1], ties share the mean of their ranks; NaN where the newest value is missing.
    """
    n_symbols, n = x.shape
    m = n - first
    double_rank = np.empty(m, x.dtype)
    counts = np.empty((3, n + 1), np.int64)
    for i in range(n_symbols):
        running_counts(x[i], counts)
        double_rank[:] = 1
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                begin = min(max(first, lag), n)
                older = x[i, begin - lag : max(n - lag, 0)]
                _count_below(older, x[i, begin:], double_rank[begin - first :])
                lag += 1
            for j in range(m):
                t = first + j
                count = counts[0, t + 1] - counts[0, max(t + 1 - windows[w], 0)]
                missing = np.isnan(x[i, t])
                out[0, w, i, j] = np.nan if missing else double_rank[j] / (2 * count)


@compiled
def _count_below(a: Floats, newest: Floats, double_rank: Floats) -> None:
    zero, one, two = a.dtype.type(0), a.dtype.type(1), a.dtype.type(2)
    for j in range(len(a)):
        # A smaller value lifts the rank by one, an equal one (itself too) by one half.
        double_rank[j] += two if a[j] < newest[j] else (one if a[j] == newest[j] else zero)
