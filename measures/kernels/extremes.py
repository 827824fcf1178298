"""Rolling maximum and minimum, and where in the window they stand."""

from typing import Any

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled

STATISTICS = ("extreme", "position")


EXTREME, POSITION = range(2)


@compiled
def rolling_extremes(  # noqa: PLR0913, PLR0917 - the shared form of a rolling kernel, and a sign
    x: Floats,
    starts: IntArray,
    sign: int,
    stride: int,
    windows: IntArray,
    statistics: IntArray,
    first: int,
    out: Floats,
) -> None:
    """Fill `out` with the rolling maximum (`sign` 1) or minimum (`sign` -1) and its position.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions * stride)
    starts : int64 ndarray of shape (n_rows, stride)
        Session of each symbol's first bar; negative if it lies before the panel.
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,), increasing
    statistics : int64 ndarray of shape (n_statistics,)
        Among EXTREME and POSITION, its 1-based position in the window, the oldest session
        being 1 (a window is shorter near the symbol's first bar); among equals the oldest
        counts. NaN where the window holds no value.
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, (n_sessions - first) * stride)
    """
    n_rows, n = x.shape
    skip = first * stride
    m = n - skip
    best, where, age = np.empty(m, x.dtype), np.empty(m, x.dtype), np.empty(m, np.int64)
    for i in range(n_rows):
        _fill_ages(starts[i], first, age)
        best[:] = -np.inf
        where[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                back = lag * stride
                begin = min(max(skip, back), n)
                _keep_larger(
                    x[i, begin - back : max(n - back, 0)], x.dtype.type(sign), x.dtype.type(lag),
                    best[begin - skip :], where[begin - skip :],
                )  # fmt: skip
                lag += 1
            for k in range(len(statistics)):
                if statistics[k] == EXTREME:
                    _emit_extreme(x.dtype.type(sign), best, out[k, w, i])
                else:
                    _emit_position(windows[w], age, best, where, out[k, w, i])


@compiled
def _fill_ages(starts: IntArray, first: int, age: IntArray) -> None:
    """Write how many sessions each cell's symbol has been there, the first bar included."""
    stride = len(starts)
    for k in range(len(age) // stride):
        for s in range(stride):
            age[k * stride + s] = first + k - starts[s] + 1


@compiled
def _keep_larger(
    a: Floats, sign: np.floating[Any], lag: np.floating[Any], best: Floats, where: Floats
) -> None:
    for j in range(len(a)):
        value = sign * a[j]
        wins = value >= best[j]
        best[j] = value if wins else best[j]
        where[j] = lag if wins else where[j]


@compiled
def _emit_extreme(sign: np.floating[Any], best: Floats, out: Floats) -> None:
    nan = best.dtype.type(np.nan)
    for j in range(len(out)):
        out[j] = nan if best[j] == -np.inf else sign * best[j]


@compiled
def _emit_position(window: int, age: IntArray, best: Floats, where: Floats, out: Floats) -> None:
    for j in range(len(out)):
        out[j] = np.nan if best[j] == -np.inf else min(window, age[j]) - where[j]
