"""Rolling maximum and minimum, and where in the window they stand."""

from typing import Any

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled

EXTREME, POSITION = range(2)


@compiled
def rolling_extremes(  # noqa: PLR0913, PLR0917 - the shared form of a rolling kernel, and a sign
    x: Floats,
    starts: IntArray,
    sign: int,
    rungs: IntArray,
    places: IntArray,
    windows: IntArray,
    statistics: IntArray,
    first: int,
    out: Floats,
) -> None:
    """Fill `out` with the rolling maximum (`sign` 1) or minimum (`sign` -1) and its position.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions)
    starts : int64 ndarray of shape (n_rows,)
        Session of each symbol's first bar; negative if it lies before the panel.
    rungs, places : int64 ndarray
        The windows, see `measures.kernels.ladder`.
    windows : int64 ndarray of shape (n_windows,), increasing
    statistics : int64 ndarray of shape (n_statistics,)
        Among EXTREME and POSITION, its 1-based position in the window, the oldest session
        being 1 (a window is shorter near the symbol's first bar); among equals the oldest
        counts. NaN where the window holds no value.
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, n_sessions - first)
    """
    n_rows, n = x.shape
    best, where = np.empty((len(rungs), n), x.dtype), np.empty((len(rungs), n), x.dtype)
    for i in range(n_rows):
        _begin(x[i], x.dtype.type(sign), best[0], where[0])
        for r in range(1, len(rungs)):
            a, b, back = rungs[r]
            begin = min(back, n)
            best[r, :begin], where[r, :begin] = best[a, :begin], where[a, :begin]
            _keep_larger(
                best[a, begin:], best[b, : n - begin], where[a, begin:], where[b, : n - begin],
                x.dtype.type(back), best[r, begin:], where[r, begin:],
            )  # fmt: skip
        for w in range(len(places)):
            top, lag = best[places[w], first:], where[places[w], first:]
            for k in range(len(statistics)):
                if statistics[k] == EXTREME:
                    _emit_extreme(x.dtype.type(sign), top, out[k, w, i])
                else:
                    _emit_position(windows[w], first + 1 - starts[i], top, lag, out[k, w, i])


@compiled
def _begin(row: Floats, sign: np.floating[Any], best: Floats, where: Floats) -> None:
    """Write the summaries of single sessions: the value, no session ago."""
    nothing = row.dtype.type(-np.inf)
    for t in range(len(row)):
        best[t] = nothing if np.isnan(row[t]) else sign * row[t]
    where[:] = 0


@compiled
def _keep_larger(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    newer: Floats, older: Floats, where_newer: Floats, where_older: Floats,
    back: np.floating[Any], best: Floats, where: Floats,
) -> None:  # fmt: skip
    for t in range(len(best)):
        wins = older[t] >= newer[t]
        best[t] = older[t] if wins else newer[t]
        where[t] = where_older[t] + back if wins else where_newer[t]


@compiled
def _emit_extreme(sign: np.floating[Any], best: Floats, out: Floats) -> None:
    nan = best.dtype.type(np.nan)
    for j in range(len(out)):
        out[j] = nan if best[j] == -np.inf else sign * best[j]


@compiled
def _emit_position(window: int, age: int, best: Floats, where: Floats, out: Floats) -> None:
    """Write the positions; `age` is how many sessions the symbol was there at the first of them."""
    nan = best.dtype.type(np.nan)
    for j in range(len(out)):
        longest = out.dtype.type(min(window, age + j))
        out[j] = nan if best[j] == -np.inf else longest - where[j]
