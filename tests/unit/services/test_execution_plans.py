"""Tests of `services.execution_plans`."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.liquidity import ImpactModel
from oms.matching import Quote
from services.execution_plans import (
    Algorithm,
    ExecutionPlan,
    ExecutionTerms,
    plan_execution,
    volume_shares,
)

OPENS = datetime(2022, 1, 3, 14, 30, tzinfo=UTC)
CLOSES = datetime(2022, 1, 3, 21, tzinfo=UTC)
QUOTE = Quote(price=Decimal(50), daily_volume=1e6, volatility=0.02)


def planned(algorithm: Algorithm, *, impact: ImpactModel | None = None, **terms) -> ExecutionPlan:
    given = {"symbol": "AAA", "quantity": Decimal(100_000), "slices": 10} | terms
    return plan_execution(
        ExecutionTerms(algorithm=algorithm, **given),
        quote=QUOTE,
        opens=OPENS,
        closes=CLOSES,
        impact=impact or ImpactModel(),
    )


def test_volume_shares_form_a_u_and_sum_to_one() -> None:
    shares = volume_shares(13)

    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(shares, shares[::-1])
    assert shares[0] > 3 * shares[6] > 0


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_slices_and_what_is_left_sum_to_the_order(algorithm: Algorithm) -> None:
    plan = planned(algorithm)

    assert sum(part.quantity for part in plan.slices) + plan.left == 100_000
    assert plan.slices[0].start == OPENS
    assert plan.slices[-1].end == CLOSES


def test_following_volume_costs_the_least_and_in_closed_form() -> None:
    square_root = ImpactModel.square_root(half_spread=0.001)
    costs = {a: planned(a, impact=square_root).expected_cost for a in Algorithm}

    # Along the volume the pace is even: 0.001 + 0.02 sqrt(0.1) of five million.
    assert costs[Algorithm.VWAP] == pytest.approx(5e6 * (0.001 + 0.02 * 0.1**0.5), rel=1e-6)
    assert min(costs, key=costs.__getitem__) is Algorithm.VWAP


def test_urgency_buys_certainty_with_cost() -> None:
    patient, urgent = (
        planned(Algorithm.SHORTFALL, risk_aversion=aversion) for aversion in (0.0, 1e-5)
    )

    assert {part.quantity for part in patient.slices} == {Decimal(10_000)}
    assert urgent.deviation < patient.deviation
    assert urgent.expected_cost > patient.expected_cost
    assert urgent.slices[0].quantity > 2 * urgent.slices[5].quantity


def test_even_schedule_has_the_deviation_of_its_staircase() -> None:
    plan = planned(Algorithm.TWAP, slices=2)

    # Half is traded at once, so 50,000 units are open for half a day.
    assert plan.deviation == pytest.approx(50 * 0.02 * 50_000 * 0.5**0.5)


def test_thin_volume_leaves_a_rest() -> None:
    plan = planned(Algorithm.POV, rate=0.05)

    # At 5 % of all volume, others' million lets 52,631 trade, less what slices round down.
    assert 52_600 <= 100_000 - plan.left <= 52_631


def test_without_impact_only_the_spread_is_paid() -> None:
    plain = ImpactModel(half_spread=0.001, temporary=0.0, permanent=0.0)

    plan = planned(Algorithm.SHORTFALL, impact=plain)

    assert plan.expected_cost == pytest.approx(5_000.0)
    assert plan.cost_fraction == pytest.approx(0.001)


def test_unknown_symbol_and_bad_terms_are_refused() -> None:
    with pytest.raises(MissingDataError, match="no price and volume are known for AAA"):
        plan_execution(
            ExecutionTerms(algorithm=Algorithm.TWAP, symbol="AAA", quantity=Decimal(1)),
            quote=None,
            opens=OPENS,
            closes=CLOSES,
            impact=ImpactModel(),
        )
    with pytest.raises(InvalidInputError, match="slices must lie in 1 to 1000, got 0"):
        planned(Algorithm.TWAP, slices=0)
    with pytest.raises(InvalidInputError, match="positive number of lots"):
        planned(Algorithm.VWAP, quantity=Decimal("0.5"))
