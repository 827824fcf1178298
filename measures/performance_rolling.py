"""Measures over a rolling window of one series, each in time proportional to the series.

Element t of an answer covers the `window` returns that end at t; the first `window - 1` are NaN.
A window whose ratio has a zero denominator is NaN as well. Input policy as
`measures.performance`.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.kernels.compiled import compiled, fused, summing
from measures.performance import PERIODS_PER_YEAR, checked_returns, ratio

ANCHOR = 512  # Rows after which the running sums are summed afresh, so that no error builds up.
LEAST_ANCHORS = 100  # Of a thread; fewer are done before another thread has begun.


def rolling_mean_return(
    returns: npt.ArrayLike, *, window: int, periods_per_year: float = PERIODS_PER_YEAR
) -> FloatArray:
    """Return the annualised arithmetic mean of each window, (n_periods,)."""
    mean, _ = _rolling_moments(returns, window)
    return mean * periods_per_year


def rolling_volatility(
    returns: npt.ArrayLike, *, window: int, periods_per_year: float = PERIODS_PER_YEAR
) -> FloatArray:
    """Return the annualised standard deviation (ddof 1) of each window, (n_periods,)."""
    _, variance = _rolling_moments(returns, window)
    deviation: FloatArray = np.sqrt(variance * periods_per_year)
    return deviation


def rolling_sharpe_ratio(
    returns: npt.ArrayLike,
    *,
    window: int,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
    threads: int = 2,
) -> FloatArray:
    """Return the Sharpe ratio of each window, (n_periods,); `risk_free` is per period.

    A long series is shared out over `threads`; the answer does not depend on how many.
    """
    values = _one_series(returns, window, checked=False)
    first = min(window - 1, len(values))
    checked_returns(values[:first])
    out = np.empty(len(values))
    out[:first] = np.nan
    root = np.sqrt(periods_per_year)
    # Whole anchors, so that each sum is the same however they are shared out.
    size = ANCHOR * max(math.ceil((len(values) - first) / (ANCHOR * threads)), LEAST_ANCHORS)
    starts = range(first, len(values), size)

    def fill(start: int) -> int:
        span = (start, min(start + size, len(values)))
        return int(_sharpe(values, window, risk_free, root, span, out))

    if sum(_on_threads(fill, starts)):
        checked_returns(values)  # Says what is wrong.
    _overwrite_constant(values, window, np.nan, out)
    return out


def rolling_sortino_ratio(
    returns: npt.ArrayLike,
    *,
    window: int,
    target: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> FloatArray:
    """Return the Sortino ratio of each window, (n_periods,); `target` is per period."""
    values = _one_series(returns, window)
    excess = values - target
    short = np.minimum(excess, 0.0)
    mean, squares = np.empty_like(values), np.empty_like(values)
    _window_means(excess, window, mean)
    _window_means(short * short, window, squares)
    answer: FloatArray = ratio(mean, np.sqrt(squares)) * np.sqrt(periods_per_year)
    return answer


def rolling_beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, window: int) -> FloatArray:
    """Return cov(r, b) / var(b) of each window, (n_periods,)."""
    own, other = _one_series(returns, window), _one_series(benchmark, window)
    if own.shape != other.shape:
        raise InvalidInputError(f"benchmark {other.shape} does not fit returns {own.shape}")
    out = np.empty(len(own))
    _beta(own, other, window, out)
    return out


def rolling_max_drawdown(returns: npt.ArrayLike, *, window: int) -> FloatArray:
    """Return the maximum drawdown within each window, its start counting as a peak, (n_periods,).

    A window is kept as two stacks of segments, each a product with its highest peak, lowest
    level and worst fall (a monoid), so that each return is handled a bounded number of times.
    """
    values = _one_series(returns, window)
    out = np.empty(len(values))
    _max_drawdown(values, window, out)
    return out


def _one_series(returns: npt.ArrayLike, window: int, *, checked: bool = True) -> FloatArray:
    """Return the series; not `checked`, its values are still to be looked at."""
    values = checked_returns(returns) if checked else np.asarray(returns, dtype=np.float64)
    if values.ndim != 1:
        raise InvalidInputError(f"a rolling measure is of one series, got shape {values.shape}")
    if window < 2:
        raise InvalidInputError(f"window must be at least 2, got {window}")
    return np.ascontiguousarray(values)


def _on_threads(fill: Callable[[int], int], starts: Sequence[int]) -> list[int]:
    """Return what `fill` answers of each start, the first done here and each other by a thread."""
    if len(starts) < 2:
        return [fill(start) for start in starts]
    with ThreadPoolExecutor(len(starts) - 1) as pool:
        others = [pool.submit(fill, start) for start in starts[1:]]
        return [fill(starts[0]), *(other.result() for other in others)]


def _rolling_moments(returns: npt.ArrayLike, window: int) -> tuple[FloatArray, FloatArray]:
    values = _one_series(returns, window)
    mean, variance = np.empty(len(values)), np.empty(len(values))
    _moments(values, window, mean, variance)
    return mean, variance


@compiled
def _window_sums(x: FloatArray, window: int, start: int, stop: int, out: FloatArray) -> float:
    """Write shifted sums and sums of squares of the windows that end in [start, stop).

    Returns the shift: the mean of the first window, which keeps squares from cancelling. What
    each step adds is found first, for many steps at once; then the steps are run up.
    """
    first = x[start - window + 1 : start + 1]
    total, _ = _sums(first, 0.0)
    shift = total / window
    total, squares = _sums(first, shift)
    out[0, 0] = total
    out[1, 0] = squares
    totals, squared = out[0, 1 : stop - start], out[1, 1 : stop - start]
    _steps(x[start + 1 : stop], x[start + 1 - window : stop - window], shift, totals, squared)
    for j in range(len(totals)):
        total += totals[j]
        squares += squared[j]
        totals[j] = total
        squared[j] = squares
    return shift


@fused
def _steps(
    new: FloatArray, old: FloatArray, shift: float, totals: FloatArray, squares: FloatArray
) -> None:
    """Write by how much sum and sum of squares change where `new` enters and `old` leaves."""
    for j in range(len(new)):
        a, b = new[j] - shift, old[j] - shift
        totals[j] = a - b
        squares[j] = (a - b) * (a + b)


@summing
def _sums(x: FloatArray, shift: float) -> tuple[float, float]:
    """Return the sums of x - shift and of its squares."""
    total = squares = 0.0
    for i in range(len(x)):
        a = x[i] - shift
        total += a
        squares += a * a
    return total, squares


@compiled
def _longest_run(x: FloatArray, t: int, run: int) -> int:
    """Return how many equal values in a row end at t, given the run that ended before."""
    return run + 1 if t > 0 and x[t] == x[t - 1] else 1


@compiled
def _moments(x: FloatArray, window: int, mean: FloatArray, variance: FloatArray) -> None:
    n = len(x)
    first = min(window - 1, n)
    mean[:first] = np.nan
    variance[:first] = np.nan
    sums = np.empty((2, ANCHOR))
    for start in range(first, n, ANCHOR):
        stop = min(start + ANCHOR, n)
        shift = _window_sums(x, window, start, stop, sums)
        for j in range(stop - start):
            m = sums[0, j] / window
            mean[start + j] = m + shift
            variance[start + j] = max(sums[1, j] - sums[0, j] * m, 0.0) / (window - 1)
    _overwrite_constant(x, window, 0.0, variance)


@compiled
def _overwrite_constant(x: FloatArray, window: int, value: float, out: FloatArray) -> None:
    """Write `value` where the window is one value repeated, whatever rounding left there.

    The window - 1 pairs of neighbours in such a window are equal, and one of every window - 1
    pairs in a row is looked at.
    """
    n, seen = len(x), 0
    for at in range(window - 1, n, window - 1):
        if at < seen or x[at] != x[at - 1]:
            continue
        low, high = at - 1, at
        while low > 0 and x[low - 1] == x[at]:
            low -= 1
        while high + 1 < n and x[high + 1] == x[at]:
            high += 1
        out[low + window - 1 : high + 1] = value
        seen = high + 1


@compiled
def _sharpe(
    x: FloatArray, window: int, risk_free: float, root: float, span: tuple[int, int],
    out: FloatArray,
) -> int:  # fmt: skip
    """Fill the windows that end in [span[0], span[1]) and count the returns there that are none.

    What is counted is looked at while it is near: a pass of its own would read it all again.
    """
    sums, wrong = np.empty((2, ANCHOR)), 0
    scale = root * np.sqrt((window - 1) / window)
    for start in range(span[0], span[1], ANCHOR):
        stop = min(start + ANCHOR, span[1])
        wrong += _wrong(x[start:stop])
        shift = _window_sums(x, window, start, stop, sums) - risk_free
        _ratios(sums[0], sums[1], window, shift, scale, out[start:stop])
    return wrong


@compiled
def _wrong(x: FloatArray) -> int:
    """Return how many returns are not finite, or below -1."""
    count = 0
    for i in range(len(x)):
        count += not (-1.0 <= x[i] < np.inf)
    return count


@fused
def _ratios(
    totals: FloatArray, squares: FloatArray, window: int, shift: float, scale: float,
    out: FloatArray,
) -> None:  # fmt: skip
    """Write sum / n over sqrt((squares - sum² / n) / (n - 1)), arranged to divide once."""
    for j in range(len(out)):
        spread = window * squares[j] - totals[j] * totals[j]
        spread = 0.0 if spread < 0.0 else spread
        out[j] = scale * (totals[j] + window * shift) / np.sqrt(spread)


@compiled
def _window_means(x: FloatArray, window: int, out: FloatArray) -> None:
    n = len(x)
    first = min(window - 1, n)
    out[:first] = np.nan
    for start in range(first, n, ANCHOR):
        total = 0.0
        for i in range(start - window + 1, start + 1):
            total += x[i]
        out[start] = total / window
        nonzero = 0
        for i in range(start - window + 1, start + 1):
            nonzero += x[i] != 0.0
        for t in range(start + 1, min(start + ANCHOR, n)):
            total += x[t] - x[t - window]
            nonzero += (x[t] != 0.0) - (x[t - window] != 0.0)
            # A window of zeros has a mean of exactly zero, whatever the rounding before.
            total = total if nonzero else 0.0
            out[t] = total / window


@compiled
def _beta(x: FloatArray, y: FloatArray, window: int, out: FloatArray) -> None:
    n = len(x)
    first = min(window - 1, n)
    out[:first] = np.nan
    run = 0
    for t in range(min(first, n)):
        run = _longest_run(y, t, run)
    for start in range(first, n, ANCHOR):
        low = start - window + 1
        a, b = x[low : start + 1].mean(), y[low : start + 1].mean()
        sx = sy = sxy = syy = 0.0
        for t in range(low, min(start + ANCHOR, n)):
            dx, dy = x[t] - a, y[t] - b
            sx += dx
            sy += dy
            sxy += dx * dy
            syy += dy * dy
            if t > start:
                ox, oy = x[t - window] - a, y[t - window] - b
                sx -= ox
                sy -= oy
                sxy -= ox * oy
                syy -= oy * oy
            if t >= start:
                run = _longest_run(y, t, run)
                flat = run >= window
                out[t] = np.nan if flat else (sxy - sx * sy / window) / (syy - sy * sy / window)


@compiled
def _max_drawdown(x: FloatArray, window: int, out: FloatArray) -> None:
    n = len(x)
    out[: min(window - 1, n)] = np.nan
    # front[i] summarises x[i..split): growth is not needed there, only peak, low and fall.
    high, low, fall, growth = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    split = 0
    bp, bh, bl, bf = 1.0, 1.0, 1.0, 0.0  # The back: product, peak, low and fall of x[split..t].
    for t in range(n):
        bp *= 1.0 + x[t]
        bh = max(bh, bp)
        bl = min(bl, bp)
        bf = max(bf, 1.0 - bp / bh) if bh > 0.0 else bf
        start = t - window + 1
        if start < 0:
            continue
        if start >= split:
            fp, fh, fl, ff = 1.0, 1.0, 1.0, 0.0
            for i in range(t, start - 1, -1):
                # One return in front: a step of p, then everything after it scaled by p.
                p = 1.0 + x[i]
                ff = max(ff, 1.0 - p * min(fl, 1.0))
                fh = max(1.0, p * fh)
                fl = min(1.0, p * fl)
                fp *= p
                high[i], low[i], fall[i], growth[i] = fh, fl, ff, fp
            split = t + 1
            bp, bh, bl, bf = 1.0, 1.0, 1.0, 0.0
        across = 1.0 - growth[start] * bl / high[start]
        out[t] = max(fall[start], bf, across)
