"""Tests of `services.risk_what_if`: before and after are the profiles themselves."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError, RefusedError
from risk.book import Holding
from risk.limits import Limit, LimitState, Scope
from services.risk import RiskService
from services.risk_what_if import CandidateOrder, what_if
from services.stored_books import StoredBooks
from tests.unit.services.test_risk import LIMITS, SCENARIOS, SYMBOLS, KeptResults, make_inputs

SERVICE = RiskService(
    limits=LIMITS, scenarios=SCENARIOS, results=KeptResults(), policy_version="v1", lookback=500
)


def test_after_is_the_profile_of_the_book_with_the_order_filled() -> None:
    inputs = make_inputs()
    close = float(inputs.prices["close"][0, -1])

    report = what_if(inputs, CandidateOrder(symbol="AAA", quantity=-500.0), risk=SERVICE)

    held = inputs.holdings["AAA"]
    sold = {**inputs.holdings, "AAA": Holding(held.quantity - 500, held.market_value - 500 * close)}
    before = SERVICE.profile(inputs, with_evidence=False)
    after = SERVICE.profile(replace(inputs, holdings=sold), with_evidence=False)
    assert report.value == pytest.approx(-500 * close)
    assert [t.var_before for t in report.tails] == [t.value_at_risk for t in before.tails]
    assert [t.es_after for t in report.tails] == [t.expected_shortfall for t in after.tails]
    assert [s.loss_after for s in report.stresses] == [s.loss for s in after.stresses]
    assert (report.score_before, report.score_after) == (before.score, after.score)
    assert {(c.metric, c.name): c.after for c in report.limits} == {
        (c.metric, c.name): c.value for c in after.limits
    }
    assert report.expected_cost > 0


def test_a_symbol_that_is_not_held_gets_its_own_limit() -> None:
    inputs = make_inputs()
    fewer = {s: h for s, h in inputs.holdings.items() if s != "DDD"}
    report = what_if(
        replace(inputs, holdings=fewer), CandidateOrder(symbol="DDD", quantity=3000.0), risk=SERVICE
    )
    new = next(c for c in report.limits if c.name == "DDD")
    assert (new.before, new.state_before) == (None, LimitState.OK)
    assert new.state_after is LimitState.HARD
    assert any(line.startswith("weight of DDD") for line in report.new_breaches)
    assert report.expected_cost is None  # Its traded volume is unknown.


def test_closing_a_position_and_an_empty_book_are_answered() -> None:
    inputs = make_inputs()
    one = {"AAA": inputs.holdings["AAA"]}
    quantity = -one["AAA"].quantity
    closed = what_if(
        replace(inputs, holdings=one), CandidateOrder(symbol="AAA", quantity=quantity), risk=SERVICE
    )
    assert closed.tails == ()  # Nothing is left to measure.
    assert [s.loss_after for s in closed.stresses] == [None, None]
    opened = what_if(
        replace(inputs, holdings={}), CandidateOrder(symbol="AAA", quantity=10.0), risk=SERVICE
    )
    assert [s.loss_before for s in opened.stresses] == [None, None]
    assert opened.score_after >= opened.score_before


def test_an_order_that_relieves_a_breach_is_no_new_breach() -> None:
    report = what_if(make_inputs(), CandidateOrder(symbol="BBB", quantity=-10.0), risk=SERVICE)
    states = {c.name: c.state_after for c in report.limits if c.metric == "weight"}
    assert states["BBB"] is LimitState.HARD
    assert not any("of BBB" in line for line in report.new_breaches)


@pytest.mark.parametrize("quantity", [0.0, float("nan"), float("inf")])
def test_a_quantity_of_nothing_is_refused(quantity: float) -> None:
    with pytest.raises(InvalidInputError, match="give a number other than zero"):
        CandidateOrder(symbol="AAA", quantity=quantity)


def test_a_symbol_without_a_price_is_refused_by_naming_the_known() -> None:
    with pytest.raises(MissingDataError, match=r"ZZZ has no price history: .* AAA, BBB, CCC, DDD"):
        what_if(make_inputs(), CandidateOrder(symbol="ZZZ", quantity=1.0), risk=SERVICE)
    inputs = make_inputs()
    close = inputs.prices["close"].copy()
    close[2, -1] = np.nan
    gone = replace(
        inputs, prices=type(inputs.prices)(SYMBOLS, inputs.prices.sessions, {"close": close})
    )
    with pytest.raises(MissingDataError, match="CCC has no close on"):
        what_if(gone, CandidateOrder(symbol="CCC", quantity=1.0), risk=SERVICE)


def test_the_simulated_portfolio_of_every_instrument_is_refused() -> None:
    books = StoredBooks(pnl_days=None, market=None, review=None, risk=SERVICE)
    with pytest.raises(RefusedError, match="holds bonds and options on a simulated market"):
        books.what_if(CandidateOrder(symbol="AAA", quantity=1.0), "multi-asset")


def test_score_never_falls_when_one_more_limit_is_used() -> None:
    tight = Limit(metric="hhi", scope=Scope.PORTFOLIO, warn=0.1, soft=0.2, hard=0.3, owner="r")
    order = CandidateOrder(symbol="AAA", quantity=100.0)
    with_it = what_if(make_inputs(), order, risk=replace(SERVICE, limits=(*LIMITS, tight)))
    without = what_if(make_inputs(), order, risk=SERVICE)
    assert with_it.score_after >= without.score_after
