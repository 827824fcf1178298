"""Tests of `measures.bonds`: by hand, against QuantLib, and by bumping."""

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - its usual name

from basics.errors import InvalidInputError
from measures.bonds import (
    CashFlows,
    ZeroCurve,
    bond_measures,
    bond_prices,
    coupon_cash_flows,
)

YEARS = np.array([1.0, 2.0, 5.0, 10.0])
CURVE = ZeroCurve(YEARS, np.array([0.02, 0.025, 0.03, 0.035]))
FLOWS = coupon_cash_flows(6.3, coupon_rate=0.05, coupons_per_year=2)


def test_cash_flows_count_back_from_maturity() -> None:
    flows = coupon_cash_flows(1.2, coupon_rate=0.06, coupons_per_year=2)
    assert flows.years == pytest.approx([0.2, 0.7, 1.2])
    assert flows.amounts == pytest.approx([3.0, 3.0, 103.0])


def test_zero_bond_by_hand() -> None:
    flows = CashFlows(np.array([3.5]), np.array([100.0]))
    # Half way between 2.5% at 2 years and 3% at 5.
    measures = bond_measures(flows, CURVE)
    assert measures.price == pytest.approx(100 * np.exp(-0.0275 * 3.5))
    assert measures.duration == pytest.approx(3.5)
    assert measures.convexity == pytest.approx(3.5**2)
    assert measures.key_rate_dv01[[0, 3]].tolist() == [0.0, 0.0]


def test_price_equals_quantlib_on_the_same_curve() -> None:
    today = ql.Date(1, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    dates = [today] + [today + int(365 * y) for y in YEARS]
    curve = ql.ZeroCurve(dates, [0.02, 0.02, 0.025, 0.03, 0.035], ql.Actual365Fixed())
    curve.enableExtrapolation()
    flows = CashFlows(np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 5.0, 5.0, 105.0]))
    expected = sum(
        amount * curve.discount(float(t))
        for t, amount in zip(flows.years, flows.amounts, strict=True)
    )
    assert bond_prices(flows, CURVE) == pytest.approx(expected, abs=1e-8)


def test_duration_and_convexity_are_the_slopes_of_the_price() -> None:
    measures = bond_measures(FLOWS, CURVE)
    h = 1e-4
    up, down = (float(bond_prices(FLOWS, ZeroCurve(YEARS, CURVE.rates + s))) for s in (h, -h))
    assert measures.duration == pytest.approx((down - up) / (2 * h) / measures.price, rel=1e-6)
    assert measures.convexity == pytest.approx(
        (up - 2 * measures.price + down) / h**2 / measures.price, rel=1e-4
    )


def test_key_rate_dv01_sum_to_the_parallel_dv01_and_are_slopes() -> None:
    measures = bond_measures(FLOWS, CURVE)
    assert measures.key_rate_dv01.sum() == pytest.approx(
        measures.price * measures.duration * 1e-4, rel=1e-12
    )
    bumped = ZeroCurve(YEARS, CURVE.rates + np.array([0, 0, 1e-6, 0]))
    slope = (measures.price - float(bond_prices(FLOWS, bumped))) / 1e-6 * 1e-4
    assert measures.key_rate_dv01[2] == pytest.approx(slope, rel=1e-4)


def test_a_stack_of_curves_is_priced_curve_by_curve() -> None:
    shifts = np.array([[0.0, 0.01, -0.02]])
    prices = bond_prices(FLOWS, ZeroCurve(YEARS, CURVE.rates[:, None] + shifts))
    for k in range(3):
        alone = bond_prices(FLOWS, ZeroCurve(YEARS, CURVE.rates + shifts[0, k]))
        assert prices[k] == pytest.approx(float(alone))


def test_malformed_bonds_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"-0\.5 years from maturity has matured"):
        coupon_cash_flows(-0.5, coupon_rate=0.05, coupons_per_year=2)
    with pytest.raises(InvalidInputError, match="at least one coupon"):
        coupon_cash_flows(5.0, coupon_rate=0.05, coupons_per_year=0)
    with pytest.raises(InvalidInputError, match="increasing"):
        ZeroCurve(np.array([2.0, 1.0]), np.zeros(2))
    with pytest.raises(InvalidInputError, match="must match"):
        ZeroCurve(YEARS, np.zeros(2))
