"""Tests of `oms.algorithms`."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from oms.algorithms import (
    ShortfallPlan,
    implementation_shortfall,
    in_lots,
    participation_child,
    pov,
    twap,
    vwap,
)

D = Decimal
OPEN = datetime(2022, 1, 3, 14, 30, tzinfo=UTC)
CLOSE = datetime(2022, 1, 3, 21, tzinfo=UTC)
EDGES = [OPEN + timedelta(hours=n) for n in range(5)]


def paper(**changes: float) -> ShortfallPlan:
    """Return the example of Almgren and Chriss (2000), section 3.4."""
    terms = {
        "horizon": 5.0,
        "volatility": 0.95,
        "temporary_impact": 2.5e-6,
        "permanent_impact": 2.5e-7,
        "fixed_cost": 0.0625,
        "risk_aversion": 1e-6,
    }
    return implementation_shortfall(1_000_000.0, periods=5, **(terms | changes))


def test_shortfall_plan_of_the_paper() -> None:
    plan = paper()

    assert plan.kappa == pytest.approx(0.607076, abs=5e-7)
    np.testing.assert_allclose(
        plan.holdings, [1_000_000, 541_956, 289_854, 147_897, 62_142, 0], atol=0.5
    )
    assert plan.expected_cost == pytest.approx(911_227, abs=0.5)
    assert plan.deviation == pytest.approx(603_431, abs=0.5)


def test_no_risk_aversion_gives_equal_slices_and_the_least_cost() -> None:
    plan = paper(risk_aversion=0.0)

    np.testing.assert_allclose(plan.trades, 200_000.0)
    # gamma X^2 / 2 + epsilon X + eta~ X^2 / T.
    assert plan.expected_cost == pytest.approx(125_000 + 62_500 + 2.375e-6 * 1e12 / 5)


@settings(max_examples=40)
@given(st.floats(0, 1e-4), st.integers(1, 40), st.floats(0.1, 20))
def test_plan_sums_to_the_order_and_urgency_costs(
    risk_aversion: float, periods: int, horizon: float
) -> None:
    terms = {"volatility": 0.95, "temporary_impact": 1e-5, "permanent_impact": 1e-7}

    def plan(aversion: float) -> ShortfallPlan:
        return implementation_shortfall(
            1e5, horizon=horizon, periods=periods, risk_aversion=aversion, **terms
        )

    patient, urgent = plan(risk_aversion), plan(risk_aversion * 2 + 1e-8)
    assert patient.trades.sum() == pytest.approx(1e5)
    rounding = 1e-12 * 1e5
    assert (patient.trades >= -rounding).all()
    assert (np.diff(patient.trades) <= rounding).all()
    assert urgent.expected_cost >= patient.expected_cost * (1 - 1e-12)
    assert urgent.deviation <= patient.deviation * (1 + 1e-12)


def test_no_other_schedule_has_a_better_utility() -> None:
    plan, aversion = paper(), 1e-6
    rng = np.random.default_rng(0)

    def utility(trades: np.ndarray) -> float:
        left = 1e6 - np.cumsum(trades)
        cost = 125_000 + 62_500 + 2.375e-6 * float(trades @ trades)
        return cost + aversion * 0.95**2 * float(left @ left)

    best = plan.expected_cost + aversion * plan.deviation**2
    assert utility(plan.trades) == pytest.approx(best)
    for _ in range(200):
        change = rng.normal(scale=1e4, size=5)
        assert utility(plan.trades + change - change.mean()) >= best


def test_great_urgency_trades_at_once_without_overflow() -> None:
    plan = paper(risk_aversion=1e6)

    assert plan.trades[0] == pytest.approx(1e6)
    assert np.isfinite(plan.holdings).all()


def test_twap_slices_are_even_and_span_the_time() -> None:
    slices = twap(D(1000), start=OPEN, end=CLOSE, slices=3)

    assert [part.quantity for part in slices] == [333, 334, 333]
    assert slices[0].start == OPEN
    assert slices[-1].end == CLOSE
    assert all(a.end == b.start for a, b in itertools.pairwise(slices))


def test_vwap_follows_the_profile_in_lots() -> None:
    slices = vwap(D(1000), edges=EDGES, volume_profile=[4, 1, 1, 4], lot=D(100))

    # Cumulative targets 400, 500, 600 and 1000 are whole lots already.
    assert [part.quantity for part in slices] == [400, 100, 100, 400]


@settings(max_examples=60)
@given(
    st.integers(1, 10_000),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=20).filter(any),
    st.integers(1, 50),
)
def test_lots_sum_exactly_and_stay_within_one_of_their_share(
    lots: int, shares: list[float], lot: int
) -> None:
    parts = in_lots(D(lots * lot), shares, lot=D(lot))

    assert sum(parts) == lots * lot
    assert all(part >= 0 and part % lot == 0 for part in parts)
    for part, share in zip(parts, shares, strict=True):
        assert abs(float(part) - lots * lot * share / sum(shares)) <= lot * (1 + 1e-6)


def test_participation_counts_its_own_volume() -> None:
    # 10 % of all volume when others trade 900 is 100.
    assert participation_child(D(1000), rate=0.1, others_volume=900.0) == 100
    assert participation_child(D(50), rate=0.1, others_volume=900.0) == 50
    assert participation_child(D(1000), rate=0.1, others_volume=900.0, lot=D(30)) == 90


def test_participation_plan_tells_what_is_left() -> None:
    slices, left = pov(D(250), edges=EDGES, others_volume=[900, 0, 450, 90], rate=0.1)

    assert [part.quantity for part in slices] == [100, 0, 50, 10]
    assert left == 90


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: twap(D(10), start=CLOSE, end=OPEN, slices=2), "end after start"),
        (lambda: twap(D("10.5"), start=OPEN, end=CLOSE, slices=2), "positive number of lots"),
        (lambda: vwap(D(10), edges=EDGES, volume_profile=[1, 2]), "2 spans need 3 edges, got 5"),
        (lambda: vwap(D(10), edges=EDGES[::-1], volume_profile=[1] * 4), "must ascend"),
        (lambda: in_lots(D(10), [0.0, 0.0]), "not all zero"),
        (lambda: in_lots(D(10), [float("nan")]), "must be finite"),
        (lambda: participation_child(D(1), rate=1.0, others_volume=1.0), r"lies in \(0, 1\)"),
        (lambda: participation_child(D(1), rate=0.1, others_volume=-1.0), "not negative"),
        (lambda: paper(temporary_impact=1e-8), "must exceed half the permanent impact"),
        (lambda: paper(volatility=-1.0), "cannot be negative"),
        (lambda: paper(horizon=0.0), "positive quantity, horizon"),
    ],
)
def test_what_cannot_be_planned_is_refused(work: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        work()  # type: ignore[operator]
