"""Performance of return series: what was earned, at what risk, and the ratio of the two.

Every function takes simple returns per period as fractions, of shape (n_periods,) or
(n_series, n_periods), time on the last axis, and answers a float or one value per series.

One policy for bad input, stated here once: returns must be finite and not below -1 (a loss of
more than everything cannot be compounded), else `InvalidInputError`; too few periods for the
formula raise `MissingDataError`. A ratio whose denominator is exactly zero is undefined and NaN,
so that one flat series does not hide the others; `services.pnl_performance` puts the reason
beside it. Volatility of a constant series is exactly zero. Statistics use `ddof=1` unless said
otherwise, and `periods_per_year` annualises: means by the factor, deviations by its root.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError

PERIODS_PER_YEAR = 252.0

# A float for one series, an array of shape (n_series,) for many; numpy's stubs say Any of both.
Measure: TypeAlias = Any


def checked_returns(returns: npt.ArrayLike, *, at_least: int = 1) -> FloatArray:
    """Return `returns` as a float64 array with time on the last axis.

    Raises
    ------
    InvalidInputError
        If the array is neither 1-D nor 2-D, holds a value that is not finite, or one below -1.
    MissingDataError
        If there are fewer than `at_least` periods.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim not in {1, 2}:
        raise InvalidInputError(
            f"returns must have shape (n_periods,) or (n_series, n_periods), got {values.shape}"
        )
    if values.shape[-1] < at_least:
        raise MissingDataError(
            f"{values.shape[-1]} returns are too few, {at_least} are needed: widen the range"
        )
    # One pass: a NaN makes the minimum NaN, an infinity shows at either end.
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InvalidInputError("returns must be finite: drop or fill missing periods first")
    if low < -1.0:
        raise InvalidInputError(
            f"a return of {low} loses more than everything: give P&L over capital, not over P&L"
        )
    return values


def ratio(numerator: Measure, denominator: Measure) -> Measure:
    """Return numerator / denominator, NaN where the denominator is zero."""
    bottom = np.asarray(denominator, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom == 0.0, np.nan, np.asarray(numerator) / bottom)[()]


def total_return(returns: npt.ArrayLike) -> Measure:
    """Return the compounded return over the whole span; -1 after a return of -1."""
    return np.prod(1.0 + checked_returns(returns), axis=-1) - 1.0


def cagr(returns: npt.ArrayLike, *, periods_per_year: float = PERIODS_PER_YEAR) -> Measure:
    """Return the compound annual growth rate; -1 where everything was lost.

    Growth of the span raised to `periods_per_year / n_periods`, minus 1.
    """
    values = checked_returns(returns)
    growth = np.prod(1.0 + values, axis=-1)
    return growth ** (periods_per_year / values.shape[-1]) - 1.0


def mean_return(returns: npt.ArrayLike, *, periods_per_year: float = PERIODS_PER_YEAR) -> Measure:
    """Return the arithmetic mean return a year, not compounded."""
    return checked_returns(returns).mean(axis=-1) * periods_per_year


def geometric_mean(returns: npt.ArrayLike) -> Measure:
    """Return the compounded mean return per period."""
    return cagr(returns, periods_per_year=1.0)


def best_return(returns: npt.ArrayLike) -> Measure:
    """Return the largest return of a period."""
    return checked_returns(returns).max(axis=-1)


def worst_return(returns: npt.ArrayLike) -> Measure:
    """Return the smallest return of a period."""
    return checked_returns(returns).min(axis=-1)


def volatility(
    returns: npt.ArrayLike, *, periods_per_year: float = PERIODS_PER_YEAR, ddof: int = 1
) -> Measure:
    """Return the annualised standard deviation; exactly zero for a constant series."""
    values = checked_returns(returns, at_least=ddof + 1)
    deviation = np.where(constant(values), 0.0, values.std(axis=-1, ddof=ddof))
    return (deviation * np.sqrt(periods_per_year))[()]


def downside_deviation(
    returns: npt.ArrayLike,
    *,
    target: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the annualised root mean square of shortfalls below `target` a period.

    All periods count in the mean, those above the target as zero (Sortino and Price 1994);
    some libraries divide by the number of shortfalls alone, which makes rare losses look large.
    """
    short = np.minimum(checked_returns(returns) - target, 0.0)
    return np.sqrt(np.mean(short * short, axis=-1) * periods_per_year)


def upside_deviation(
    returns: npt.ArrayLike,
    *,
    target: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the annualised root mean square of excesses above `target`, over all periods."""
    over = np.maximum(checked_returns(returns) - target, 0.0)
    return np.sqrt(np.mean(over * over, axis=-1) * periods_per_year)


def skewness(returns: npt.ArrayLike) -> Measure:
    """Return the moment skewness m3 / m2^1.5 (population, ddof 0); NaN for a constant series."""
    values = checked_returns(returns, at_least=2)
    return ratio(_central(values, 3), _central(values, 2) ** 1.5)


def kurtosis(returns: npt.ArrayLike) -> Measure:
    """Return the raw moment kurtosis m4 / m2^2 (population; 3 for a normal); NaN if constant."""
    values = checked_returns(returns, at_least=2)
    return ratio(_central(values, 4), _central(values, 2) ** 2)


def sharpe_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return mean excess return over its standard deviation, annualised (Sharpe 1994).

    Parameters
    ----------
    risk_free : float or ndarray of shape (n_periods,)
        Risk-free return per period, not per year.
    """
    excess = checked_returns(returns, at_least=2) - np.asarray(risk_free, dtype=np.float64)
    deviation = np.where(constant(excess), 0.0, excess.std(axis=-1, ddof=1))
    return ratio(excess.mean(axis=-1), deviation) * np.sqrt(periods_per_year)


def adjusted_sharpe_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the Sharpe ratio penalised for skew and fat tails (Pezier and White 2006).

    SR (1 + skew SR / 6 - (kurt - 3) SR^2 / 24) with SR a period, then annualised by the root.
    """
    sharpe = sharpe_ratio(returns, risk_free=risk_free, periods_per_year=1.0)
    bend = 1.0 + skewness(returns) * sharpe / 6.0 - (kurtosis(returns) - 3.0) * sharpe**2 / 24.0
    return sharpe * bend * np.sqrt(periods_per_year)


def sortino_ratio(
    returns: npt.ArrayLike,
    *,
    target: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return annualised mean excess over `target` divided by `downside_deviation`.

    NaN where no return fell below the target.
    """
    values = checked_returns(returns)
    excess = (values.mean(axis=-1) - target) * periods_per_year
    return ratio(
        excess, downside_deviation(values, target=target, periods_per_year=periods_per_year)
    )


def omega_ratio(returns: npt.ArrayLike, *, target: float = 0.0) -> Measure:
    """Return gains above `target` over shortfalls below it (Keating and Shadwick 2002)."""
    excess = checked_returns(returns) - target
    gains = np.maximum(excess, 0.0).sum(axis=-1)
    return ratio(gains, -np.minimum(excess, 0.0).sum(axis=-1))


def kappa_ratio(
    returns: npt.ArrayLike,
    *,
    order: int = 3,
    target: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return mean excess over the `order`-th root of the lower partial moment, annualised.

    Kaplan and Knowles (2004). Order 1 is the Omega ratio minus 1 before annualising, order 2
    the Sortino ratio. Annualised by `periods_per_year` ** (1 - 1 / order).
    """
    if order < 1:
        raise InvalidInputError(f"order must be at least 1, got {order}")
    excess = checked_returns(returns) - target
    partial = np.mean(np.maximum(-excess, 0.0) ** order, axis=-1) ** (1.0 / order)
    return ratio(excess.mean(axis=-1), partial) * periods_per_year ** (1.0 - 1.0 / order)


def upside_potential_ratio(returns: npt.ArrayLike, *, target: float = 0.0) -> Measure:
    """Return mean excess above `target` over downside deviation (Sortino et al. 1999), a period."""
    values = checked_returns(returns)
    over = np.maximum(values - target, 0.0).mean(axis=-1)
    return ratio(over, downside_deviation(values, target=target, periods_per_year=1.0))


def stability(returns: npt.ArrayLike) -> Measure:
    """Return R squared of a straight line through cumulative log returns.

    NaN where the line is flat or a return of -1 ended the series.
    """
    values = checked_returns(returns, at_least=2)
    with np.errstate(divide="ignore"):
        path = np.cumsum(np.log1p(values), axis=-1)
    alive = np.isfinite(path).all(axis=-1, keepdims=True)
    path = np.where(alive, path, 0.0)
    time = np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2.0
    centred = path - path.mean(axis=-1, keepdims=True)
    explained = (centred @ time) ** 2
    return ratio(explained, (time @ time) * (centred * centred).sum(axis=-1))


def constant(values: FloatArray) -> BoolArray:
    """Tell for each series whether all of its values are the same."""
    same: BoolArray = values.max(axis=-1) == values.min(axis=-1)
    return same


def _central(values: FloatArray, order: int) -> FloatArray:
    """Return the central moment of `order`; exactly zero for a constant series."""
    centred = values - values.mean(axis=-1, keepdims=True)
    moment: FloatArray = np.where(constant(values), 0.0, np.mean(centred**order, axis=-1))
    return moment
