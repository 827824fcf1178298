"""Every measure against a benchmark of many series, in one sweep over both.

The same numbers as the functions of `measures.performance_relative` at a risk-free rate of zero;
a test holds them together.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled
from measures.performance import PERIODS_PER_YEAR, Measure, ratio
from measures.performance_fused import reassociated, share_rows
from measures.performance_relative import paired_returns

# Sums gathered per pair: means, central sums, and growth where the benchmark rose and fell.
(
    MEAN, OTHER, OWN_2, OTHER_2, CROSS, ACTIVE_2, ABOVE,
    UPS, UP_OWN, UP_OTHER, DOWNS, DOWN_OWN, DOWN_OTHER,
) = range(13)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeMeasures:
    """A float for one pair, an ndarray of shape (n_series,) for many, in each field."""

    alpha: Measure
    beta: Measure
    correlation: Measure
    r_squared: Measure
    active_return: Measure
    tracking_error: Measure
    information_ratio: Measure
    appraisal_ratio: Measure
    treynor_ratio: Measure
    m_squared: Measure
    up_capture: Measure
    down_capture: Measure
    capture_ratio: Measure
    batting_average: Measure


RELATIVE_MEASURES = tuple(field.name for field in fields(RelativeMeasures))


def relative_measures(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
    threads: int = 2,
) -> RelativeMeasures:
    """Measure one series or many against a benchmark.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,) or (n_series, n_periods)
    benchmark : ndarray of shape (n_periods,) or of the shape of `returns`
    threads : int
        Threads that share the series.

    Raises
    ------
    InvalidInputError
        If either is malformed, or their shapes do not fit.
    MissingDataError
        If there are fewer than three periods.
    """
    own, other = paired_returns(returns, benchmark, at_least=3)
    n = own.shape[-1]
    pairs = np.stack([np.atleast_2d(own), np.atleast_2d(other)], axis=1)
    sums = np.empty((len(pairs), DOWN_OTHER + 1))
    share_rows(_gather, pairs, sums, threads=threads)
    return _measures(sums.T if own.ndim == 2 else sums[0], n, periods_per_year)


@compiled
def _gather(pairs: FloatArray, out: FloatArray) -> None:
    for i in range(len(pairs)):
        own, other = pairs[i, 0], pairs[i, 1]
        _growth(own, other, out[i])
        _central_sums(own, other, out[i])


@reassociated
def _growth(own: FloatArray, other: FloatArray, out: FloatArray) -> None:
    total = beside = above = ups = downs = 0.0
    up_own = up_other = down_own = down_other = 1.0
    for t in range(len(own)):
        x, y = own[t], other[t]
        total += x
        beside += y
        above += 1.0 if x > y else 0.0
        ups += 1.0 if y > 0.0 else 0.0
        downs += 1.0 if y < 0.0 else 0.0
        up_own *= 1.0 + x if y > 0.0 else 1.0
        up_other *= 1.0 + y if y > 0.0 else 1.0
        down_own *= 1.0 + x if y < 0.0 else 1.0
        down_other *= 1.0 + y if y < 0.0 else 1.0
    out[MEAN], out[OTHER], out[ABOVE] = total / len(own), beside / len(own), above
    out[UPS], out[UP_OWN], out[UP_OTHER] = ups, up_own, up_other
    out[DOWNS], out[DOWN_OWN], out[DOWN_OTHER] = downs, down_own, down_other


@reassociated
def _central_sums(own: FloatArray, other: FloatArray, out: FloatArray) -> None:
    mean, beside = out[MEAN], out[OTHER]
    own_2 = other_2 = cross = active_2 = 0.0
    low_x = high_x = own[0]
    low_y = high_y = other[0]
    low_d = high_d = own[0] - other[0]
    for t in range(len(own)):
        x, y = own[t], other[t]
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
        low_d, high_d = min(low_d, x - y), max(high_d, x - y)
        x, y = x - mean, y - beside
        own_2 += x * x
        other_2 += y * y
        cross += x * y
        active_2 += (x - y) * (x - y)
    # Exactly zero for what does not vary, whatever rounding left of its mean.
    flat_own, flat_other = low_x == high_x, low_y == high_y
    out[OWN_2] = 0.0 if flat_own else own_2
    out[OTHER_2] = 0.0 if flat_other else other_2
    out[CROSS] = 0.0 if flat_own or flat_other else cross
    out[ACTIVE_2] = 0.0 if low_d == high_d else active_2


def _measures(s: FloatArray, n: int, yearly: float) -> RelativeMeasures:
    mean, benchmark, active = s[MEAN], s[OTHER], s[MEAN] - s[OTHER]
    slope = ratio(s[CROSS], s[OTHER_2])
    alpha = (mean - slope * benchmark) * yearly
    correlation = ratio(s[CROSS], np.sqrt(s[OWN_2] * s[OTHER_2]))
    error = np.sqrt(s[ACTIVE_2] / (n - 1) * yearly)
    unexplained = np.maximum(s[OWN_2] - slope * s[CROSS], 0.0)
    up = _capture(s[UPS], s[UP_OWN], s[UP_OTHER])
    down = _capture(s[DOWNS], s[DOWN_OWN], s[DOWN_OTHER])
    return RelativeMeasures(
        alpha=alpha,
        beta=slope,
        correlation=correlation,
        r_squared=correlation**2,
        active_return=active * yearly,
        tracking_error=error,
        information_ratio=ratio(active * yearly, error),
        appraisal_ratio=ratio(alpha, np.sqrt(unexplained / (n - 2) * yearly)),
        treynor_ratio=ratio(mean * yearly, slope),
        m_squared=ratio(mean, np.sqrt(s[OWN_2])) * np.sqrt(s[OTHER_2]) * yearly,
        up_capture=up,
        down_capture=down,
        capture_ratio=ratio(up, down),
        batting_average=s[ABOVE] / n,
    )


def _capture(periods: Measure, own: Measure, other: Measure) -> Measure:
    power = 1.0 / np.maximum(periods, 1.0)
    return ratio(own**power - 1.0, other**power - 1.0)
