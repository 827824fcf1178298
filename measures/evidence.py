"""Tells whether one forecast is better than another, or only lucky.

A loss is smaller when the forecast is better; differences are first minus second, so that a
negative statistic favours the first.
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two forecasts on the same rows.

    Attributes
    ----------
    mean_difference : float
        Mean of the first loss minus the second; negative when the first is better.
    statistic : float
        The mean difference over its standard error, corrected for small samples.
    p_value : float
        Probability of a statistic this low if the first were no better (one-sided).
    p_value_two_sided : float
        Probability of a statistic this far from zero if both were equally good.
    observations : int
        Number of loss pairs.
    """

    mean_difference: float
    statistic: float
    p_value: float
    p_value_two_sided: float
    observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTest:
    """The mean of a series, and how sure it is.

    Attributes
    ----------
    standard_error : float
        Newey-West standard error of the mean.
    """

    mean: float
    standard_error: float
    observations: int

    @property
    def statistic(self) -> float:
        """Mean over standard error; 0 where the series is constant at zero."""
        return self.mean / self.standard_error if self.standard_error > 0 else 0.0


def diebold_mariano(first: FloatArray, second: FloatArray, *, horizon: int = 1) -> Comparison:
    """Test whether the first forecast loses less than the second.

    Diebold and Mariano (1995) with the small-sample correction of Harvey, Leybourne and
    Newbold (1997): S* = S sqrt((n + 1 - 2h + h(h-1)/n) / n), compared with Student's t on
    n - 1 degrees of freedom. The long-run variance sums the autocovariances up to lag h - 1
    with equal weights; where that sum is not positive, Bartlett weights replace it.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Losses of the two forecasts, in time order.
    horizon : int
        How many steps ahead the forecasts look; overlapping errors reach h - 1 lags.

    Raises
    ------
    InvalidInputError
        If the losses are not finite vectors of one length, or the horizon is below 1.
    MissingDataError
        If there are fewer than max(8, 2 horizon) pairs.
    """
    from scipy.special import stdtr

    if first.shape != second.shape or first.ndim != 1:
        raise InvalidInputError(f"losses must pair up, got shapes {first.shape}, {second.shape}")
    difference = first - second
    n = len(difference)
    _require(difference, at_least=max(8, 2 * horizon), horizon=horizon)
    mean = float(difference.mean())
    variance = long_run_variance(difference, lags=horizon - 1)
    if variance <= 0.0:
        # Equal losses everywhere: nothing tells the two apart.
        tied = mean == 0.0
        p = 0.5 if tied else float(mean > 0)
        return Comparison(
            mean_difference=mean,
            statistic=0.0 if tied else math.copysign(math.inf, mean),
            p_value=p, p_value_two_sided=1.0 if tied else 0.0, observations=n,
        )  # fmt: skip
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = mean / math.sqrt(variance / n) * math.sqrt(correction)
    return Comparison(
        mean_difference=mean,
        statistic=statistic,
        p_value=float(stdtr(n - 1, statistic)),
        p_value_two_sided=float(2 * stdtr(n - 1, -abs(statistic))),
        observations=n,
    )


def newey_west_mean(series: FloatArray, *, lags: int) -> MeanTest:
    """Return the mean of `series` with its Newey-West standard error (1987).

    Raises
    ------
    InvalidInputError
        If `series` is not a finite vector or `lags` is negative.
    MissingDataError
        If there are fewer than max(8, lags + 2) values.
    """
    _require(series, at_least=max(8, lags + 2), horizon=lags + 1)
    variance = _bartlett(_autocovariances(series, lags))
    return MeanTest(
        mean=float(series.mean()),
        standard_error=math.sqrt(max(variance, 0.0) / len(series)),
        observations=len(series),
    )


def long_run_variance(series: FloatArray, *, lags: int) -> float:
    """Return gamma_0 + 2 sum of gamma_k up to `lags`; Bartlett weights where that is not positive.

    Autocovariances divide by n (ddof 0), as Diebold and Mariano have them.
    """
    gammas = _autocovariances(series, lags)
    flat = float(gammas[0] + 2.0 * gammas[1:].sum())
    # Unequal weights keep the sum positive where the flat kernel fails to.
    return flat if flat > 0.0 else _bartlett(gammas)


def _autocovariances(series: FloatArray, lags: int) -> FloatArray:
    centred = series - series.mean()
    n = len(series)
    return np.array([centred[k:] @ centred[: n - k] / n for k in range(min(lags, n - 1) + 1)])


def _bartlett(gammas: FloatArray) -> float:
    weights = 1.0 - np.arange(1, len(gammas)) / len(gammas)
    return float(gammas[0] + 2.0 * (weights * gammas[1:]).sum())


def _require(series: FloatArray, *, at_least: int, horizon: int) -> None:
    if horizon < 1:
        raise InvalidInputError(f"horizon must be at least 1, got {horizon}")
    if series.ndim != 1 or not np.isfinite(series).all():
        raise InvalidInputError(
            f"expected a finite vector, got shape {series.shape} with "
            f"{np.count_nonzero(~np.isfinite(series))} values that are not finite"
        )
    if len(series) < at_least:
        raise MissingDataError(f"{len(series)} observations are too few: need {at_least}")
