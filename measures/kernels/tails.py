"""Rolling tail, moments and volatility of P&L; the tail of a changed book.

A rolling window keeps its values sorted: a day takes one value out and puts one in, and only
the values between the two places move.
"""

from typing import NamedTuple

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import Floats, compiled


class KnownTail(NamedTuple):
    """A book whose tail is known, for what a change does to it.

    Attributes
    ----------
    pnl : ndarray of shape (n,)
        Finite, a scenario each.
    ordered, order : ndarray of shape (n_ordered,)
        The lowest values of `pnl`, ascending, and where they stand in it.
    threshold : float
        One of them, above the tail.
    size : float
        Scenarios in the tail, at least 1.
    scratch : ndarray of shape (n + 1,)
        In the precision of `pnl`.
    """

    pnl: Floats
    ordered: Floats
    order: IntArray
    threshold: float
    size: float
    scratch: Floats


@compiled
def rolling_tail(
    pnl: FloatArray, window: int, sizes: FloatArray, value: FloatArray, shortfall: FloatArray
) -> None:
    """Fill VaR and ES (`acerbi_tasche`) of every window of every series.

    Parameters
    ----------
    pnl : ndarray of shape (n_series, n_days)
        Finite.
    sizes : ndarray of shape (n_confidences,)
        Scenarios in the tail, (1 - c) window, at least 1, increasing or not.
    value, shortfall : ndarray of shape (n_confidences, n_series, n_days - window + 1)
        Column j is of the days j .. j + window - 1; positive losses.
    """
    n_series, n_days = pnl.shape
    for i in range(n_series):
        ordered = np.sort(pnl[i, :window])
        for j in range(n_days - window + 1):
            if j > 0:
                _exchange(ordered, pnl[i, j - 1], pnl[i, j + window - 1])
            for c in range(len(sizes)):
                whole = int(np.floor(sizes[c]))
                last = int(np.ceil(sizes[c]))
                total = 0.0
                for k in range(whole):
                    total += ordered[k]
                total += (sizes[c] - whole) * ordered[last - 1]
                value[c, i, j] = -ordered[last - 1]
                shortfall[c, i, j] = -total / sizes[c]


@compiled
def _exchange(ordered: FloatArray, out: float, new: float) -> None:
    """Replace one value of a sorted array by another, in place."""
    at = np.searchsorted(ordered, out)
    if new >= out:
        while at + 1 < len(ordered) and ordered[at + 1] < new:
            ordered[at] = ordered[at + 1]
            at += 1
    else:
        while at > 0 and ordered[at - 1] > new:
            ordered[at] = ordered[at - 1]
            at -= 1
    ordered[at] = new


@compiled
def rolling_moments(pnl: FloatArray, window: int, out: FloatArray) -> None:
    """Fill mean, std (ddof 1), skewness and excess kurtosis (ddof 0) of every window.

    Parameters
    ----------
    out : ndarray of shape (4, n_series, n_days - window + 1)
        A constant window has std, skewness and excess kurtosis 0.
    """
    n_series, n_days = pnl.shape
    for i in range(n_series):
        # Sums of powers run over values centred and scaled by the whole series, and start
        # afresh every `window` days, so that neither cancellation nor drift builds up.
        centre = pnl[i].mean()
        scale = pnl[i].std()
        if scale == 0.0:
            scale = 1.0
        s1 = s2 = s3 = s4 = 0.0
        for j in range(n_days - window + 1):
            if j % window == 0:
                s1 = s2 = s3 = s4 = 0.0
                for t in range(j, j + window):
                    z = (pnl[i, t] - centre) / scale
                    s1 += z
                    s2 += z * z
                    s3 += z * z * z
                    s4 += z * z * z * z
            else:
                z = (pnl[i, j - 1] - centre) / scale
                y = (pnl[i, j + window - 1] - centre) / scale
                s1 += y - z
                s2 += y * y - z * z
                s3 += y * y * y - z * z * z
                s4 += y * y * y * y - z * z * z * z
            m = s1 / window
            second = s2 / window - m * m
            # Below this the window is constant and what remains is rounding.
            if second < 1e-13:
                out[0, i, j] = centre + scale * m
                out[1, i, j] = out[2, i, j] = out[3, i, j] = 0.0
                continue
            third = s3 / window - 3.0 * m * s2 / window + 2.0 * m**3
            fourth = s4 / window - 4.0 * m * s3 / window + 6.0 * m * m * s2 / window - 3.0 * m**4
            out[0, i, j] = centre + scale * m
            out[1, i, j] = scale * np.sqrt(second * window / (window - 1.0))
            out[2, i, j] = third / second**1.5
            out[3, i, j] = fourth / second**2 - 3.0


@compiled
def ewma_rows(pnl: FloatArray, decay: float, warm: int, out: FloatArray) -> None:
    """Fill the EWMA variance forecast before each day, and after the last.

    Parameters
    ----------
    warm : int
        The recursion starts at the mean square of the first `warm` days.
    out : ndarray of shape (n_series, n_days + 1)
    """
    n_series, n_days = pnl.shape
    for i in range(n_series):
        variance = 0.0
        for t in range(warm):
            variance += pnl[i, t] * pnl[i, t]
        variance /= warm
        for t in range(n_days):
            out[i, t] = variance
            variance = decay * variance + (1.0 - decay) * pnl[i, t] * pnl[i, t]
        out[i, n_days] = variance


@compiled
def collect_changed(pnl: Floats, row: Floats, scale: float, threshold: float, out: Floats) -> int:
    """Copy the values of `pnl + scale row` at or below `threshold`; return how many.

    One pass over two arrays that writes nothing but the tail. Without a branch: the value is
    always written and the place moves on only when it counts, hence one place more in `out`
    (n + 1) than values.
    """
    count = 0
    # In the arrays' own precision: a float64 sum would take twice the vector registers.
    factor = row.dtype.type(scale)
    limit = pnl.dtype.type(threshold)
    for k in range(len(pnl)):
        changed = pnl[k] + factor * row[k]
        out[count] = changed
        count += changed <= limit
    return count


@compiled
def changed_tail(
    book: KnownTail, row: Floats, scale: float, reach: float
) -> tuple[int, float, float]:
    """Return VaR and ES (`acerbi_tasche`) of the book's `pnl + scale row`, all in one call.

    One call, because on a machine whose caches hold other things each call of the interpreter
    or of a library costs more than the arithmetic. Read are the scenarios that the change can
    bring under the threshold, the first of `ordered`, or all of them where those are not enough.

    Parameters
    ----------
    row : ndarray of shape (n,)
        In the precision of the book's P&L.
    reach : float
        Largest size in `row`.

    Returns
    -------
    count, value_at_risk, expected_shortfall
        Values at or below the threshold; with fewer than the tail holds the rest is 0.
    """
    # A little more than the row's reach, so that no rounding leaves a scenario out.
    ceiling = book.threshold + abs(scale) * reach * (1.0 + 1e-5)
    if ceiling < book.ordered[-1]:
        near = np.searchsorted(book.ordered, ceiling, side="right")
        count = _collect_near(
            book.ordered[:near], book.order, row, scale, book.threshold, book.scratch
        )
    else:
        count = collect_changed(book.pnl, row, scale, book.threshold, book.scratch)
    whole = int(np.floor(book.size))
    last = int(np.ceil(book.size))
    if count < last:
        return count, 0.0, 0.0
    value = _lowest_first(book.scratch, count, last - 1)
    total = 0.0
    for k in range(whole):
        total += book.scratch[k]
    total += (book.size - whole) * value
    return count, -value, -total / book.size


@compiled
def _lowest_first(values: Floats, n: int, k: int) -> float:
    """Move the k lowest of the first n values to the front; return the next one (Hoare 1961)."""
    left, right = 0, n - 1
    while left < right:
        pivot = values[(left + right) // 2]
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return float(values[k])


@compiled
def _collect_near(
    ordered: Floats,
    order: IntArray,
    row: Floats,
    scale: float,
    threshold: float,
    out: Floats,
) -> int:
    """As `collect_changed` for the scenarios whose P&L is `ordered`, which stand at `order`."""
    count = 0
    factor = row.dtype.type(scale)
    limit = ordered.dtype.type(threshold)
    for k in range(len(ordered)):
        changed = ordered[k] + factor * row[order[k]]
        out[count] = changed
        count += changed <= limit
    return count
