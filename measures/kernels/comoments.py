"""Rolling covariance of two series: correlation and regression beta."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import (
    Floats,
    compiled,
    last_valid,
    running_counts,
    window_counts,
)
from measures.kernels.moments import STD_NEAR_ZERO

CORRELATION, BETA, COVARIANCE = range(3)


@compiled
def rolling_comoments(  # noqa: PLR0913, PLR0917 - the shared form of a rolling kernel
    x: Floats,
    y: Floats,
    stride: int,
    windows: IntArray,
    statistics: IntArray,
    first: int,
    out: Floats,
) -> None:
    """Fill `out` with rolling statistics of the pairs (x, y) where both are present.

    Parameters
    ----------
    x, y : float ndarray of shape (n_rows, n_sessions * stride)
    stride : int
        Cells from one session to the next.
    windows : int64 ndarray of shape (n_windows,), increasing
    statistics : int64 ndarray of shape (n_statistics,)
        Among CORRELATION (NaN where either standard deviation is at most 2e-5), BETA, the slope
        of x on y (NaN where y does not vary), and COVARIANCE (ddof 1); NaN below two pairs.
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, (n_sessions - first) * stride)
    """
    n_rows, n = x.shape
    skip = first * stride
    m = n - skip
    a, b, count = np.empty(n, x.dtype), np.empty(n, x.dtype), np.empty(m, x.dtype)
    held_a, held_b = np.empty(n, x.dtype), np.empty(n, x.dtype)
    sa, sb, saa = np.empty(m, x.dtype), np.empty(m, x.dtype), np.empty(m, x.dtype)
    sbb, sab = np.empty(m, x.dtype), np.empty(m, x.dtype)
    counts = np.empty((1, n + stride), np.int64)
    for i in range(n_rows):
        _complete_pairs(x[i], y[i], a, b)
        last_valid(a, stride, held_a)
        last_valid(b, stride, held_b)
        running_counts(a, stride, counts)
        sa[:] = sb[:] = saa[:] = sbb[:] = sab[:] = 0
        lag = 0
        for w in range(len(windows)):
            while lag < windows[w]:
                back = lag * stride
                begin = min(max(skip, back), n)
                end, start = max(n - back, 0), begin - skip
                _add_pairs(
                    a[begin - back : end], held_a[begin:], b[begin - back : end], held_b[begin:],
                    sa[start:], sb[start:], saa[start:], sbb[start:], sab[start:],
                )  # fmt: skip
                lag += 1
            window_counts(counts[0], windows[w] * stride, skip + stride, count)
            for k in range(len(statistics)):
                _emit(statistics[k], count, sa, sb, saa, sbb, sab, out[k, w, i])


@compiled
def _complete_pairs(x: Floats, y: Floats, a: Floats, b: Floats) -> None:
    """Copy x to a and y to b, both missing where either is."""
    for t in range(len(x)):
        missing = np.isnan(x[t]) or np.isnan(y[t])
        a[t] = np.nan if missing else x[t]
        b[t] = np.nan if missing else y[t]


@compiled
def _add_pairs(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    a: Floats, shift_a: Floats, b: Floats, shift_b: Floats,
    sa: Floats, sb: Floats, saa: Floats, sbb: Floats, sab: Floats,
) -> None:  # fmt: skip
    zero = a.dtype.type(0)
    for j in range(len(a)):
        da, db = a[j] - shift_a[j], b[j] - shift_b[j]
        missing = np.isnan(da)
        da = zero if missing else da
        db = zero if missing else db
        sa[j] += da
        sb[j] += db
        saa[j] += da * da
        sbb[j] += db * db
        sab[j] += da * db


@compiled
def _emit(  # noqa: PLR0913, PLR0917 - compiled loops take arrays, not objects
    statistic: int, count: Floats, sa: Floats, sb: Floats,
    saa: Floats, sbb: Floats, sab: Floats, out: Floats,
) -> None:  # fmt: skip
    zero, one, nan = count.dtype.type(0), count.dtype.type(1), count.dtype.type(np.nan)
    near_zero = count.dtype.type(STD_NEAR_ZERO * STD_NEAR_ZERO)
    for j in range(len(out)):
        xy = sab[j] - sa[j] * sb[j] / count[j]
        xx = saa[j] - sa[j] * sa[j] / count[j]
        yy = sbb[j] - sb[j] * sb[j] / count[j]
        if statistic == CORRELATION:
            floor = near_zero * (count[j] - one)
            flat = (xx <= floor) | (yy <= floor)
            out[j] = nan if flat else xy / np.sqrt(xx * yy)
        elif statistic == BETA:
            out[j] = xy / yy if yy > zero else nan
        else:
            # One pair alone is 0 / 0.
            out[j] = xy / (count[j] - one)
