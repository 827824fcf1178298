"""Rolling percentile rank."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled, running_counts, window_counts


@compiled
def rolling_rank(x: Floats, stride: int, windows: IntArray, first: int, out: Floats) -> None:
    """Fill `out` with the percentile rank of the newest value within its window.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions * stride)
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,), increasing
    first : int
        First session wanted.
    out : float ndarray of shape (1, n_windows, n_rows, (n_sessions - first) * stride)
        In (0, 1], ties share the mean of their ranks; NaN where the newest value is missing.
    """
    n_rows, n = x.shape
    skip = first * stride
    double_rank, count = np.empty(n - skip, x.dtype), np.empty(n - skip, x.dtype)
    counts = np.empty(n + stride, np.int64)
    for i in range(n_rows):
        running_counts(x[i], stride, counts)
        double_rank[:] = 1
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                back = lag * stride
                begin = min(max(skip, back), n)
                older = x[i, begin - back : max(n - back, 0)]
                _count_below(older, x[i, begin:], double_rank[begin - skip :])
                lag += 1
            window_counts(counts, windows[w] * stride, skip + stride, count)
            _emit(x[i, skip:], double_rank, count, out[0, w, i])


@compiled
def _emit(newest: Floats, double_rank: Floats, count: Floats, out: Floats) -> None:
    two, nan = count.dtype.type(2), count.dtype.type(np.nan)
    for j in range(len(out)):
        out[j] = nan if np.isnan(newest[j]) else double_rank[j] / (two * count[j])


@compiled
def _count_below(a: Floats, newest: Floats, double_rank: Floats) -> None:
    zero, one, two = a.dtype.type(0), a.dtype.type(1), a.dtype.type(2)
    for j in range(len(a)):
        # A smaller value lifts the rank by one, an equal one (itself too) by one half.
        double_rank[j] += two if a[j] < newest[j] else (one if a[j] == newest[j] else zero)
