"""Tests of `services.pre_trade`: what an order would do to a book's value at risk."""

import numpy as np
import pytest

from basics.errors import MissingDataError
from measures.tail import tail_risk
from risk.live import LiveBook
from risk.market_state import estimate_state
from risk.shocks import Shock
from risk.stress import Basis, StressScenario
from services.pre_trade import CovarianceRisk, MeasuredRisk, ScenarioRisk, market_betas

RETURNS = np.random.default_rng(3).standard_t(4, size=(3, 250)) * 0.01
SYMBOLS = ("A", "B", "C")
VALUES = {"A": 100.0, "B": 50.0, "C": 20.0}


def book(**quantities: float) -> ScenarioRisk:
    return ScenarioRisk(
        symbols=SYMBOLS, returns=RETURNS, values=VALUES, quantities=quantities,
        daily_notional={"B": 1_000.0, "C": 10_000.0},
    )  # fmt: skip


def expected(**quantities: float) -> float:
    exposures = np.array([quantities.get(s, 0.0) * VALUES[s] for s in SYMBOLS])
    return tail_risk(exposures @ RETURNS, confidence=0.99).value_at_risk


def test_risk_of_an_order_is_that_of_the_book_which_holds_it() -> None:
    risk = book(A=10.0, B=-5.0)

    with_c = expected(A=10.0, B=-5.0, C=40.0)
    assert risk.figures().value_at_risk == pytest.approx(expected(A=10.0, B=-5.0))
    assert risk.figures_after("C", 40.0).value_at_risk == pytest.approx(with_c)

    risk.add("C", 40.0)

    assert risk.figures().value_at_risk == pytest.approx(with_c)
    without_a = risk.figures_after("A", -10.0)
    assert without_a.value_at_risk == pytest.approx(expected(B=-5.0, C=40.0))
    whole = np.array([0.0, -250.0, 800.0]) @ RETURNS
    assert without_a.expected_shortfall == pytest.approx(
        tail_risk(whole, confidence=0.975).expected_shortfall
    )
    # A day's volume is worth 1,000 of B and 10,000 of C, of which a tenth may be traded.
    assert without_a.days_to_liquidate == pytest.approx(2.5)


def test_empty_book_has_no_risk_and_an_unknown_symbol_is_refused() -> None:
    assert book().figures().value_at_risk == 0.0
    assert book().covers("A")
    assert not book().covers("Z")
    with pytest.raises(MissingDataError, match="Z has no scenarios"):
        ScenarioRisk(
            symbols=SYMBOLS, returns=RETURNS, values=VALUES | {"Z": 1.0}, quantities={}
        ).figures_after("Z", 1.0)


def test_normal_and_historical_agree_on_normal_returns() -> None:
    normal = np.random.default_rng(4).normal(size=(2, 20_000)) * 0.01
    terms = {"symbols": ("A", "B"), "values": VALUES, "quantities": {"A": 3.0, "B": 8.0}}

    by_law = CovarianceRisk(covariance=np.cov(normal), **terms)
    by_history = ScenarioRisk(returns=normal, **terms)

    for name in ("value_at_risk", "expected_shortfall"):
        mine, other = (getattr(risk.figures(), name) for risk in (by_history, by_law))
        assert mine == pytest.approx(other, rel=0.05)


def test_risk_on_the_nights_market_is_that_of_the_book_which_holds_the_order() -> None:
    state = estimate_state(
        SYMBOLS, RETURNS, market=RETURNS.mean(axis=0), rates=None, daily_notional={"A": 1e4}
    )
    crash, mild, free = (
        StressScenario(
            name=name, title="", description="", basis=Basis.REVALUATION,
            shock=Shock(market_return=fall), limited=limited,
        )
        for name, fall, limited in (("crash", -0.2, None), ("mild", -0.1, None), ("x", -0.9, False))
    )  # fmt: skip
    scenarios = [crash, mild, free]
    market = LiveBook(state, RETURNS, np.zeros(3), scenarios=scenarios)
    risk = MeasuredRisk(
        market, scenarios=scenarios, values=VALUES, quantities={"A": 10.0, "B": -5.0},
        daily_notional={"A": 1e4},
    )  # fmt: skip

    after = risk.figures_after("C", 40.0)

    exposures = np.array([1_000.0, -250.0, 800.0])
    assert after.value_at_risk == pytest.approx(expected(A=10.0, B=-5.0, C=40.0))
    assert after.expected_shortfall == pytest.approx(
        tail_risk(exposures @ RETURNS, confidence=0.975).expected_shortfall
    )
    # The fall of 90% is written down, and does not count for the limit.
    assert after.worst_stress_loss == pytest.approx(0.2 * float(exposures @ state.market_betas))
    assert after.days_to_liquidate == pytest.approx(1.0)
    assert risk.figures().value_at_risk == pytest.approx(expected(A=10.0, B=-5.0))
    risk.add("C", 40.0)
    assert risk.figures().value_at_risk == pytest.approx(after.value_at_risk)
    assert not risk.covers("Z")


def test_betas_average_to_one_and_leave_out_what_has_no_history() -> None:
    covariance = np.full((4, 4), np.nan)
    covariance[:3, :3] = np.cov(RETURNS)

    betas = market_betas((*SYMBOLS, "NEW"), covariance)

    assert set(betas) == set(SYMBOLS)
    assert np.mean(list(betas.values())) == pytest.approx(1.0)
    market = RETURNS.mean(axis=0)
    assert betas["B"] == pytest.approx(np.cov(RETURNS[1], market)[0, 1] / market.var(ddof=1))
    assert market_betas(("NEW",), np.full((1, 1), np.nan)) == {}
    assert market_betas(("FLAT",), np.zeros((1, 1))) == {}
