"""Tests of `strategy.remediation`: limits are restored, by the cheapest trades, in whole lots."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, RefusedError
from market.liquidity import ImpactModel
from strategy.remediation import BookToRemedy, Remedy, remediate
from strategy.restrictions import (
    DeviationRestriction,
    GrossRestriction,
    NetRestriction,
    Restriction,
    StressRestriction,
    TailRestriction,
)

LINEAR = ImpactModel(half_spread=0.001, temporary=0.0, permanent=0.0)


def book(quantities: list[float], **terms: object) -> BookToRemedy:
    count = len(quantities)
    defaults: dict[str, object] = {
        "symbols": tuple(f"S{n}" for n in range(count)),
        "quantities": np.array(quantities, dtype=np.float64),
        "unit_values": np.full(count, 100.0),
        "daily_volumes": np.full(count, 1e6),
        "volatilities": np.full(count, 0.02),
        "lots": np.ones(count),
        "equity": 1_000_000.0,
    }
    return BookToRemedy(**(defaults | terms))


def gross(count: int, bound: float) -> GrossRestriction:
    return GrossRestriction(name="gross", weights=np.ones(count), bound=bound)


def traded(remedy: Remedy) -> dict[str, float]:
    return {trade.symbol: trade.quantity for trade in remedy.trades}


def test_book_within_its_limits_needs_no_trade() -> None:
    remedy = remediate(book([5_000.0]), [gross(1, 0.5)], impact=LINEAR)

    assert remedy.trades == ()
    assert remedy.expected_cost == 0.0
    assert not remedy.outcomes[0].restored


def test_one_position_is_cut_to_its_bound_by_hand() -> None:
    # 60 % of equity in one symbol, bound 50 %: 100,000 of money is 1,000 units.
    weight = NetRestriction(name="weight", weights=np.array([1.0]), bound=0.5)

    remedy = remediate(book([6_000.0]), [weight], impact=LINEAR)

    assert traded(remedy) == {"S0": -1_000.0}
    assert remedy.expected_cost == pytest.approx(100_000 * 0.001)
    assert remedy.outcomes[0].restored


def test_equal_costs_grow_with_size_so_the_cut_is_shared() -> None:
    remedy = remediate(book([4_000.0, 4_000.0]), [gross(2, 0.6)], impact=ImpactModel.square_root())

    assert traded(remedy) == {"S0": -1_000.0, "S1": -1_000.0}


def test_the_liquid_symbol_is_sold_before_the_illiquid_one() -> None:
    held = book([4_000.0, 4_000.0], daily_volumes=np.array([1e7, 1e4]))

    remedy = remediate(held, [gross(2, 0.6)], impact=ImpactModel.square_root(half_spread=0.0))

    # Marginal costs b sigma 1.5 sqrt(x / V) are equal where x is proportional to V.
    sold = traded(remedy)
    assert sold["S0"] == pytest.approx(-1_998.0, abs=3)
    assert sold["S1"] == pytest.approx(-2.0, abs=3)


def test_no_cheaper_remedy_is_found_by_search() -> None:
    held = book([5_000.0, 3_000.0], daily_volumes=np.array([4e5, 1e6]))
    impact = ImpactModel()
    remedy = remediate(held, [gross(2, 0.6)], impact=impact)

    cuts = np.arange(0, 2_001)
    pairs = np.column_stack([cuts, 2_000 - cuts]).astype(float)
    costs = impact.cost(
        pairs, price=100.0, volume=held.daily_volumes, volatility=held.volatilities
    ).sum(axis=1)

    # Rounding up may trade one lot more than the cheapest pair.
    assert remedy.expected_cost <= costs.min() * (1 + 1e-3)


def test_reductions_never_open_or_cross_a_position() -> None:
    beta = NetRestriction(name="beta", weights=np.array([1.0, 2.0, 0.5]), bound=0.1)
    held = book([5_000.0, 2_000.0, -1_000.0])

    remedy = remediate(held, [beta], impact=LINEAR)

    after = held.quantities + np.array([traded(remedy).get(s, 0.0) for s in held.symbols])
    assert (after * held.quantities >= 0).all()
    assert (np.abs(after) <= np.abs(held.quantities)).all()


def test_hedge_may_be_cheaper_than_a_reduction() -> None:
    beta = NetRestriction(name="beta", weights=np.array([1.0, 5.0]), bound=0.1)
    held = book([5_000.0, 0.0])

    reduced = remediate(held, [beta], impact=LINEAR)
    hedged = remediate(held, [beta], impact=LINEAR, reduce_only=False)

    assert traded(hedged) == {"S1": -800.0}  # 0.4 of beta over 5 is 8 % of equity.
    assert hedged.expected_cost < reduced.expected_cost
    assert hedged.outcomes[0].restored


def restrictions(rng: np.random.Generator, count: int, tight: float) -> list[Restriction]:
    returns = rng.normal(0, 0.02, (250, count))
    return [
        gross(count, tight),
        NetRestriction(name="net", weights=np.ones(count), bound=tight / 2),
        NetRestriction(name="one", weights=np.eye(count)[0], bound=tight / 4),
        StressRestriction(name="crash", returns=np.full(count, -0.2), bound=0.2 * tight),
        DeviationRestriction(
            name="normal", covariance=np.cov(returns.T), multiple=2.326348, bound=0.05 * tight
        ),
        TailRestriction(name="es", scenarios=returns, confidence=0.975, bound=0.05 * tight),
        TailRestriction(
            name="var", scenarios=returns, confidence=0.99, bound=0.05 * tight, shortfall=False
        ),
    ]


@settings(max_examples=12, deadline=None)
@example(924248042, 0.8495949315463365)  # The net bound is missed by a fortieth of a lot.
@given(st.integers(0, 10_000), st.floats(0.2, 1.5))
def test_after_the_remedy_every_limit_is_kept(seed: int, tight: float) -> None:
    rng = np.random.default_rng(seed)
    held = book(rng.integers(-6_000, 9_000, 5).astype(float).tolist())
    bounds = restrictions(rng, 5, tight)

    remedy = remediate(held, bounds, impact=ImpactModel())

    after = held.quantities + np.array([traded(remedy).get(s, 0.0) for s in held.symbols])
    for restriction, outcome in zip(bounds, remedy.outcomes, strict=True):
        assert outcome.after == restriction.value(after * 100.0 / held.equity)
        assert outcome.after <= restriction.bound + 1e-9
    assert (after == np.round(after)).all()


def test_value_at_risk_is_restored_without_restoring_shortfall_first() -> None:
    # Two scenarios of 200 are disasters, so shortfall at 99 % is far above value at risk.
    scenarios = np.full((200, 1), -0.02)
    scenarios[:1] = -0.5
    var = TailRestriction(
        name="var", scenarios=scenarios, confidence=0.99, bound=0.01, shortfall=False
    )

    remedy = remediate(book([10_000.0]), [var], impact=LINEAR)

    # Value at risk is 2 % of one times equity; half of the position must go, and little more.
    assert traded(remedy)["S0"] == pytest.approx(-5_000.0, abs=60)


def test_lots_are_kept_whole() -> None:
    remedy = remediate(
        book([6_000.0, 5_000.0], lots=np.array([100.0, 100.0])), [gross(2, 0.73)], impact=LINEAR
    )

    assert all(trade.quantity % 100 == 0 for trade in remedy.trades)
    assert remedy.outcomes[0].after <= 0.73


def test_contradicting_limits_are_refused() -> None:
    # A hedge must stay below 1 % gross while the stress asks for a gain it cannot make.
    never = replace(gross(1, 0.01), name="tiny")
    gain = StressRestriction(name="gain", returns=np.array([0.0]), bound=-0.1)

    with pytest.raises(RefusedError, match="loosen a limit"):
        remediate(book([5_000.0]), [never, gain], impact=LINEAR)


def test_malformed_books_and_limits_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="daily_volumes must be positive"):
        book([1.0], daily_volumes=np.zeros(1))
    with pytest.raises(InvalidInputError, match="quantities must be finite"):
        book([np.nan])
    with pytest.raises(InvalidInputError, match="equity must be positive, got 0"):
        book([1.0], equity=0.0)
    with pytest.raises(InvalidInputError, match="gross weights must not be negative"):
        GrossRestriction(name="g", weights=np.array([-1.0]), bound=1.0)
