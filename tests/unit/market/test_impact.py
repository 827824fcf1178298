"""Tests of `market.liquidity.impact`: the paper's own table, by hand, by law, by refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from market.liquidity import ImpactModel, fit_impact

# Table 3 of Almgren et al. (2005) rests on alpha = 1, adopted after estimating 0.891.
LINEAR_PERMANENT = ImpactModel(
    half_spread=0.0, permanent_exponent=1.0, days_outstanding=1728 / 6.561
)


@pytest.mark.parametrize(("days", "basis_points"), [(0.1, 32), (0.2, 25), (0.5, 18)])
def test_ibm_in_the_paper_costs_what_the_paper_says(days: float, basis_points: float) -> None:
    parts = LINEAR_PERMANENT.parts(656_100, volume=6_561_000, volatility=0.0157, days=days)

    assert parts.total * 1e4 == pytest.approx(basis_points, abs=0.5)
    assert 2 * parts.permanent / 0.0157 == pytest.approx(0.126, abs=0.001)


def test_square_root_cost_by_hand() -> None:
    model = ImpactModel.square_root(coefficient=1.0, half_spread=0.0005, linear=0.0001)

    cost = model.cost(-10_000, price=50.0, volume=1_000_000, volatility=0.02)

    # Notional 500,000; half spread 5 bp, fees 1 bp, 2% times sqrt(1%) = 20 bp.
    assert cost == pytest.approx(500_000 * (0.0005 + 0.0001 + 0.02 * 0.1))


def test_a_buyer_pays_up_and_a_seller_gets_less() -> None:
    concession = ImpactModel().concession([100.0, -100.0], volume=1e6, volatility=0.01)

    assert concession[0] > 0
    assert concession[1] == -concession[0]


def test_nothing_traded_costs_nothing_even_without_volume() -> None:
    assert ImpactModel().cost(0.0, price=10.0, volume=0.0, volatility=np.nan) == 0.0


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 1e6), st.floats(1.01, 10))
def test_a_larger_trade_costs_more_per_unit(quantity: float, factor: float) -> None:
    small, large = (
        float(ImpactModel().concession(q, volume=1e6, volatility=0.02))
        for q in (quantity, quantity * factor)
    )
    assert large > small


def test_a_fit_recovers_the_model_that_made_the_costs() -> None:
    rng = np.random.default_rng(5)
    share, sigma = rng.uniform(0.001, 0.1, 500), rng.uniform(0.01, 0.03, 500)
    paid = 0.0004 + 0.8 * sigma * np.sqrt(share)

    model = fit_impact(paid, participation=share, volatility=sigma)

    assert model.half_spread == pytest.approx(0.0004)
    assert model.temporary == pytest.approx(0.8)


def test_a_trade_in_a_market_without_volume_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="positive volume"):
        ImpactModel().cost(1.0, price=10.0, volume=0.0, volatility=0.01)


def test_a_negative_coefficient_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="half_spread must be finite and not negative"):
        ImpactModel(half_spread=-0.1)


def test_too_few_executions_do_not_make_a_model() -> None:
    with pytest.raises(MissingDataError, match="3 complete executions"):
        fit_impact(np.ones(3), participation=np.ones(3), volatility=np.ones(3))
