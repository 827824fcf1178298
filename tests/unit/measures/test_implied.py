"""What a price implies: the parameter that was put in comes out, and no price out of bounds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from measures.bonds import CashFlows, ZeroCurve, bond_prices, coupon_cash_flows
from measures.implied import implied_volatility, zero_spread
from measures.options import OptionTerms, option_prices

CURVE = ZeroCurve(np.array([1.0, 5.0, 10.0]), np.array([0.01, 0.02, 0.025]))
FLOWS = coupon_cash_flows(7.3, coupon_rate=0.03, coupons_per_year=2, face=100.0)


def option(*, is_call: bool = True, is_american: bool = False) -> OptionTerms:
    return OptionTerms(
        spot=np.array([100.0]), strike=np.array([95.0]), years=np.array([0.5]),
        volatility=np.array([0.2]), rate=np.array([0.02]), dividend=np.array([0.01]),
        is_call=np.array([is_call]), is_american=np.array([is_american]),
    )  # fmt: skip


def test_a_single_payment_has_the_spread_of_its_price_by_hand() -> None:
    flow = CashFlows(np.array([5.0]), np.array([100.0]))

    # 100 exp(-(0.02 + s) 5) = 88: s = ln(100/88)/5 - 0.02.
    assert zero_spread(flow, CURVE, 88.0) == pytest.approx(np.log(100 / 88) / 5 - 0.02, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.05, 0.3))
def test_the_spread_that_priced_a_bond_comes_back(spread: float) -> None:
    price = float(bond_prices(FLOWS, ZeroCurve(CURVE.years, CURVE.rates + spread)))

    assert zero_spread(FLOWS, CURVE, price) == pytest.approx(spread, abs=1e-10)


@settings(max_examples=30, deadline=None)
@given(volatility=st.floats(0.05, 1.5), is_call=st.booleans(), is_american=st.booleans())
def test_the_volatility_that_priced_an_option_comes_back(
    *, volatility: float, is_call: bool, is_american: bool
) -> None:
    terms = option(is_call=is_call, is_american=is_american)
    price = float(option_prices(replace(terms, volatility=np.array([volatility])))[0])

    found = implied_volatility(terms, price)

    again = float(option_prices(replace(terms, volatility=np.array([found])))[0])
    assert again == pytest.approx(price, abs=1e-7)


@pytest.mark.parametrize("price", [0.5, 101.0, -1.0])
def test_a_price_outside_the_bounds_has_no_volatility(price: float) -> None:
    with pytest.raises(InvalidInputError, match=f"no volatility gives a price of {price:g}"):
        implied_volatility(option(), price)


@pytest.mark.parametrize("price", [0.0, 1e9])
def test_a_price_that_no_spread_gives_is_refused(price: float) -> None:
    with pytest.raises(InvalidInputError, match="no spread over the curve gives a price"):
        zero_spread(FLOWS, CURVE, price)
