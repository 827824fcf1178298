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
    windows: IntArray,
    statistics: IntArray,
    first: int,
    out: Floats,
) -> None:
    """Fill `out` with the rolling maximum (`sign` 1) or minimum (`sign` -1) and its position.

    Parameters
    ----------
    x : float ndarray of shape (n_symbols, n_sessions)
    starts : int64 ndarray of shape (n_symbols,)
        Column of each symbol's first bar; negative if it lies before the panel.
    windows : int64 ndarray of shape (n_windows,), increasing
    statistics : int64 ndarray of shape (n_statistics,)
        Among EXTREME and POSITION, its 1-based position in the window, the oldest session
        being 1 (a window is shorter near the symbol's first bar); among equals the oldest
        counts. NaN where the window holds no value.
    first : int
        First column wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_symbols, n_sessions - first)
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
                begin = min(max(first, lag), n)
                _keep_larger(
                    x[i, begin - lag : max(n - lag, 0)], x.dtype.type(sign), x.dtype.type(lag),
                    best[begin - first :], where[begin - first :],
                )  # fmt: skip
                lag += 1
            for k in range(len(statistics)):
                age = first - starts[i] + 1
                _emit(statistics[k], sign, windows[w], age, best, where, out[k, w, i])


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
def _emit(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    statistic: int, sign: int, window: int, age: int, best: Floats, where: Floats, out: Floats
) -> None:
    for j in range(len(out)):
        answer = sign * best[j] if statistic == EXTREME else min(window, age + j) - where[j]
        out[j] = np.nan if best[j] == -np.inf else answer
