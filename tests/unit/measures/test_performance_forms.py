"""The fused, rolling, live, resampled and flow-aware forms of performance."""

from datetime import date
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.signal import lfilter

from basics.errors import InvalidInputError, MissingDataError
from measures import drawdown as dd
from measures import performance as pf
from measures import performance_relative as rel
from measures import performance_selection, performance_tail
from measures import performance_wins as wins
from measures.performance_all import every_measure
from measures.performance_flows import (
    internal_rate_of_return,
    modified_dietz_return,
    time_weighted_return,
    turnover,
)
from measures.performance_fused import FUSED_MEASURES, fused_performance
from measures.performance_interval import NO_INTERVAL, Resampling, bootstrap_intervals
from measures.performance_live import LivePerformance
from measures.performance_paths import path_measures
from measures.performance_relative_fused import RELATIVE_MEASURES, relative_measures
from measures.performance_rolling import (
    rolling_beta,
    rolling_max_drawdown,
    rolling_mean_return,
    rolling_sharpe_ratio,
    rolling_sortino_ratio,
    rolling_volatility,
)
from measures.performance_tail import expected_shortfall, tail_measures, tail_ratio, value_at_risk
from measures.tail import QuantileRule, tail_risks

RATES = st.floats(-0.5, 0.5).map(lambda x: round(x, 4))
SERIES = arrays(np.float64, st.integers(3, 60), elements=RATES)
MATRIX = arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(3, 40)), elements=RATES)
NORMAL = np.random.default_rng(7).normal(0.0005, 0.01, 1500)


ALONE = (pf, dd, wins, performance_tail, performance_selection)


@settings(max_examples=40, deadline=None)
@given(MATRIX, st.randoms(use_true_random=False))
def test_fused_measures_equal_the_single_ones(returns: np.ndarray, random: Random) -> None:
    market = np.array([round(random.uniform(-0.5, 0.5), 4) for _ in returns[0]])
    fused = every_measure(returns, market)

    for name, found in fused.items():
        single = next((getattr(m, name) for m in ALONE if hasattr(m, name)), None)
        expected = single(returns) if single else getattr(rel, name)(returns, market)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9, err_msg=name)


def test_a_benchmark_that_is_the_portfolio_or_flat_leaves_what_is_undefined_empty() -> None:
    flat, own = np.full((1, 9), 0.001), NORMAL[None, :9]
    for returns, market in ((own, own), (own, flat), (flat, own), (flat, flat)):
        found = relative_measures(returns, market)
        for name in RELATIVE_MEASURES:
            np.testing.assert_allclose(
                getattr(found, name), getattr(rel, name)(returns, market), atol=1e-9, err_msg=name
            )


def test_the_path_of_one_series_is_measured_without_a_list_of_them() -> None:
    ruined = np.array([0.1, -0.2, 0.05, -1.0, 0.3])

    found = path_measures(ruined)

    assert found.longest_losing_streak == 1
    assert np.isnan(found.stability)
    assert found.burke_ratio == pytest.approx(-1.0)  # All is lost: one spell of depth 1.


def test_one_thread_and_three_give_the_same_bytes() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.01, (11, 300))

    one, three = fused_performance(returns, threads=1), fused_performance(returns, threads=3)

    for name in FUSED_MEASURES:
        # A series may be swept alone or with three others; its sums are the same either way.
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name), err_msg=name)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_series_among_many_is_named(bad: float) -> None:
    returns = np.zeros((6, 10))
    returns[4, 3] = bad

    with pytest.raises(InvalidInputError, match="series 4 holds a return that is not finite"):
        fused_performance(returns)


def test_a_ruinous_series_among_many_is_named() -> None:
    returns = np.zeros((6, 10))
    returns[2, 3] = -1.5

    with pytest.raises(InvalidInputError, match=r"series 2: a return of -1\.5"):
        fused_performance(returns)


@settings(max_examples=40, deadline=None)
@given(MATRIX, st.sampled_from([0.75, 0.9, 0.95]))
def test_tail_measures_equal_numpy_quantiles(returns: np.ndarray, confidence: float) -> None:
    tails = tail_measures(returns, confidence=confidence)

    low = np.quantile(returns, round(1 - confidence, 12), axis=1)
    high = np.quantile(returns, confidence, axis=1)
    np.testing.assert_allclose(tails.value_at_risk, -low, atol=1e-12)
    known = low != 0
    np.testing.assert_allclose(
        tails.tail_ratio[known], np.abs(high[known]) / np.abs(low[known]), rtol=1e-9
    )


def test_tail_measures_follow_the_linear_rule_of_the_house() -> None:
    returns = NORMAL.reshape(5, 300)

    at_risk, shortfall = tail_risks(returns, confidences=[0.95], rule=QuantileRule.LINEAR)

    np.testing.assert_allclose(value_at_risk(returns), at_risk[0], rtol=1e-12)
    np.testing.assert_allclose(expected_shortfall(returns), shortfall[0], rtol=1e-12)
    assert tail_ratio(NORMAL) == pytest.approx(1.0, abs=0.25)


ROLLED = [
    (rolling_sharpe_ratio, pf.sharpe_ratio),
    (rolling_volatility, pf.volatility),
    (rolling_mean_return, pf.mean_return),
    (rolling_sortino_ratio, pf.sortino_ratio),
    (rolling_max_drawdown, dd.max_drawdown),
]


@settings(max_examples=40, deadline=None)
@given(SERIES, st.integers(2, 10))
def test_a_rolling_measure_is_the_measure_of_each_window(series: np.ndarray, window: int) -> None:
    for rolling, measure in ROLLED:
        found = rolling(series, window=window)
        each = [measure(series[t - window : t]) for t in range(window, len(series) + 1)]
        assert np.isnan(found[: window - 1]).all()
        np.testing.assert_allclose(
            found[window - 1 :], each, rtol=1e-6, atol=1e-9, err_msg=rolling.__name__
        )


def test_rolling_forms_hold_over_many_anchors() -> None:
    series = NORMAL
    for rolling, measure in ROLLED:
        found = rolling(series, window=63)
        each = [measure(series[t - 63 : t]) for t in range(63, len(series) + 1)]
        np.testing.assert_allclose(found[62:], each, rtol=1e-10, atol=1e-12)


def test_threads_do_not_change_a_byte_of_a_long_rolling_sharpe_ratio() -> None:
    series = np.random.default_rng(4).normal(0.0, 0.01, 130_000)
    series[70_000:70_300] = 0.001  # One value repeated: no ratio.

    found = [rolling_sharpe_ratio(series, window=63, threads=n) for n in (1, 2, 3)]

    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    assert np.flatnonzero(np.isnan(found[0][62:])).tolist() == list(range(70_000, 70_238))
    assert found[0][-1] == pytest.approx(pf.sharpe_ratio(series[-63:]), rel=1e-10)


@pytest.mark.parametrize("at", [0, 61, 62, 63, 700, 90_000, 129_999])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1.5])
def test_a_rolling_sharpe_ratio_refuses_a_return_that_is_none_wherever_it_stands(
    at: int, wrong: float
) -> None:
    series = np.full(130_000, 0.001)
    series[at] = wrong

    with pytest.raises(InvalidInputError, match="finite" if wrong != -1.5 else "-1.5 loses more"):
        rolling_sharpe_ratio(series, window=63)


@pytest.mark.parametrize("window", [2, 3, 7])
def test_a_window_of_one_repeated_value_has_no_volatility_wherever_it_stands(window: int) -> None:
    series = np.repeat([0.1, 0.2, 0.1, 0.3, 0.1], [2, 7, 1, 3, 8])

    found = rolling_volatility(series, window=window)

    each = [len(set(series[t - window : t])) == 1 for t in range(window, len(series) + 1)]
    assert (found[window - 1 :] == 0.0).tolist() == each


def test_rolling_beta_is_the_beta_of_each_window() -> None:
    market = np.random.default_rng(8).normal(0.0, 0.01, len(NORMAL))
    market[700:900] = 0.0

    found = rolling_beta(NORMAL, market, window=63)

    each = [rel.beta(NORMAL[t - 63 : t], market[t - 63 : t]) for t in range(63, len(NORMAL) + 1)]
    np.testing.assert_allclose(found[62:], each, rtol=1e-9)


def test_a_quiet_stretch_after_a_storm_loses_no_digits() -> None:
    series = np.concatenate([np.tile([0.9, -0.9], 300), 1e-7 * NORMAL])

    found = rolling_volatility(series, window=63)

    assert found[-1] == pytest.approx(pf.volatility(series[-63:]), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(SERIES)
def test_live_measures_equal_the_batch(returns: np.ndarray) -> None:
    live = LivePerformance()
    for value in returns:
        live.update(float(value))

    for name in ("volatility", "sharpe_ratio", "sortino_ratio", "cagr", "calmar_ratio"):
        batch = getattr(pf, name, None) or getattr(dd, name)
        expected = float(batch(returns))
        found = getattr(live, name)
        assert (found is None) == np.isnan(expected), name
        if found is not None:
            assert found == pytest.approx(expected, rel=1e-8, abs=1e-10), name
    assert live.drawdown == pytest.approx(dd.current_drawdown(returns), abs=1e-12)
    assert live.max_drawdown == pytest.approx(dd.max_drawdown(returns), abs=1e-12)


def test_a_live_measure_refuses_a_bad_return_and_keeps_its_state() -> None:
    live = LivePerformance()
    live.update(0.01)

    with pytest.raises(InvalidInputError, match="must be finite"):
        live.update(float("nan"))
    assert (live.count, live.mean) == (1, 0.01)


def test_intervals_cover_the_truth_of_a_known_process_about_as_often_as_they_say() -> None:
    """Normal returns, alpha + beta x market + noise: the truth of each measure is known."""
    generator = np.random.default_rng(11)
    a, beta, drift, sb, se = 0.0004, 0.8, 0.0003, 0.01, 0.008
    mean, sd = a + beta * drift, np.hypot(beta * sb, se)
    active, error = a + (beta - 1) * drift, np.hypot((beta - 1) * sb, se)
    truth = {
        "mean_return": mean * 252, "volatility": sd * 252**0.5,
        "sharpe_ratio": mean / sd * 252**0.5,
        "alpha": a * 252, "beta": beta, "correlation": beta * sb / sd,
        "active_return": active * 252, "tracking_error": error * 252**0.5,
        "information_ratio": active / error * 252**0.5, "appraisal_ratio": a / se * 252**0.5,
        "treynor_ratio": mean * 252 / beta, "m_squared": mean / sd * sb * 252,
        "batting_average": stats.norm.cdf(active / error), "value_at_risk": 1.6449 * sd - mean,
    }  # fmt: skip
    many = generator.normal(drift, sb, 1_000_000)
    ours = a + beta * many + generator.normal(0, se, len(many))
    for name, chosen in (("up_capture", many > 0), ("down_capture", many < 0)):
        truth[name] = (stats.gmean(1 + ours[chosen]) - 1) / (stats.gmean(1 + many[chosen]) - 1)
    covered = dict.fromkeys(truth, 0)
    terms = Resampling(confidence=0.8, resamples=150, block=2.0)
    for _ in range(60):
        market = generator.normal(drift, sb, 250)
        own = a + beta * market + generator.normal(0, se, 250)
        found = bootstrap_intervals(own, market, generator=generator, resampling=terms)
        for name, value in truth.items():
            covered[name] += found[name].low <= value <= found[name].high

    # 48 of 60 expected; outside these bounds with probability below 1 in 10,000.
    low, high = stats.binom.ppf([0.00005, 0.99995], 60, 0.78)
    assert {name: n for name, n in covered.items() if not low <= n <= high} == {}


def test_blocks_make_room_for_returns_that_follow_each_other() -> None:
    """An autoregression of 0.6 has a mean twice as unsure as independent days would say."""
    generator = np.random.default_rng(2)
    series = 0.01 * lfilter([1.0], [1.0, -0.6], generator.standard_normal(2000))

    def width(block: float) -> float:
        found = bootstrap_intervals(
            series, generator=np.random.default_rng(1), resampling=Resampling(block=block)
        )["mean_return"]
        return found.high - found.low

    # sqrt((1 + 0.6) / (1 - 0.6)) = 2 in expectation; single days see nothing of it.
    assert 1.4 < width(40.0) / width(1.0) < 2.6


def test_returns_and_benchmark_are_drawn_together() -> None:
    """Twice the market has a beta of 2 in every resample; drawn apart, it would have none."""
    market = NORMAL[:300]

    found = bootstrap_intervals(2.0 * market, market, generator=np.random.default_rng(5))

    for end in (found["beta"].low, found["beta"].high):
        assert end == pytest.approx(2.0)
    assert found["correlation"].low == pytest.approx(1.0)


def test_what_resampling_says_nothing_of_has_no_interval() -> None:
    found = bootstrap_intervals(NORMAL[:200], generator=np.random.default_rng(3))

    assert not set(found) & set(NO_INTERVAL)
    assert len(found) == 38
    assert all(interval.low <= interval.high for interval in found.values())


def test_intervals_are_the_same_for_the_same_seed() -> None:
    def draw() -> object:
        terms = Resampling(resamples=300)
        return bootstrap_intervals(
            NORMAL[:200], generator=np.random.default_rng(3), resampling=terms
        )

    assert draw() == draw()


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match=r"confidence must lie in \(0, 1\), got"):
        Resampling(confidence=confidence)


def test_time_weighting_ignores_when_money_came() -> None:
    # 10% then 20%, whatever is paid in between.
    assert time_weighted_return([100, 110, 1332], [0, 1000]) == pytest.approx(0.32)


def test_modified_dietz_by_hand() -> None:
    # 100 for the whole period and 50 for half of it earned 10.
    assert modified_dietz_return(100, 160, [50], [0.5]) == pytest.approx(10 / 125)


def test_the_internal_rate_of_a_year_is_the_return() -> None:
    rate = internal_rate_of_return([date(2021, 1, 1), date(2022, 1, 1)], [-100, 112])

    assert rate == pytest.approx(0.12)


def test_the_internal_rate_documented_by_spreadsheets() -> None:
    # The example in the documentation of Excel's XIRR, which gives 0.373362535.
    days = [
        date(2008, 1, 1),
        date(2008, 3, 1),
        date(2008, 10, 30),
        date(2009, 2, 15),
        date(2009, 4, 1),
    ]
    rate = internal_rate_of_return(days, [-10_000, 2_750, 4_250, 3_250, 2_750])

    assert rate == pytest.approx(0.373362535, abs=5e-9)


def test_flows_of_one_sign_have_no_rate() -> None:
    with pytest.raises(MissingDataError, match="both in and out"):
        internal_rate_of_return([date(2021, 1, 1), date(2022, 1, 1)], [100, 100])


def test_turnover_counts_both_ways() -> None:
    assert turnover([100, 0], [1000, 1000], periods_per_year=12) == pytest.approx(0.6)


def test_a_period_without_capital_has_no_time_weighted_return() -> None:
    with pytest.raises(InvalidInputError, match="period 0 starts with capital"):
        time_weighted_return([0, 10], [0])
