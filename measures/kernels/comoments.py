"""Rolling covariance of two series: correlation and regression beta."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled
from measures.kernels.merging import add, merge_products, merge_squares
from measures.kernels.moments import STD_NEAR_ZERO

CORRELATION, BETA, COVARIANCE = range(3)
# Parts of a summary: count, both means, both squares about them, their product.
PAIR_PARTS = 6


@compiled
def rolling_comoments(  # noqa: PLR0913, PLR0917 - the shared form of a rolling kernel
    x: Floats,
    y: Floats,
    rungs: IntArray,
    places: IntArray,
    statistics: IntArray,
    first: int,
    out: Floats,
) -> None:
    """Fill `out` with rolling statistics of the pairs (x, y) where both are present.

    Parameters
    ----------
    x, y : float ndarray of shape (n_rows, n_sessions)
    rungs, places : int64 ndarray
        The windows, see `measures.kernels.ladder`.
    statistics : int64 ndarray of shape (n_statistics,)
        Among CORRELATION (NaN where either standard deviation is at most 2e-5), BETA, the slope
        of x on y (NaN where y does not vary), and COVARIANCE (ddof 1); NaN below two pairs, and
        where a square passes the largest number.
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, n_sessions - first)
    """
    n_rows, n = x.shape
    found = np.empty((len(rungs), PAIR_PARTS, n), x.dtype)
    for i in range(n_rows):
        _begin(x[i], y[i], found[0])
        for r in range(1, len(rungs)):
            newer, older, back = rungs[r]
            _merge(found[newer], found[older], back, found[r])
        for w in range(len(places)):
            for k in range(len(statistics)):
                _emit(statistics[k], found[places[w]], first, out[k, w, i])


@compiled
def _begin(x: Floats, y: Floats, single: Floats) -> None:
    """Write the summaries of single pairs, nothing where either value is missing."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    single[:] = zero
    count, a, b = single[0], single[1], single[2]
    for t in range(len(x)):
        missing = np.isnan(x[t] + y[t])
        count[t] = zero if missing else one
    for t in range(len(x)):
        a[t] = x[t] if count[t] > zero else zero
    for t in range(len(x)):
        b[t] = y[t] if count[t] > zero else zero


@compiled
def _merge(newer: Floats, older: Floats, back: int, out: Floats) -> None:
    """Write the summaries of stretches together with those that end `back` sessions before."""
    # Near the first session there is no older part.
    begin = min(back, out.shape[1])
    out[:, :begin] = newer[:, :begin]
    left, zero = out.shape[1] - begin, out.dtype.type(0)
    na, nb = older[0, :left], newer[0, begin:]
    add(na, nb, out[0, begin:])
    for k in range(1, 3):
        merge_squares(
            na, nb, older[k, :left], newer[k, begin:], zero,
            older[k + 2, :left], newer[k + 2, begin:], out[k, begin:], out[k + 2, begin:],
        )  # fmt: skip
    merge_products(
        na, nb, older[1, :left], newer[1, begin:], older[2, :left], newer[2, begin:], zero,
        older[5, :left], newer[5, begin:], out[5, begin:],
    )  # fmt: skip


@compiled
def _emit(statistic: int, summary: Floats, first: int, out: Floats) -> None:
    zero, one, nan = out.dtype.type(0), out.dtype.type(1), out.dtype.type(np.nan)
    near_zero, beyond = out.dtype.type(STD_NEAR_ZERO * STD_NEAR_ZERO), out.dtype.type(np.inf)
    count = summary[0, first:]
    xx, yy, xy = summary[3, first:], summary[4, first:], summary[5, first:]
    if statistic == CORRELATION:
        for j in range(len(out)):
            floor = near_zero * (count[j] - one)
            sound = (xx[j] > floor) & (yy[j] > floor) & (xx[j] < beyond) & (yy[j] < beyond)
            # One root of the product would be zero or infinite long before either is.
            value = xy[j] / (np.sqrt(xx[j]) * np.sqrt(yy[j]))
            out[j] = value if sound else nan
    elif statistic == BETA:
        for j in range(len(out)):
            value = xy[j] / yy[j]
            out[j] = value if (yy[j] > zero) & (yy[j] < beyond) & (abs(value) < beyond) else nan
    else:
        for j in range(len(out)):
            value = xy[j] / (count[j] - one)
            out[j] = value if (count[j] > one) & (abs(value) < beyond) else nan
