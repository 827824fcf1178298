"""Tests of `risk.decomposition` and `risk.exposure`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from measures.tail import tail_risk
from risk.decomposition import (
    by_group,
    factor_split,
    incremental,
    normal_components,
    shortfall_components,
)
from risk.exposure import (
    betas,
    downside_beta,
    effective_bets,
    exposure_of,
    rate_sensitivity,
    shrunk_betas,
)

SEEDS = st.integers(0, 2**31)


def test_two_independent_positions_by_hand() -> None:
    split = normal_components(np.array([3.0, 4.0]), np.eye(2), confidence=0.99)
    # Std 5; components are z x^2 / 5.
    z = 2.3263478740408408
    assert split.value_at_risk == pytest.approx(5 * z)
    assert split.component == pytest.approx([z * 9 / 5, z * 16 / 5])


@settings(max_examples=25)
@given(SEEDS)
def test_components_sum_to_the_total(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exposures = rng.normal(size=5) * 1e6
    root = rng.normal(size=(5, 5)) * 0.01

    split = normal_components(exposures, root @ root.T, confidence=0.975)
    pnl = exposures[:, None] * rng.normal(size=(5, 333)) * 0.01
    parts = shortfall_components(pnl, confidence=0.975)

    assert split.component.sum() == pytest.approx(split.value_at_risk, rel=1e-9)
    total = tail_risk(pnl.sum(axis=0), confidence=0.975).expected_shortfall
    assert parts.sum() == pytest.approx(total, rel=1e-9)


def test_marginal_is_the_slope_of_the_total() -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(3, 3))
    covariance, exposures = root @ root.T, np.array([1.0, -2.0, 3.0])
    split = normal_components(exposures, covariance, confidence=0.95)
    bumped = exposures + np.array([0.0, 1e-6, 0.0])
    slope = (
        normal_components(bumped, covariance, confidence=0.95).value_at_risk - split.value_at_risk
    ) / 1e-6
    assert split.marginal[1] == pytest.approx(slope, rel=1e-4)


def test_a_hedge_has_negative_component_and_incremental() -> None:
    market = np.random.default_rng(1).normal(size=1000)
    pnl = np.stack([2 * market, -market])
    assert shortfall_components(pnl, confidence=0.95)[1] < 0
    value, shortfall = incremental(pnl, confidence=0.95)
    assert value[1] < 0
    assert shortfall[1] < 0


def test_riskless_book_has_no_components() -> None:
    split = normal_components(np.array([1.0, -1.0]), np.ones((2, 2)), confidence=0.99)
    assert split.value_at_risk == 0.0
    assert split.component.tolist() == [0.0, 0.0]


def test_groups_keep_the_total_and_the_unclassified() -> None:
    sums = by_group(("A", "B", "C"), np.array([1.0, 2.0, 4.0]), {"A": "x", "C": "x"})
    assert sums == {"unclassified": 2.0, "x": 5.0}


def test_factor_shares_sum_to_one() -> None:
    shares, specific = factor_split(
        np.array([1.0, 2.0]),
        np.array([[1.0, 0.0], [0.5, 1.0]]),
        np.diag([0.04, 0.01]),
        np.array([0.02, 0.01]),
    )
    # Loadings 2 and 2: 4 * 0.04, 4 * 0.01, and 1 * 0.02 + 4 * 0.01.
    assert [*shares, specific] == pytest.approx([0.16 / 0.26, 0.04 / 0.26, 0.06 / 0.26])


def test_exposure_by_hand() -> None:
    sizes = exposure_of(
        ("A", "B"), np.array([300.0, -100.0]), equity=1000.0, sectors={"A": "x", "B": "x"}
    )
    assert (sizes.gross, sizes.net, sizes.leverage) == (400.0, 200.0, 0.4)
    assert sizes.hhi == pytest.approx(0.75**2 + 0.25**2)
    assert sizes.effective_names == pytest.approx(1.6)
    assert (sizes.largest_symbol, sizes.largest_weight) == ("A", 0.3)
    assert sizes.sector_weights == {"x": pytest.approx(0.2)}


def test_empty_book_has_no_exposure() -> None:
    sizes = exposure_of((), np.array([]), equity=5.0, sectors={})
    assert (sizes.gross, sizes.hhi, sizes.largest_symbol) == (0.0, 0.0, None)


def test_equity_that_is_gone_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="equity must be positive, got 0"):
        exposure_of((), np.array([]), equity=0.0, sectors={})


def test_betas_recover_a_linear_law() -> None:
    market = np.random.default_rng(3).normal(size=100)
    rows = np.stack([0.5 * market + 1.0, -2.0 * market])
    assert betas(rows, market) == pytest.approx([0.5, -2.0])
    assert shrunk_betas(np.array([2.0])) == pytest.approx([5.0 / 3.0])
    # Twice as steep on days below the mean.
    bent = np.where(market < market.mean(), 2.0, 1.0) * (market - market.mean())
    assert downside_beta(bent, market) == pytest.approx(2.0)


def test_rate_sensitivity_recovers_slope_and_error() -> None:
    rng = np.random.default_rng(6)
    yields = 0.05 + np.cumsum(rng.normal(scale=0.002, size=241))
    returns = -6.0 * np.diff(yields) + rng.normal(scale=0.01, size=240)
    slopes, errors = rate_sensitivity(returns[None, :], yields)
    assert abs(slopes[0] + 6.0) < 3 * errors[0]
    assert errors[0] == pytest.approx(0.01 / (0.002 * 240**0.5), rel=0.2)


def test_uncorrelated_equal_bets_count_each() -> None:
    assert effective_bets(np.ones(4), np.diag([1.0, 1.0, 1.0, 1.0])) == pytest.approx(4.0)
    assert effective_bets(np.ones(4), np.ones((4, 4))) == pytest.approx(1.0)


def test_too_little_to_regress_is_refused() -> None:
    with pytest.raises(MissingDataError, match="does not vary"):
        betas(np.ones((1, 5)), np.ones(5))
    with pytest.raises(MissingDataError, match="needs 24"):
        rate_sensitivity(np.ones((1, 5)), np.ones(6))
