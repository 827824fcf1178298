"""Performance against a benchmark.

`returns` is of shape (n_periods,) or (n_series, n_periods); `benchmark` of shape (n_periods,), the
same for every series, or of the shape of `returns`. Bad-input policy as `measures.performance`.
`risk_free` is a return per period. Regressions are ordinary least squares of excess returns on
excess benchmark returns, with an intercept.
"""

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.performance import (
    PERIODS_PER_YEAR,
    Measure,
    checked_returns,
    constant,
    ratio,
    volatility,
)


def beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return cov(r, b) / var(b); NaN where the benchmark is constant.

    A constant risk-free rate moves neither, so none is asked for.
    """
    own, other = paired_returns(returns, benchmark)
    return ratio(_covariance(own, other), _variance(other))


def alpha(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return Jensen's alpha a year: mean excess - beta x mean benchmark excess (Jensen 1968).

    Arithmetic: the mean per period times `periods_per_year`; some libraries compound it.
    """
    own, other = paired_returns(returns, benchmark)
    own_excess = own.mean(axis=-1) - risk_free
    return (own_excess - beta(own, other) * (other.mean(axis=-1) - risk_free)) * periods_per_year


def correlation(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return the Pearson correlation; NaN where either is constant."""
    own, other = paired_returns(returns, benchmark)
    return ratio(_covariance(own, other), np.sqrt(_variance(own) * _variance(other)))


def r_squared(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return the share of variance that the benchmark explains."""
    return correlation(returns, benchmark) ** 2


def treynor_ratio(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return annualised mean excess return over beta (Treynor 1965)."""
    own, other = paired_returns(returns, benchmark)
    excess = (own.mean(axis=-1) - risk_free) * periods_per_year
    return ratio(excess, beta(own, other))


def active_return(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the annualised mean of returns less benchmark."""
    own, other = paired_returns(returns, benchmark)
    return (own - other).mean(axis=-1) * periods_per_year


def tracking_error(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the annualised standard deviation (ddof 1) of returns less benchmark."""
    own, other = paired_returns(returns, benchmark)
    return _deviation(own - other) * np.sqrt(periods_per_year)


def information_ratio(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return active return over tracking error; NaN where the two never differ in size."""
    active = active_return(returns, benchmark, periods_per_year=periods_per_year)
    return ratio(active, tracking_error(returns, benchmark, periods_per_year=periods_per_year))


def appraisal_ratio(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return alpha over the annualised deviation of the regression's residual (ddof 2)."""
    own, other = paired_returns(returns, benchmark, at_least=3)
    unexplained = _variance(own) - beta(own, other) * _covariance(own, other)
    n = own.shape[-1]
    residual = np.sqrt(np.maximum(unexplained, 0.0) * (n - 1) / (n - 2) * periods_per_year)
    yearly = alpha(own, other, risk_free=risk_free, periods_per_year=periods_per_year)
    return ratio(yearly, residual)


def m_squared(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return the yearly return at the benchmark's volatility (Modigliani and Modigliani 1997).

    Risk-free + Sharpe x benchmark volatility, arithmetic.
    """
    own, other = paired_returns(returns, benchmark)
    excess = (own.mean(axis=-1) - risk_free) * periods_per_year
    sharpe = ratio(excess, volatility(own, periods_per_year=periods_per_year))
    return risk_free * periods_per_year + sharpe * volatility(
        other, periods_per_year=periods_per_year
    )


def up_capture(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return CAGR over the benchmark's, in the periods where the benchmark rose."""
    return _capture(returns, benchmark, up=True)


def down_capture(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return CAGR over the benchmark's, in the periods where the benchmark fell."""
    return _capture(returns, benchmark, up=False)


def capture_ratio(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return up capture over down capture."""
    return ratio(up_capture(returns, benchmark), down_capture(returns, benchmark))


def batting_average(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Return the share of periods in which the return was above the benchmark's."""
    own, other = paired_returns(returns, benchmark, at_least=1)
    return (own > other).mean(axis=-1)


def paired_returns(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, at_least: int = 2
) -> tuple[FloatArray, FloatArray]:
    """Return both as checked float64 arrays of one shape."""
    own = checked_returns(returns, at_least=at_least)
    other = checked_returns(benchmark, at_least=at_least)
    if other.shape not in {own.shape, own.shape[-1:]}:
        raise InvalidInputError(
            f"benchmark of shape {other.shape} does not fit returns of shape {own.shape}: "
            "align both on the same sessions"
        )
    return own, np.broadcast_to(other, own.shape)


def _covariance(left: FloatArray, right: FloatArray) -> Measure:
    moved = (left - left.mean(axis=-1, keepdims=True)) * (
        right - right.mean(axis=-1, keepdims=True)
    )
    flat = constant(left) | constant(right)
    return np.where(flat, 0.0, moved.sum(axis=-1) / (left.shape[-1] - 1))[()]


def _variance(values: FloatArray) -> Measure:
    return _covariance(values, values)


def _deviation(values: FloatArray) -> Measure:
    return np.sqrt(_variance(values))


def _capture(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, up: bool) -> Measure:
    own, other = paired_returns(returns, benchmark, at_least=1)
    chosen = other > 0.0 if up else other < 0.0
    # A return of zero in the periods left out leaves the growth unchanged, but the number of
    # periods is that of the chosen ones: one power of the whole growth gives both.
    count = np.maximum(chosen.sum(axis=-1), 1)
    own_growth = np.prod(np.where(chosen, 1.0 + own, 1.0), axis=-1) ** (1.0 / count) - 1.0
    other_growth = np.prod(np.where(chosen, 1.0 + other, 1.0), axis=-1) ** (1.0 / count) - 1.0
    return ratio(own_growth, other_growth)
