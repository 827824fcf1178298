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
        NaN where the window holds no value, or its neighbours lie further apart than the
        largest number.
    """
    n, longest = x.shape[1] // stride, int(windows[-1])
    if n - first == 1:
        _newest(x, stride, windows, probabilities, out)
        return
    networks = (
        window_networks(windows, probabilities) if stride == 1 and n - first > longest else None
    )
    if networks is None:
        _by_insertion(x, stride, windows, probabilities, (first, n), out)
        return
    places = probabilities[:, None] * (windows - 1)
    shares = places - np.floor(places)
    table = np.empty((networks.n_rows, BLOCK + longest - 1), x.dtype)
    for i, whole in enumerate(_whole_from(x, longest, first)):
        row = x[i : i + 1]
        _by_insertion(row, 1, windows, probabilities, (first, whole), out[:, :, i : i + 1])
        if whole < n:
            _by_networks(
                x[i], windows, shares, networks.comparisons, networks.stages, networks.answers,
                table, (first, whole), out[:, :, i],
            )  # fmt: skip


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
    value = low + (place - below) * (high - low)
    return value if abs(value) < np.inf else np.nan


@compiled
def _by_networks(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    row: Floats,
    windows: IntArray,
    shares: FloatArray,
    comparisons: IntArray,
    stages: IntArray,
    answers: IntArray,
    table: Floats,
    span: tuple[int, int],
    out: Floats,
) -> None:
    """Fill the columns from span[1] on, block by block; no window there misses a value."""
    longest = windows[-1]
    for start in range(span[1], len(row), BLOCK):
        stop = min(start + BLOCK, len(row))
        seen = row[start - longest + 1 : stop]
        end = len(seen)
        table[0, :end] = seen
        for w in range(len(windows)):
            begin = windows[w] - 1
            for c in range(stages[w], stages[w + 1]):
                i, i_lag, j, j_lag, low, high = comparisons[c]
                a = table[i, begin - i_lag : end - i_lag]
                b = table[j, begin - j_lag : end - j_lag]
                if high < 0:
                    _smaller(a, b, table[low, begin:end])
                elif low < 0:
                    _larger(a, b, table[high, begin:end])
                else:
                    _both(a, b, table[low, begin:end], table[high, begin:end])
            for k in range(len(answers)):
                i, i_lag, j, j_lag = answers[k, w]
                _interpolate(
                    table[i, longest - 1 - i_lag : end - i_lag],
                    table[j, longest - 1 - j_lag : end - j_lag],
                    row.dtype.type(shares[k, w]),
                    out[k, w, start - span[0] : stop - span[0]],
                )


@compiled
def _smaller(a: Floats, b: Floats, out: Floats) -> None:
    for j in range(len(out)):
        out[j] = b[j] if b[j] < a[j] else a[j]


@compiled
def _larger(a: Floats, b: Floats, out: Floats) -> None:
    for j in range(len(out)):
        out[j] = b[j] if b[j] > a[j] else a[j]


@compiled
def _both(a: Floats, b: Floats, low: Floats, high: Floats) -> None:
    for j in range(len(low)):
        low[j] = b[j] if b[j] < a[j] else a[j]
        high[j] = b[j] if b[j] > a[j] else a[j]


@compiled
def _interpolate(below: Floats, above: Floats, share: np.floating[Any], out: Floats) -> None:
    nan, beyond = out.dtype.type(np.nan), out.dtype.type(np.inf)
    for j in range(len(out)):
        value = below[j] + share * (above[j] - below[j])
        out[j] = value if abs(value) < beyond else nan
