"""Rolling mean absolute deviation from the window's own mean."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled


@compiled
def rolling_deviation(x: Floats, stride: int, windows: IntArray, first: int, out: Floats) -> None:
    """Fill `out` with the mean of |value - mean| over the values of the window.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions * stride)
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,)
    first : int
        First session wanted.
    out : float ndarray of shape (1, n_windows, n_rows, (n_sessions - first) * stride)
        NaN where the window holds no value, or a sum passes the largest number.
    """
    n, skip = x.shape[1], first * stride
    total, count = np.empty(n - skip, x.dtype), np.empty(n - skip, x.dtype)
    for i in range(len(x)):
        for w in range(len(windows)):
            mean = out[0, w, i]
            total[:] = count[:] = 0
            _add_up(x[i], stride, windows[w], total, count)
            for j in range(n - skip):
                mean[j] = total[j] / count[j]
            total[:] = 0
            for lag in range(windows[w]):
                back = lag * stride
                for c in range(min(max(skip, back), n), n):
                    apart = abs(x[i, c - back] - mean[c - skip])
                    total[c - skip] += 0.0 if np.isnan(apart) else apart
            for j in range(n - skip):
                sound = abs(mean[j]) < np.inf and total[j] < np.inf
                mean[j] = total[j] / count[j] if sound else np.nan


@compiled
def _add_up(row: Floats, stride: int, window: int, total: Floats, count: Floats) -> None:
    skip = len(row) - len(total)
    for lag in range(window):
        back = lag * stride
        for c in range(min(max(skip, back), len(row)), len(row)):
            missing = np.isnan(row[c - back])
            total[c - skip] += 0.0 if missing else row[c - back]
            count[c - skip] += 0.0 if missing else 1.0
