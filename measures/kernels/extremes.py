"""Rolling maximum and minimum, and where in the window they stand."""

from typing import Any

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled

STATISTICS = ("extreme", "position")


@compiled
def rolling_extremes(
    x: Floats, starts: IntArray, windows: IntArray, first: int, sign: int, out: Floats
) -> None:
    """Fill `out` with the rolling maximum (`sign` 1) or minimum (`sign` -1) and its position.

    Parameters
    ----------
    x : float ndarray of shape (n_symbols, n_sessions)
    starts : int64 ndarray of shape (n_symbols,)
        Column of each symbol's first bar; negative if it lies before the panel.
    windows : int64 ndarray of shape (n_windows,), increasing
    out : float ndarray of shape (2, n_windows, n_symbols, n_sessions - first)
        The extreme, and its 1-based position in the window, the oldest session being 1
        (a window is shorter near the symbol's first bar); among equals the oldest counts.
        NaN where the window holds no value.
    """
    n_symbols, n = x.shape
    m = n - first
    best, where = np.empty(m, x.dtype), np.empty(m, x.dtype)
    for i in range(n_symbols):
        best[:] = -np.inf
        where[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                begin = max(first, lag)
                if begin < n:
                    _keep_larger(
                        x[i, begin - lag : n - lag], x.dtype.type(sign), x.dtype.type(lag),
                        best[begin - first :], where[begin - first :],
                    )  # fmt: skip
                lag += 1
            extreme, position = out[0, w, i], out[1, w, i]
            for j in range(m):
                empty = best[j] == -np.inf
                length = min(windows[w], first + j - starts[i] + 1)
                extreme[j] = np.nan if empty else sign * best[j]
                position[j] = np.nan if empty else length - where[j]


@compiled
def _keep_larger(
    a: Floats, sign: np.floating[Any], lag: np.floating[Any], best: Floats, where: Floats
) -> None:
    for j in range(len(a)):
        value = sign * a[j]
        wins = value >= best[j]
        best[j] = value if wins else best[j]
        where[j] = lag if wins else where[j]
