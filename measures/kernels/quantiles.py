"""Rolling quantiles: sorting networks over whole stretches, ordered insertion elsewhere."""

from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import Floats, compiled
from measures.kernels.networks import window_networks

# Columns sorted at once, beside those that they look back on; all stays in the cache.
BLOCK = 512


def rolling_quantile(
    x: Floats, stride: int, windows: IntArray, probabilities: FloatArray, first: int, out: Floats
) -> None:
    """Fill `out` with quantiles of the window, interpolated linearly between order statistics.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions * stride)
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,), increasing
    probabilities : float64 ndarray of shape (n_probabilities,)
        In [0, 1].
    first : int
        First session wanted.
    out : float ndarray of shape (n_probabilities, n_windows, n_rows, (n_sessions - first) * stride)
        NaN where the window holds no value.
    """
    n, longest = x.shape[1] // stride, int(windows[-1])
    if n - first == 1:
        _newest(x, stride, windows, probabilities, out)
        return
    plan = window_networks(windows) if stride == 1 and n - first > longest else None
    if plan is None:
        _by_insertion(x, stride, windows, probabilities, (first, n), out)
        return
    for i, whole in enumerate(_whole_from(x, longest, first)):
        row = x[i : i + 1]
        _by_insertion(row, 1, windows, probabilities, (first, whole), out[:, :, i : i + 1])
        if whole < n:
            _by_networks(x[i], windows, probabilities, plan, (first, whole), out[:, :, i])


def _whole_from(x: Floats, window: int, first: int) -> list[int]:
    """Return for each row the first wanted session from which on no window misses a value."""
    missing, n = np.isnan(x), x.shape[1]
    last = np.where(missing.any(axis=1), n - 1 - missing[:, ::-1].argmax(axis=1), -1)
    return [int(session) for session in np.clip(last + window, first, n)]


@compiled
def _newest(
    x: Floats, stride: int, windows: IntArray, probabilities: FloatArray, out: Floats
) -> None:
    """Fill the newest session alone: one ordered list grows from the shortest window on."""
    n = x.shape[1] // stride
    ordered = np.empty(windows.max(), x.dtype)
    for cell in range(len(x) * stride):
        i, s = cell // stride, cell % stride
        count, lag = 0, 0
        for w in range(len(windows)):
            while lag < min(windows[w], n):
                value = x[i, (n - 1 - lag) * stride + s]
                if not np.isnan(value):
                    hole = count
                    while hole > 0 and ordered[hole - 1] > value:
                        ordered[hole] = ordered[hole - 1]
                        hole -= 1
                    ordered[hole] = value
                    count += 1
                lag += 1
            for k in range(len(probabilities)):
                out[k, w, i, s] = _quantile(ordered, count, probabilities[k])


@compiled
def _by_insertion(
    x: Floats,
    stride: int,
    windows: IntArray,
    probabilities: FloatArray,
    span: tuple[int, int],
    out: Floats,
) -> None:
    """Fill the sessions [first, end) of `span`, values coming and going in one ordered list."""
    first, end = span
    ordered = np.empty(windows.max(), x.dtype)
    for cell in range(len(x) * stride):
        i, s = cell // stride, cell % stride
        for w in range(len(windows)):
            begin, count = max(first - windows[w] + 1, 0), 0
            for t in range(begin, end):
                oldest = t - windows[w]
                leaving = x[i, oldest * stride + s] if oldest >= begin else x.dtype.type(np.nan)
                count = _replace(ordered, count, leaving, x[i, t * stride + s])
                if t >= first:
                    place = (t - first) * stride + s
                    for k in range(len(probabilities)):
                        out[k, w, i, place] = _quantile(ordered, count, probabilities[k])


@compiled
def _replace(
    ordered: Floats, count: int, leaving: np.floating[Any], coming: np.floating[Any]
) -> int:
    """Take `leaving` out of the `count` ordered values, put `coming` in; return the new count.

    A NaN stands for no value. Only what lies between the two places moves.
    """
    hole = count
    if not np.isnan(leaving):
        hole = int(np.searchsorted(ordered[:count], leaving))
        count -= 1
    if np.isnan(coming):
        for k in range(hole, count):
            ordered[k] = ordered[k + 1]
        return count
    while hole > 0 and ordered[hole - 1] > coming:
        ordered[hole] = ordered[hole - 1]
        hole -= 1
    while hole < count and ordered[hole + 1] < coming:
        ordered[hole] = ordered[hole + 1]
        hole += 1
    ordered[hole] = coming
    return count + 1


@compiled
def _quantile(ordered: Floats, count: int, probability: float) -> float:
    if count == 0:
        return np.nan
    place = probability * (count - 1)
    below = min(int(place), count - 1)
    above = min(below + 1, count - 1)
    low, high = float(ordered[below]), float(ordered[above])
    return low + (place - below) * (high - low)


@compiled
def _by_networks(
    row: Floats,
    windows: IntArray,
    probabilities: FloatArray,
    plan: tuple[IntArray, IntArray, IntArray, IntArray],
    span: tuple[int, int],
    out: Floats,
) -> None:
    """Fill the columns from span[1] on, block by block; no window there misses a value."""
    _, comparators, stages, order = plan
    longest = windows[-1]
    wires = np.empty((windows.sum(), BLOCK + longest - 1), row.dtype)
    for low in range(span[1], len(row), BLOCK):
        high = min(low + BLOCK, len(row))
        seen = row[low - longest + 1 : high]
        base = 0
        for w in range(len(windows)):
            _load_wires(seen, windows, plan, w, wires)
            begin = windows[w] - 1
            for c in range(stages[w], stages[w + 1]):
                i, j = base + comparators[c, 0], base + comparators[c, 1]
                _compare(wires[i, begin : len(seen)], wires[j, begin : len(seen)])
            for k in range(len(probabilities)):
                place = probabilities[k] * (windows[w] - 1)
                below = min(int(place), windows[w] - 1)
                above = min(below + 1, windows[w] - 1)
                _interpolate(
                    wires[base + order[w, below], longest - 1 :],
                    wires[base + order[w, above], longest - 1 :],
                    row.dtype.type(place - below),
                    out[k, w, low - span[0] : high - span[0]],
                )
            base += windows[w]


@compiled
def _load_wires(
    seen: Floats,
    windows: IntArray,
    plan: tuple[IntArray, IntArray, IntArray, IntArray],
    w: int,
    wires: Floats,
) -> None:
    """Put the values of window `w` on its wires, as far as they are sorted already."""
    parts, _, _, order = plan
    n, begin, own = len(seen), windows[w] - 1, windows[:w].sum()
    if w == 0:
        for k in range(windows[0]):
            wires[k, begin:n] = seen[begin - k : n - k]
        return
    shorter = windows[w - 1]
    base = own - shorter
    for k in range(shorter):
        wires[own + k, begin:n] = wires[base + order[w - 1, k], begin:n]
    part = parts[w]
    base = windows[:part].sum()
    for k in range(windows[part]):
        older = wires[base + order[part, k], begin - shorter : n - shorter]
        wires[own + shorter + k, begin:n] = older


@compiled
def _compare(low: Floats, high: Floats) -> None:
    """Leave the smaller of each pair in `low` and the larger in `high`."""
    for j in range(len(low)):
        a, b = low[j], high[j]
        swap = b < a
        low[j] = b if swap else a
        high[j] = a if swap else b


@compiled
def _interpolate(below: Floats, above: Floats, share: np.floating[Any], out: Floats) -> None:
    for j in range(len(out)):
        out[j] = below[j] + share * (above[j] - below[j])
