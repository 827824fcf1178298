"""Greeks: against QuantLib, as slopes of the price, and at the edges."""

from dataclasses import replace

import numpy as np
import pytest

from measures.option_greeks import option_greeks
from measures.options import AmericanFormula, OptionTerms, option_prices
from tests.quantlib_options import option_terms, quantlib, random_terms

NAMES = ("delta", "gamma", "vega", "theta", "rho")


@pytest.mark.parametrize("engine", ["european", "bjerksund_stensland"])
def test_greeks_equal_those_of_quantlib(engine: str) -> None:
    american = engine != "european"
    options = replace(
        random_terms(300, is_american=american, seed=1), formula=AmericanFormula.ONE_BOUNDARY
    )

    greeks = option_greeks(options)

    for i in range(300):
        peer = quantlib(options, i, engine=engine)
        assert greeks.price[i] == pytest.approx(peer.NPV(), abs=1e-8)
        for name in NAMES:
            assert getattr(greeks, name)[i] == pytest.approx(getattr(peer, name)(), abs=1e-8)


@pytest.mark.parametrize("formula", list(AmericanFormula))
@pytest.mark.parametrize("is_call", [True, False])
def test_american_greeks_are_slopes_of_the_price(
    formula: AmericanFormula, *, is_call: bool
) -> None:
    rates = {"rate": 0.02, "dividend": 0.06} if is_call else {"rate": 0.06, "dividend": 0.02}
    options = replace(option_terms(is_call=is_call, is_american=True, **rates), formula=formula)
    greeks = option_greeks(options)

    def slope(name: str, step: float) -> float:
        up, down = (
            option_prices(replace(options, **{name: getattr(options, name) + s}))[0]
            for s in (step, -step)
        )
        return float((up - down) / (2 * step))

    assert greeks.delta[0] == pytest.approx(slope("spot", 1e-3), abs=1e-7)
    assert greeks.vega[0] == pytest.approx(slope("volatility", 1e-5), rel=1e-6)
    assert greeks.theta[0] == pytest.approx(-slope("years", 1e-5), rel=1e-6)
    assert greeks.rho[0] == pytest.approx(slope("rate", 1e-6), rel=1e-5)
    up, down = (
        option_greeks(replace(options, spot=options.spot + s)).delta[0] for s in (1e-3, -1e-3)
    )
    assert greeks.gamma[0] == pytest.approx((up - down) / 2e-3, rel=1e-5)


def test_an_option_that_is_exercised_at_once_moves_as_what_it_pays() -> None:
    deep = option_terms(spot=60.0, is_call=False, is_american=True, rate=0.1)
    greeks = option_greeks(deep)
    found = [getattr(greeks, name)[0] for name in ("price", *NAMES)]
    assert found == pytest.approx([40.0, -1.0, 0.0, 0.0, 0.0, 0.0])


def test_an_american_call_without_a_dividend_has_the_greeks_of_the_european() -> None:
    terms = {"dividend": 0.0, "spot": np.array([80.0, 100.0, 130.0])}
    american, european = (
        option_greeks(option_terms(is_american=early, **terms)) for early in (True, False)
    )
    for name in NAMES:
        assert getattr(american, name).tolist() == getattr(european, name).tolist()


def test_greeks_do_not_jump_where_waiting_ends_nor_where_rate_and_dividend_are_equal() -> None:
    near = option_terms(
        spot=np.linspace(80.0, 90.0, 201), is_call=False, is_american=True, rate=0.06
    )
    delta = option_greeks(near).delta
    assert delta.min() == pytest.approx(-1.0, abs=0.02)
    assert np.abs(np.diff(delta)).max() < 0.02
    level = option_terms(rate=0.05, dividend=0.05, is_american=True)
    assert all(np.isfinite(getattr(option_greeks(level), name)).all() for name in NAMES)


def test_expired_options_have_no_greeks_but_delta() -> None:
    greeks = option_greeks(option_terms(years=0.0, spot=110.0))
    assert (greeks.delta[0], greeks.gamma[0], greeks.vega[0]) == (1.0, 0.0, 0.0)
    american: OptionTerms = option_terms(years=0.0, spot=110.0, is_american=True)
    assert option_greeks(american).gamma[0] == 0.0
