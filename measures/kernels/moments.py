"""Rolling sum, mean, standard deviation, and the straight line through a window."""

import numpy as np

from basics.arrays import IntArray
from measures.kernels.compiled import Floats, compiled
from measures.kernels.merging import add, merge_products, merge_squares

SUM, MEAN, STD, SLOPE, RSQUARE, RESIDUAL = range(6)
# qlib's rule: a standard deviation this small is taken for zero and the line fits nothing.
STD_NEAR_ZERO = 2e-5
# Parts of a summary, by what is asked: count and sum, then mean and squares about the mean, then
# of the line the mean of the times, their squares, and their product with the values.
SUM_PARTS, SQUARE_PARTS, LINE_PARTS = 2, 4, 7


@compiled
def rolling_moments(
    x: Floats, rungs: IntArray, places: IntArray, statistics: IntArray, first: int, out: Floats
) -> None:
    """Fill `out` with rolling moments of `x`.

    Parameters
    ----------
    x : float ndarray of shape (n_rows, n_sessions)
    rungs, places : int64 ndarray
        The windows, see `measures.kernels.ladder`.
    statistics : int64 ndarray of shape (n_statistics,)
        Among SUM, MEAN, STD (ddof 1, NaN for one value) and, of the least-squares line over the
        sessions of the values present, SLOPE per session, RSQUARE (NaN where the standard
        deviation is at most 2e-5) and RESIDUAL, the newest value less the line there (NaN where
        the newest value is missing). NaN where a sum or a square passes the largest number.
    first : int
        First session wanted.
    out : float ndarray of shape (n_statistics, n_windows, n_rows, n_sessions - first)
    """
    n_rows, n = x.shape
    hardest = statistics.max()
    parts = SUM_PARTS if hardest < STD else SQUARE_PARTS if hardest == STD else LINE_PARTS
    found = np.empty((len(rungs), parts, n), x.dtype)
    for i in range(n_rows):
        _begin(x[i], found[0])
        for r in range(1, len(rungs)):
            newer, older, back = rungs[r]
            _merge(found[newer], found[older], back, found[r])
        for w in range(len(places)):
            summary = found[places[w]]
            for k in range(len(statistics)):
                if statistics[k] < SLOPE:
                    _emit_moment(statistics[k], summary, first, out[k, w, i])
                else:
                    _emit_line(statistics[k], summary, x[i], first, out[k, w, i])


@compiled
def _begin(row: Floats, single: Floats) -> None:
    """Write the summaries of single sessions: no square, no time but now."""
    zero, one = row.dtype.type(0), row.dtype.type(1)
    single[:] = zero
    count = single[0]
    for t in range(len(row)):
        count[t] = zero if np.isnan(row[t]) else one
    for part in range(1, 3 if len(single) > SUM_PARTS else 2):
        value = single[part]
        for t in range(len(row)):
            value[t] = zero if np.isnan(row[t]) else row[t]


@compiled
def _merge(newer: Floats, older: Floats, back: int, out: Floats) -> None:
    """Write the summaries of stretches together with those that end `back` sessions before."""
    # Near the first session there is no older part.
    begin = min(back, out.shape[1])
    out[:, :begin] = newer[:, :begin]
    left = out.shape[1] - begin
    na, nb, zero = older[0, :left], newer[0, begin:], out.dtype.type(0)
    add(na, nb, out[0, begin:])
    add(older[1, :left], newer[1, begin:], out[1, begin:])
    if len(out) >= SQUARE_PARTS:
        merge_squares(
            na, nb, older[2, :left], newer[2, begin:], zero,
            older[3, :left], newer[3, begin:], out[2, begin:], out[3, begin:],
        )  # fmt: skip
    if len(out) == LINE_PARTS:
        # Times count from the newest session of each part.
        apart = out.dtype.type(back)
        merge_squares(
            na, nb, older[4, :left], newer[4, begin:], apart,
            older[5, :left], newer[5, begin:], out[4, begin:], out[5, begin:],
        )  # fmt: skip
        merge_products(
            na, nb, older[2, :left], newer[2, begin:], older[4, :left], newer[4, begin:], apart,
            older[6, :left], newer[6, begin:], out[6, begin:],
        )  # fmt: skip


@compiled
def _emit_moment(statistic: int, summary: Floats, first: int, out: Floats) -> None:
    one, nan = out.dtype.type(1), out.dtype.type(np.nan)
    zero, beyond = out.dtype.type(0), out.dtype.type(np.inf)
    count = summary[0, first:]
    if statistic == STD:
        square = summary[3, first:]
        for j in range(len(out)):
            sound = (count[j] > one) & (square[j] < beyond)
            out[j] = np.sqrt((square[j] if sound else nan) / (count[j] - one))
    else:
        total = summary[1, first:]
        for j in range(len(out)):
            # A quotient of the sum itself: the mean of counts is as exact as they are.
            value = total[j] / (count[j] if statistic == MEAN else one)
            out[j] = value if (count[j] > zero) & (abs(total[j]) < beyond) else nan


@compiled
def _emit_line(statistic: int, summary: Floats, row: Floats, first: int, out: Floats) -> None:
    near_zero = out.dtype.type(STD_NEAR_ZERO * STD_NEAR_ZERO)
    one, nan, beyond = out.dtype.type(1), out.dtype.type(np.nan), out.dtype.type(np.inf)
    count, mean, square = summary[0, first:], summary[2, first:], summary[3, first:]
    time, times, product = summary[4, first:], summary[5, first:], summary[6, first:]
    newest = row[first:]
    # One value alone is 0 / 0.
    if statistic == SLOPE:
        for j in range(len(out)):
            slope = product[j] / times[j]
            out[j] = slope if abs(slope) < beyond else nan
    elif statistic == RSQUARE:
        for j in range(len(out)):
            flat = square[j] <= near_zero * (count[j] - one)
            share = product[j] / times[j] * product[j] / square[j]
            out[j] = nan if flat else share
    else:
        for j in range(len(out)):
            # A missing newest value leaves what is missing.
            value = newest[j] - (mean[j] - product[j] / times[j] * time[j])
            out[j] = value if abs(value) < beyond else nan
