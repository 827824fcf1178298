"""Tests of `services.pre_trade`: what an order would do to a book's value at risk."""

import numpy as np
import pytest

from basics.errors import MissingDataError
from measures.tail import tail_risk
from services.pre_trade import CovarianceRisk, ScenarioRisk, market_betas

RETURNS = np.random.default_rng(3).standard_t(4, size=(3, 250)) * 0.01
SYMBOLS = ("A", "B", "C")
VALUES = {"A": 100.0, "B": 50.0, "C": 20.0}


def book(**quantities: float) -> ScenarioRisk:
    return ScenarioRisk(symbols=SYMBOLS, returns=RETURNS, values=VALUES, quantities=quantities)


def expected(**quantities: float) -> float:
    exposures = np.array([quantities.get(s, 0.0) * VALUES[s] for s in SYMBOLS])
    return tail_risk(exposures @ RETURNS, confidence=0.99).value_at_risk


def test_risk_of_an_order_is_that_of_the_book_which_holds_it() -> None:
    risk = book(A=10.0, B=-5.0)

    assert risk.value_at_risk() == pytest.approx(expected(A=10.0, B=-5.0))
    assert risk.value_at_risk_after("C", 40.0) == pytest.approx(expected(A=10.0, B=-5.0, C=40.0))

    risk.add("C", 40.0)

    assert risk.value_at_risk() == pytest.approx(expected(A=10.0, B=-5.0, C=40.0))
    assert risk.value_at_risk_after("A", -10.0) == pytest.approx(expected(B=-5.0, C=40.0))


def test_empty_book_has_no_risk_and_an_unknown_symbol_is_refused() -> None:
    assert book().value_at_risk() == 0.0
    with pytest.raises(MissingDataError, match="Z has no scenarios"):
        ScenarioRisk(
            symbols=SYMBOLS, returns=RETURNS, values=VALUES | {"Z": 1.0}, quantities={}
        ).value_at_risk_after("Z", 1.0)


def test_normal_and_historical_agree_on_normal_returns() -> None:
    normal = np.random.default_rng(4).normal(size=(2, 20_000)) * 0.01
    terms = {"symbols": ("A", "B"), "values": VALUES, "quantities": {"A": 3.0, "B": 8.0}}

    by_law = CovarianceRisk(covariance=np.cov(normal), **terms)
    by_history = ScenarioRisk(returns=normal, **terms)

    assert by_history.value_at_risk() == pytest.approx(by_law.value_at_risk(), rel=0.05)


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
