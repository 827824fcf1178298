"""Tests of `measures.performance` and its wins and relative measures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from basics.errors import InvalidInputError, MissingDataError
from measures import performance as pf
from measures import performance_relative as rel
from measures import performance_wins as wins

FOUR = np.array([0.10, -0.05, 0.02, -0.01])
RATES = st.floats(-0.5, 0.5).map(lambda x: round(x, 6))
MATRIX = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(3, 40)), elements=RATES)
MARKET = np.array([0.02, -0.03, 0.01, 0.00])


def test_returns_by_hand() -> None:
    growth = 1.10 * 0.95 * 1.02 * 0.99

    assert pf.total_return(FOUR) == pytest.approx(growth - 1)
    assert pf.cagr(FOUR, periods_per_year=12) == pytest.approx(growth**3 - 1)
    assert pf.geometric_mean(FOUR) == pytest.approx(growth**0.25 - 1)
    assert pf.mean_return(FOUR, periods_per_year=10) == pytest.approx(0.15)
    assert (pf.best_return(FOUR), pf.worst_return(FOUR)) == (0.10, -0.05)


def test_deviations_by_hand() -> None:
    # Mean 0.015; squared deviations 0.007225, 0.004225, 0.000025, 0.000625.
    assert pf.volatility(FOUR, periods_per_year=1) == pytest.approx((0.0121 / 3) ** 0.5)
    assert pf.downside_deviation(FOUR, periods_per_year=1) == pytest.approx((0.0026 / 4) ** 0.5)
    assert pf.upside_deviation(FOUR, periods_per_year=1) == pytest.approx((0.0104 / 4) ** 0.5)


def test_ratios_by_hand() -> None:
    assert pf.sharpe_ratio(FOUR, periods_per_year=1) == pytest.approx(0.015 / (0.0121 / 3) ** 0.5)
    assert pf.sortino_ratio(FOUR, periods_per_year=1) == pytest.approx(0.015 / 0.00065**0.5)
    assert pf.omega_ratio(FOUR) == pytest.approx(0.12 / 0.06)
    assert pf.kappa_ratio(FOUR, order=1, periods_per_year=1) == pytest.approx(0.015 / 0.015)
    assert pf.upside_potential_ratio(FOUR) == pytest.approx(0.03 / 0.00065**0.5)


def test_kappa_of_order_two_is_the_sortino_ratio() -> None:
    assert pf.kappa_ratio(FOUR, order=2) == pytest.approx(pf.sortino_ratio(FOUR))


def test_higher_moments_of_two_points_are_known() -> None:
    # One chance in four of 3, else -1: skew (1 - 2p) / sqrt(p q), kurtosis 1 / (p q) - 3.
    sample = np.array([0.3, -0.1, -0.1, -0.1])
    assert pf.skewness(sample) == pytest.approx(0.5 / (3 / 16) ** 0.5)
    assert pf.kurtosis(sample) == pytest.approx(16 / 3 - 3)


def test_the_adjusted_sharpe_ratio_of_a_symmetric_two_point_series() -> None:
    sample = np.array([0.03, -0.01] * 50)
    sharpe = float(pf.sharpe_ratio(sample, periods_per_year=1))

    # Skew 0 and kurtosis 1: the bend is 1 + 2 SR^2 / 24.
    assert pf.adjusted_sharpe_ratio(sample, periods_per_year=1) == pytest.approx(
        sharpe * (1 + sharpe**2 / 12)
    )


def test_steady_growth_is_perfectly_stable() -> None:
    assert pf.stability(np.full(20, 0.01)) == pytest.approx(1.0)


def test_wins_and_losses_by_hand() -> None:
    series = np.array([0.02, 0.04, -0.03, 0.0, -0.01, -0.02])

    assert wins.hit_rate(series) == pytest.approx(2 / 5)
    assert wins.average_win(series) == pytest.approx(0.03)
    assert wins.average_loss(series) == pytest.approx(0.02)
    assert wins.payoff_ratio(series) == pytest.approx(1.5)
    assert wins.profit_factor(series) == pytest.approx(1.0)
    assert wins.gain_to_pain_ratio(series) == pytest.approx(0.0)
    assert wins.expectancy(series) == pytest.approx(0.0)
    assert wins.kelly_fraction(series) == pytest.approx(0.4 - 0.6 / 1.5)
    assert wins.longest_losing_streak(series) == 2


def test_measures_against_a_benchmark_by_hand() -> None:
    # Benchmark mean 0: covariance 0.0037 / 3, variance 0.0014 / 3.
    beta = 0.0037 / 0.0014
    assert rel.beta(FOUR, MARKET) == pytest.approx(beta)
    assert rel.alpha(FOUR, MARKET, periods_per_year=4) == pytest.approx(0.06)
    assert rel.correlation(FOUR, MARKET) == pytest.approx(0.0037 / (0.0014 * 0.0121) ** 0.5)
    assert rel.treynor_ratio(FOUR, MARKET, periods_per_year=1) == pytest.approx(0.015 / beta)
    active = np.array([0.08, -0.02, 0.01, -0.01])
    assert rel.tracking_error(FOUR, MARKET, periods_per_year=1) == pytest.approx(active.std(ddof=1))
    assert rel.information_ratio(FOUR, MARKET, periods_per_year=1) == pytest.approx(
        active.mean() / active.std(ddof=1)
    )
    assert rel.batting_average(FOUR, MARKET) == 0.5


def test_capture_by_hand() -> None:
    # Up in periods 1 and 3, down in period 2.
    assert rel.up_capture(FOUR, MARKET) == pytest.approx(
        ((1.10 * 1.02) ** 0.5 - 1) / ((1.02 * 1.01) ** 0.5 - 1)
    )
    assert rel.down_capture(FOUR, MARKET) == pytest.approx(0.05 / 0.03)
    assert rel.capture_ratio(FOUR, MARKET) == pytest.approx(
        rel.up_capture(FOUR, MARKET) / rel.down_capture(FOUR, MARKET)
    )


def test_twice_the_market_plus_a_constant() -> None:
    generator = np.random.default_rng(4)
    market = 0.01 * generator.standard_normal(500)
    own = 0.001 + 2.0 * market

    assert rel.beta(own, market) == pytest.approx(2.0)
    assert rel.alpha(own, market) == pytest.approx(0.252)
    assert rel.r_squared(own, market) == pytest.approx(1.0)
    assert rel.m_squared(own, market) == pytest.approx(pf.sharpe_ratio(own) * pf.volatility(market))


def test_the_appraisal_ratio_divides_by_the_residual_with_two_degrees_lost() -> None:
    generator = np.random.default_rng(5)
    market, noise = 0.01 * generator.standard_normal((2, 400))
    own = 0.5 * market + noise
    slope, intercept = np.polyfit(market, own, 1)
    residual = own - intercept - slope * market

    assert rel.appraisal_ratio(own, market) == pytest.approx(
        intercept * 252 / np.sqrt(residual @ residual / 398 * 252)
    )


ALONE = [
    pf.total_return, pf.cagr, pf.mean_return, pf.volatility, pf.downside_deviation,
    pf.sharpe_ratio, pf.adjusted_sharpe_ratio, pf.sortino_ratio, pf.omega_ratio, pf.kappa_ratio,
    pf.skewness, pf.kurtosis, pf.stability, wins.hit_rate, wins.payoff_ratio, wins.profit_factor,
    wins.kelly_fraction, wins.longest_losing_streak, wins.expectancy, wins.gain_to_pain_ratio,
]  # fmt: skip
BESIDE = [
    rel.alpha, rel.beta, rel.correlation, rel.treynor_ratio, rel.tracking_error,
    rel.information_ratio, rel.appraisal_ratio, rel.m_squared, rel.up_capture, rel.down_capture,
    rel.batting_average,
]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(MATRIX)
def test_many_series_at_once_equal_one_at_a_time(returns: np.ndarray) -> None:
    for measure in ALONE:
        together = measure(returns)
        alone = [float(measure(series)) for series in returns]
        np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(MATRIX)
def test_many_series_against_one_benchmark_equal_one_at_a_time(returns: np.ndarray) -> None:
    benchmark = np.linspace(-0.01, 0.02, returns.shape[1])
    for measure in BESIDE:
        together = measure(returns, benchmark)
        alone = [float(measure(series, benchmark)) for series in returns]
        np.testing.assert_allclose(together, alone, rtol=1e-7, atol=1e-9)


def test_a_constant_series_has_no_volatility_and_no_sharpe_ratio() -> None:
    flat = np.full(50, 0.001)  # Its plain standard deviation is not exactly zero.

    assert pf.volatility(flat) == 0.0
    assert np.isnan(pf.sharpe_ratio(flat))
    assert np.isnan(pf.skewness(flat))


def test_losing_everything_is_minus_one_a_year() -> None:
    ruin = np.array([0.1, -1.0, 0.5])

    assert pf.total_return(ruin) == -1.0
    assert pf.cagr(ruin) == -1.0
    assert np.isnan(pf.stability(ruin))


def test_losing_more_than_everything_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="loses more than everything"):
        pf.cagr(np.array([0.1, -1.2]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_returns_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(InvalidInputError, match="must be finite"):
        pf.sharpe_ratio(np.array([0.1, bad]))


def test_an_empty_range_and_one_observation_are_named() -> None:
    with pytest.raises(MissingDataError, match="0 returns are too few"):
        pf.total_return(np.array([]))
    with pytest.raises(MissingDataError, match="1 returns are too few, 2 are needed"):
        pf.volatility(np.array([0.1]))


def test_a_benchmark_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="align both on the same sessions"):
        rel.beta(FOUR, MARKET[:3])
