"""Rolling sum, mean, standard deviation, and the straight line through a window."""

from typing import Any

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled, last_valid, running_counts

# qlib's rule: a standard deviation this small is taken for zero and the line fits nothing.
STD_NEAR_ZERO = 2e-5


@compiled
def rolling_moments(x: Floats, windows: IntArray, first: int, out: Floats) -> None:
    """Fill `out` with rolling moments of `x`.

    Parameters
    ----------
    x : float ndarray of shape (n_symbols, n_sessions)
    windows : int64 ndarray of shape (n_windows,), increasing
    first : int
        First column wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_symbols, n_sessions - first)
        n_statistics is 2, 3 or 6: sum and mean; then the standard deviation with ddof 1, NaN
        for one value; then, of the least-squares line over the positions 1..N of the values
        present, its slope per session, its R² (NaN where the standard deviation is at most
        2e-5) and the newest value less the line there (NaN where the newest value is missing).
    """
    n_symbols, n = x.shape
    m = n - first
    shift, sums = np.empty(m, x.dtype), np.empty((3, m), x.dtype)
    counts = np.empty((3, n + 1), np.int64)
    for i in range(n_symbols):
        last_valid(x[i], first, shift)
        running_counts(x[i], counts)
        sums[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                begin = max(first, lag)
                if begin < n:
                    older, start = x[i, begin - lag : n - lag], begin - first
                    _add_powers(older, shift[start:], lag, sums[:, start:], out.shape[0])
                lag += 1
            _emit_sums(counts, windows[w], first, shift, sums, out[0, w, i], out[1, w, i])
            if out.shape[0] > 2:
                _emit_std(counts, windows[w], first, sums, out[2, w, i])
            if out.shape[0] > 3:
                _emit_line(
                    x[i], counts, windows[w], first, sums,
                    out[3, w, i], out[4, w, i], out[5, w, i],
                )  # fmt: skip


@compiled
def _add_powers(older: Floats, shift: Floats, lag: int, sums: Floats, depth: int) -> None:
    """Add the difference d, its square, and lag × d; one sum a loop, so that each vectorises."""
    add(older, shift, sums[0])
    if depth > 2:
        add_square(older, shift, sums[1])
    if depth > 3:
        _add_scaled(older, shift, older.dtype.type(lag), sums[2])


@compiled
def add(a: Floats, shift: Floats, total: Floats) -> None:
    """Add a - shift to `total` where a is present."""
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = a[j] - shift[j]
        total[j] += zero if np.isnan(d) else d


@compiled
def add_square(a: Floats, shift: Floats, total: Floats) -> None:
    """Add (a - shift)² to `total` where a is present."""
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = a[j] - shift[j]
        total[j] += zero if np.isnan(d) else d * d


@compiled
def _add_scaled(a: Floats, shift: Floats, scale: np.floating[Any], total: Floats) -> None:
    zero = a.dtype.type(0)
    for j in range(len(a)):
        d = a[j] - shift[j]
        total[j] += zero if np.isnan(d) else scale * d


@compiled
def _emit_sums(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    counts: IntArray, window: int, first: int,
    shift: Floats, sums: Floats, total: Floats, mean: Floats,
) -> None:  # fmt: skip
    for j in range(len(shift)):
        t = first + j
        count = counts[0, t + 1] - counts[0, max(t + 1 - window, 0)]
        if count == 0:
            total[j] = mean[j] = np.nan
        else:
            total[j] = sums[0, j] + count * shift[j]
            mean[j] = shift[j] + sums[0, j] / count


@compiled
def _emit_std(counts: IntArray, window: int, first: int, sums: Floats, std: Floats) -> None:
    for j in range(len(std)):
        t = first + j
        count = counts[0, t + 1] - counts[0, max(t + 1 - window, 0)]
        if count < 2:
            std[j] = np.nan
        else:
            squares = sums[1, j] - sums[0, j] * sums[0, j] / count
            std[j] = np.sqrt(max(squares, 0.0) / (count - 1))


@compiled
def _emit_line(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    row: Floats, counts: IntArray, window: int, first: int,
    sums: Floats, slope: Floats, rsquare: Floats, residual: Floats,
) -> None:  # fmt: skip
    for j in range(len(slope)):
        t = first + j
        low = max(t + 1 - window, 0)
        count = counts[0, t + 1] - counts[0, low]
        if count < 2:
            slope[j] = rsquare[j] = residual[j] = np.nan
            continue
        # Positions are counted back from t (u = time - t = -lag), which keeps them small.
        times = counts[1, t + 1] - counts[1, low]
        u1 = times - count * t
        u2 = (counts[2, t + 1] - counts[2, low]) - 2 * t * times + count * t * t
        covariance = -count * sums[2, j] - u1 * sums[0, j]
        variance = count * sums[1, j] - sums[0, j] * sums[0, j]
        slope[j] = covariance / (count * u2 - u1 * u1)
        near_zero = variance <= STD_NEAR_ZERO * STD_NEAR_ZERO * count * (count - 1)
        rsquare[j] = np.nan if near_zero else slope[j] * covariance / variance
        missing = np.isnan(row[t])
        residual[j] = np.nan if missing else -(sums[0, j] - slope[j] * u1) / count
