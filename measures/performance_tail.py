"""The tails of many return series: value at risk, expected shortfall, tail ratio.

The quantile rule is `linear` (numpy's default), as in `measures.tail`: value at risk interpolates
between order statistics, expected shortfall is the mean of the returns not above it. Both are
positive losses as fractions. One partial sort of a series in the cache serves all three.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.kernels.compiled import compiled
from measures.kernels.selection import select
from measures.performance import Measure, checked_returns, ratio
from measures.performance_fused import share_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TailMeasures:
    """Tails of returns; a float for one series, an ndarray of shape (n_series,) for many.

    Attributes
    ----------
    value_at_risk, expected_shortfall : float or ndarray
        Positive losses per period at `confidence`.
    tail_ratio : float or ndarray
        Gain at the upper quantile over loss at the lower one, in absolute value; NaN where the
        lower quantile is zero.
    """

    confidence: float
    value_at_risk: Measure
    expected_shortfall: Measure
    tail_ratio: Measure


def tail_measures(
    returns: npt.ArrayLike, *, confidence: float = 0.95, threads: int = 2
) -> TailMeasures:
    """Measure both tails at `confidence`.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,) or (n_series, n_periods)
    confidence : float
        In (0.5, 1): 0.95 looks at the worst and the best 5%.

    Raises
    ------
    InvalidInputError
        If `confidence` is outside (0.5, 1) or the returns are malformed.
    """
    if not 0.5 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0.5, 1), got {confidence}")
    values = checked_returns(returns)
    rows = np.ascontiguousarray(np.atleast_2d(values))
    out = np.empty((len(rows), 4))
    # A tail of 0.05 is 0.050000000000000044 before rounding, which moves the interpolation.
    out[:, 0] = round(1.0 - confidence, 12)
    share_rows(_tails, rows, out, threads=threads)
    low, mean_below, high = (out[:, i] if values.ndim == 2 else out[0, i] for i in (1, 2, 3))
    return TailMeasures(
        confidence=confidence,
        value_at_risk=-low,
        expected_shortfall=-mean_below,
        tail_ratio=ratio(np.abs(high), np.abs(low)),
    )


def value_at_risk(returns: npt.ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Return the historical value at risk per period, a positive loss; rule `linear`."""
    return tail_measures(returns, confidence=confidence).value_at_risk


def expected_shortfall(returns: npt.ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Return the mean loss of the returns not above the value at risk; rule `linear`."""
    return tail_measures(returns, confidence=confidence).expected_shortfall


def tail_ratio(returns: npt.ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Return the upper quantile over the lower one, both in absolute value."""
    return tail_measures(returns, confidence=confidence).tail_ratio


@compiled
def _tails(rows: FloatArray, out: FloatArray) -> None:
    """Read both quantiles of each row; `out[:, 0]` holds the tail's probability."""
    n = rows.shape[1]
    work = np.empty(n)
    for i in range(len(rows)):
        work[:] = rows[i]
        position = (n - 1) * out[i, 0]
        below = int(np.floor(position + 1e-9))
        part = max(position - below, 0.0)
        select(work, 0, n - 1, below)
        above = work[below]
        if below + 1 < n:
            above = work[below + 1 :].min()
        out[i, 1] = work[below] + part * (above - work[below])
        out[i, 2] = work[: below + 1].mean()
        top = n - 1 - below
        select(work, below, n - 1, top)
        under = work[top]
        if top > below:
            under = work[below:top].max()
        elif top > 0:
            under = work[:top].max()
        out[i, 3] = work[top] + part * (under - work[top])
