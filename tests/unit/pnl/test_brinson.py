"""Tests of `pnl.brinson`, `pnl.linking` and `pnl.currency_attribution`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from pnl.brinson import AllocationModel, HoldingSeries, brinson
from pnl.currency_attribution import Markets, ankrim_hensel
from pnl.linking import Linking, geometric, link


def one_period(wp: list[float], wb: list[float], rp: list[float], rb: list[float]) -> HoldingSeries:
    return HoldingSeries(
        portfolio_weights=np.array([wp]),
        benchmark_weights=np.array([wb]),
        portfolio_returns=np.array([rp]),
        benchmark_returns=np.array([rb]),
    )


# Bacon (2008), Practical Portfolio Performance Measurement and Attribution, table 5.1:
# UK, Japan and US equities.
BACON = one_period([0.4, 0.3, 0.3], [0.4, 0.2, 0.4], [0.20, -0.05, 0.06], [0.10, -0.04, 0.08])
COUNTRIES = ["UK", "Japan", "US"]


def test_the_textbook_example() -> None:
    effects = brinson(BACON, [COUNTRIES])

    # Groups come sorted: Japan, UK, US. Portfolio 8.3%, benchmark 6.4%.
    assert effects.portfolio[0] == pytest.approx(0.083)
    assert effects.benchmark[0] == pytest.approx(0.064)
    assert effects.levels[0].allocation[0] == pytest.approx([-0.0104, 0.0, -0.0016])
    assert effects.selection[0] == pytest.approx([-0.002, 0.04, -0.008])
    assert effects.interaction[0] == pytest.approx([-0.001, 0.0, 0.002])


def test_brinson_hood_beebower_counts_the_whole_return_of_a_group() -> None:
    effects = brinson(BACON, [COUNTRIES], model=AllocationModel.BRINSON_HOOD_BEEBOWER)

    assert effects.levels[0].allocation[0] == pytest.approx([-0.004, 0.0, -0.008])
    assert effects.levels[0].allocation.sum() == pytest.approx(-0.012)


def test_a_group_outside_the_benchmark_is_all_selection() -> None:
    effects = brinson(
        one_period([0.5, 0.5], [1.0, 0.0], [0.02, 0.10], [0.02, 0.99]), [["in", "out"]]
    )

    assert effects.levels[0].allocation[0] == pytest.approx([0.0, 0.0])
    # Half the money earned 10% where the benchmark as a whole made 2%.
    assert effects.selection[0] + effects.interaction[0] == pytest.approx([0.0, 0.04])


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"benchmark_weights of period 0 sum to 0\.9000"):
        one_period([1.0, 0.0], [0.5, 0.4], [0.0, 0.0], [0.0, 0.0])


def test_a_group_with_two_parents_is_refused() -> None:
    levels = [["a", "b", "b"], ["x", "x", "y"]]

    with pytest.raises(InvalidInputError, match="'x' lies in two groups"):
        brinson(BACON, levels)


@st.composite
def holding_series(draw: st.DrawFn) -> HoldingSeries:
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (draw(st.integers(1, 12)), 12)
    weights = []
    for _ in range(2):
        raw = generator.random(shape) * (generator.random(shape) < 0.7)
        raw[:, 0] += 0.1
        weights.append(raw / raw.sum(axis=1, keepdims=True))
    returns = generator.normal(0.01, 0.05, (2, *shape))
    return HoldingSeries(
        portfolio_weights=weights[0],
        benchmark_weights=weights[1],
        portfolio_returns=returns[0],
        benchmark_returns=returns[1],
    )


SECTORS = ["s1"] * 4 + ["s2"] * 5 + ["s3"] * 3
INDUSTRIES = ["i1", "i1", "i2", "i2", "i3", "i3", "i4", "i4", "i5", "i6", "i6", "i6"]
HOLDINGS = [f"h{i}" for i in range(12)]


@settings(max_examples=40, deadline=None)
@given(holding_series(), st.sampled_from(list(AllocationModel)))
def test_the_effects_of_all_levels_sum_to_the_excess_return(
    holdings: HoldingSeries, model: AllocationModel
) -> None:
    for levels in ([SECTORS], [SECTORS, INDUSTRIES], [SECTORS, INDUSTRIES, HOLDINGS]):
        effects = brinson(holdings, levels, model=model)
        excess = effects.portfolio - effects.benchmark
        np.testing.assert_allclose(effects.columns.sum(axis=1), excess, atol=1e-12)
        assert effects.columns.shape[1] == len(effects.names)


@settings(max_examples=40, deadline=None)
@given(holding_series(), st.sampled_from(list(Linking)))
def test_linked_effects_sum_to_the_excess_return_of_the_span(
    holdings: HoldingSeries, method: Linking
) -> None:
    effects = brinson(holdings, [SECTORS, INDUSTRIES])

    linked = link(effects.columns, effects.portfolio, effects.benchmark, method=method)

    span = np.prod(1 + effects.portfolio) - np.prod(1 + effects.benchmark)
    assert linked.sum() == pytest.approx(span, abs=1e-10)


@settings(max_examples=20, deadline=None)
@given(holding_series())
def test_geometric_parts_multiply_to_the_ratio_of_growth(holdings: HoldingSeries) -> None:
    effects = brinson(holdings, [SECTORS, INDUSTRIES])

    ratio = np.prod((1 + effects.portfolio) / (1 + effects.benchmark)) - 1
    assert geometric(effects).excess == pytest.approx(ratio, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(holding_series())
def test_frongello_carries_forward_to_the_sums_of_grap(holdings: HoldingSeries) -> None:
    effects = brinson(holdings, [SECTORS])
    series = effects.columns, effects.portfolio, effects.benchmark

    np.testing.assert_allclose(
        link(*series, method=Linking.FRONGELLO), link(*series, method=Linking.GRAP), atol=1e-12
    )


def test_carino_by_hand_over_two_periods() -> None:
    effects = np.array([[0.02], [0.01]])
    own, other = np.array([0.10, 0.05]), np.array([0.08, 0.04])

    span = 1.10 * 1.05 - 1.08 * 1.04
    k = (np.log(1.10 * 1.05) - np.log(1.08 * 1.04)) / span
    k1, k2 = (np.log(1.10) - np.log(1.08)) / 0.02, (np.log(1.05) - np.log(1.04)) / 0.01
    assert link(effects, own, other, method=Linking.CARINO) == pytest.approx(
        [0.02 * k1 / k + 0.01 * k2 / k]
    )


@pytest.mark.parametrize("method", list(Linking))
def test_equal_returns_link_effects_that_cancel(method: Linking) -> None:
    effects = np.array([[0.01, -0.01], [0.02, -0.02]])
    returns = np.array([0.03, -0.01])

    linked = link(effects, returns, returns, method=method)

    assert linked.sum() == pytest.approx(0.0, abs=1e-15)
    assert linked[0] > 0.03 * 0.98


def test_effects_that_miss_the_excess_return_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="the effects of period 0 miss"):
        link(np.array([[0.5]]), np.array([0.1]), np.array([0.0]), method=Linking.CARINO)


def test_a_loss_of_everything_cannot_be_linked() -> None:
    with pytest.raises(InvalidInputError, match="cannot be linked"):
        link(np.array([[-1.0]]), np.array([-1.0]), np.array([0.0]), method=Linking.GRAP)


def test_no_period_is_named() -> None:
    with pytest.raises(MissingDataError, match="no period to link"):
        link(np.zeros((0, 1)), np.zeros(0), np.zeros(0), method=Linking.GRAP)


def test_currency_effects_sum_to_the_excess_return() -> None:
    generator = np.random.default_rng(5)
    weights = generator.dirichlet(np.ones(4), 2)
    spot = np.array([1.0, 1.1, 0.8, 0.01])
    markets = Markets(
        portfolio_weights=weights[0],
        benchmark_weights=weights[1],
        portfolio_returns=generator.normal(0, 0.05, 4),
        benchmark_returns=generator.normal(0, 0.05, 4),
        spot=spot,
        next_spot=spot * generator.uniform(0.95, 1.05, 4),
        forward=spot * generator.uniform(0.99, 1.01, 4),
    )

    effects = ankrim_hensel(markets)

    excess = weights[0] @ markets.portfolio_returns - weights[1] @ markets.benchmark_returns
    assert effects.total == pytest.approx(excess, abs=1e-15)


def test_an_overweight_currency_that_beats_its_forward_is_currency_management() -> None:
    # Local markets stand still; the euro gains 5% where its forward promised 1%.
    markets = Markets(
        portfolio_weights=np.array([0.5, 0.5]),
        benchmark_weights=np.array([1.0, 0.0]),
        portfolio_returns=np.array([0.0, 0.05]),
        benchmark_returns=np.array([0.0, 0.05]),
        spot=np.array([1.0, 1.0]),
        next_spot=np.array([1.0, 1.05]),
        forward=np.array([1.0, 1.01]),
    )

    effects = ankrim_hensel(markets)

    assert effects.forward_premium.sum() == pytest.approx(0.005)
    assert effects.currency_management.sum() == pytest.approx(0.02)
    assert effects.allocation.sum() == pytest.approx(0.0)
