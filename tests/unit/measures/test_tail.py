"""Tests of `measures.tail`: by hand, by closed form, by law, and by refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from basics.errors import InvalidInputError, MissingDataError
from measures.tail import (
    QuantileRule,
    tail_risk,
    tail_risks,
    weighted_tail_risk,
    worst_tail_risks,
)

PNLS = arrays(np.float64, st.integers(20, 120), elements=st.floats(-1e6, 1e6))
TEN = np.array([3.0, -8.0, 1.0, 2.0, -4.0, 5.0, 6.0, 0.0, 7.0, 9.0])


def test_ten_scenarios_by_hand() -> None:
    result = tail_risk(TEN, confidence=0.75)

    # 2.5 scenarios in the tail: -8, -4 and half of 0.
    assert result.value_at_risk == 0.0
    assert result.expected_shortfall == pytest.approx((8.0 + 4.0 + 0.5 * 0.0) / 2.5)
    assert result.rule is QuantileRule.ACERBI_TASCHE


def test_the_worst_outcomes_alone_give_the_same_tail() -> None:
    value, shortfall = tail_risks(TEN[None, :], confidences=(0.6, 0.75))
    worst = np.sort(TEN)[None, :5]

    mine = worst_tail_risks(worst, n_scenarios=10, confidences=(0.6, 0.75))

    assert (mine[0] == value).all()
    assert (mine[1] == shortfall).all()
    with pytest.raises(InvalidInputError, match=r"do not cover the 6 of confidence 0\.4"):
        worst_tail_risks(worst, n_scenarios=10, confidences=(0.4,))
    with pytest.raises(MissingDataError, match="cannot resolve"):
        worst_tail_risks(worst, n_scenarios=10, confidences=(0.99,))


def test_inverted_cdf_takes_whole_scenarios() -> None:
    result = tail_risk(TEN, confidence=0.75, rule=QuantileRule.INVERTED_CDF)

    assert result.value_at_risk == 0.0
    assert result.expected_shortfall == pytest.approx((8.0 + 4.0 + 0.0) / 3)


@pytest.mark.parametrize("confidence", [0.6, 0.75, 0.9])
def test_linear_rule_equals_numpy_quantile(confidence: float) -> None:
    pnl = np.random.default_rng(4).normal(size=37)

    result = tail_risk(pnl, confidence=confidence, rule=QuantileRule.LINEAR)

    quantile = np.quantile(pnl, 1 - confidence)
    assert result.value_at_risk == pytest.approx(-quantile)
    assert result.expected_shortfall == pytest.approx(-pnl[pnl <= quantile].mean())


def test_inverted_cdf_value_equals_numpy_quantile_of_that_name() -> None:
    pnl = np.random.default_rng(5).normal(size=101)

    result = tail_risk(pnl, confidence=0.95, rule=QuantileRule.INVERTED_CDF)

    assert result.value_at_risk == -np.quantile(pnl, 0.05, method="inverted_cdf")


def test_hundred_scenarios_at_95_take_the_fifth_worst() -> None:
    # (1 - 0.95) * 100 is 5.000000000000004 in floating point.
    assert tail_risk(np.arange(100.0), confidence=0.95).value_at_risk == -4.0


@pytest.mark.parametrize("confidence", [0.90, 0.95, 0.99])
def test_normal_scenarios_approach_the_closed_form(confidence: float) -> None:
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    result = tail_risk(stats.norm.ppf(quantiles), confidence=confidence)

    z = stats.norm.ppf(confidence)
    assert result.value_at_risk == pytest.approx(z, abs=1e-3)
    assert result.expected_shortfall == pytest.approx(
        stats.norm.pdf(z) / (1 - confidence), abs=1e-3
    )


def test_many_series_and_confidences_equal_one_at_a_time() -> None:
    pnl = np.random.default_rng(1).normal(size=(7, 333))

    value, shortfall = tail_risks(pnl, confidences=[0.95, 0.975, 0.99])

    for i, confidence in enumerate([0.95, 0.975, 0.99]):
        for row in range(7):
            one = tail_risk(pnl[row], confidence=confidence)
            assert value[i, row] == one.value_at_risk
            assert shortfall[i, row] == pytest.approx(one.expected_shortfall, rel=1e-14)


@settings(max_examples=30)
@given(PNLS, st.sampled_from(list(QuantileRule)))
def test_shortfall_is_never_below_value_at_risk(pnl: np.ndarray, rule: QuantileRule) -> None:
    result = tail_risk(pnl, confidence=0.9, rule=rule)
    assert result.expected_shortfall >= result.value_at_risk - 1e-6


@settings(max_examples=30)
@given(PNLS, st.floats(-1e5, 1e5))
def test_cash_lowers_both_measures_by_its_amount(pnl: np.ndarray, cash: float) -> None:
    bare, funded = tail_risk(pnl, confidence=0.9), tail_risk(pnl + cash, confidence=0.9)
    assert funded.value_at_risk == pytest.approx(bare.value_at_risk - cash, abs=1e-6)
    assert funded.expected_shortfall == pytest.approx(bare.expected_shortfall - cash, abs=1e-6)


@settings(max_examples=30)
@given(PNLS, st.integers(0, 2**31))
def test_shortfall_of_a_sum_is_at_most_the_sum_of_shortfalls(pnl: np.ndarray, seed: int) -> None:
    other = np.random.default_rng(seed).permutation(pnl)

    together = tail_risk(pnl + other, confidence=0.9).expected_shortfall

    apart = tail_risk(pnl, confidence=0.9).expected_shortfall
    assert together <= 2 * apart + 1e-6


@settings(max_examples=30)
@given(PNLS)
def test_equal_weights_give_the_unweighted_tail(pnl: np.ndarray) -> None:
    weighted = weighted_tail_risk(pnl, np.full(len(pnl), 0.3), confidence=0.9)
    plain = tail_risk(pnl, confidence=0.9)
    assert weighted.value_at_risk == plain.value_at_risk
    assert weighted.expected_shortfall == pytest.approx(plain.expected_shortfall, abs=1e-6)


def test_weights_by_hand() -> None:
    # The worst weighs 0.05, the next 0.1: the tail of 0.1 holds all of one, half of the other.
    result = weighted_tail_risk(
        np.array([1.0, -10.0, -4.0]), np.array([0.85, 0.05, 0.10]), confidence=0.9
    )
    assert result.value_at_risk == 4.0
    assert result.expected_shortfall == pytest.approx((0.05 * 10 + 0.05 * 4) / 0.1)


@pytest.mark.parametrize("pnl", [np.zeros((2, 2)), np.array([0.0, np.nan])])
def test_malformed_pnl_is_refused(pnl: np.ndarray) -> None:
    with pytest.raises(InvalidInputError, match="finite vector"):
        tail_risk(pnl, confidence=0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 99.0, float("nan")])
def test_confidence_outside_zero_to_one_is_refused(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="confidence must lie"):
        tail_risk(np.zeros(50), confidence=confidence)


def test_too_few_scenarios_are_refused() -> None:
    with pytest.raises(MissingDataError, match=r"10 scenarios cannot resolve .* 100 are needed"):
        tail_risk(np.zeros(10), confidence=0.99)


def test_weights_that_cannot_resolve_the_tail_are_refused() -> None:
    with pytest.raises(MissingDataError, match=r"worst outcome weighs 0\.9000"):
        weighted_tail_risk(np.array([-1.0, 1.0]), np.array([0.9, 0.1]), confidence=0.95)
    with pytest.raises(InvalidInputError, match="weights must be >= 0"):
        weighted_tail_risk(np.zeros(2), np.array([2.0, -1.0]), confidence=0.95)
