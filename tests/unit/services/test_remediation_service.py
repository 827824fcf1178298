"""Tests of `services.remediation`: the register judges the book better after than before."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.isolation import PROJECT_ROOT
from infra.policy import load_limits, load_stress
from market.liquidity import ImpactModel
from market.panel import Panel
from risk.book import Holding
from risk.limits import Limit, LimitState, Scope
from services.remediation import RemedyReport, remedy_for, scaled
from services.risk_inputs import History, RiskInputs

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
POLICY = PROJECT_ROOT / "policy"


def inputs(equity: float) -> RiskInputs:
    """Return four stocks worth 1.2 million gross, on `equity`."""
    rng = np.random.default_rng(5)
    sessions = np.arange("2019-01-01", "2021-01-01", dtype="datetime64[D]")
    sessions = sessions[np.is_busday(sessions)]
    market = rng.standard_t(5, size=len(sessions)) * 0.006
    returns = market + rng.normal(scale=0.008, size=(4, len(sessions)))
    close = 100 * np.cumprod(1 + returns, axis=1)
    values = np.array([600_000.0, 300_000.0, 200_000.0, -100_000.0])
    return RiskInputs(
        scope="main",
        as_of=sessions[-1].astype(date),
        holdings={
            symbol: Holding(float(np.round(value / price)), float(np.round(value / price) * price))
            for symbol, value, price in zip(SYMBOLS, values, close[:, -1], strict=True)
        },
        prices=Panel(SYMBOLS, sessions, {"close": close}),
        equity=History(sessions[-60:], np.full(60, equity)),
        sectors={"AAA": "Energy", "BBB": "Energy", "CCC": "Health", "DDD": "Health"},
        daily_notional={"AAA": 5e7, "BBB": 2e8, "CCC": 1e8, "DDD": 1e8},
    )


def remedied(given: RiskInputs, *, limits_scale: float = 1.0) -> RemedyReport:
    return remedy_for(
        given,
        limits=scaled(load_limits(POLICY), limits_scale),
        scenarios=load_stress(POLICY),
        impact=ImpactModel(),
        lookback=400,
    )


def test_every_breach_of_the_policy_is_gone_after_the_trades() -> None:
    report = remedied(inputs(equity=700_000.0))

    breached = [check for check in report.before if check.breached]
    assert {check.metric for check in breached} >= {"net_leverage", "weight"}
    assert [check for check in report.after if check.breached] == []
    assert report.not_solved == ()
    assert 0 < report.expected_cost < 0.01 * sum(abs(t.value) for t in report.trades)


def test_applied_by_hand_the_trades_bring_each_breach_down_and_open_none() -> None:
    given = inputs(equity=700_000.0)
    report = remedied(given)

    values = {symbol: held.market_value for symbol, held in given.holdings.items()}
    for trade in report.trades:
        assert abs(trade.quantity) <= abs(given.holdings[trade.symbol].quantity)
        values[trade.symbol] += trade.value
    by_hand = {
        ("gross_leverage", "main"): sum(map(abs, values.values())) / 700_000.0,
        ("net_leverage", "main"): sum(values.values()) / 700_000.0,
    }
    by_hand |= {("weight", symbol): value / 700_000.0 for symbol, value in values.items()}
    by_hand["weight", "Energy"] = (values["AAA"] + values["BBB"]) / 700_000.0
    after = {(check.metric, check.name): check for check in report.after}
    for key, value in by_hand.items():
        assert after[key].value == pytest.approx(value, abs=1e-9)
    for check in report.before:
        if check.breached:
            now = after[check.metric, check.name]
            assert abs(now.value) < abs(check.value)
            assert abs(now.value) <= now.soft
    assert report.expected_cost == pytest.approx(sum(t.expected_cost for t in report.trades))


def test_limits_of_fund_and_account_are_judged_on_the_book_that_the_trades_leave() -> None:
    given = inputs(equity=2_000_000.0)
    held = {symbol: holding.market_value for symbol, holding in given.holdings.items()}
    given = replace(given, fund="fund", accounts={"acc": held})
    bounds = {"warn": 0.1, "soft": 0.3, "hard": 0.4, "owner": "risk"}
    limits = [
        Limit(metric="gross_leverage", scope=Scope.FUND, **bounds),
        Limit(metric="gross_leverage", scope=Scope.ACCOUNT, **bounds),
    ]

    report = remedy_for(
        given, limits=limits, scenarios=(), impact=ImpactModel(), lookback=400
    )  # fmt: skip

    traded = {trade.symbol: trade.value for trade in report.trades}
    gross = sum(abs(value + traded.get(symbol, 0.0)) for symbol, value in held.items())
    assert {c.scope: c.value for c in report.before} == pytest.approx(
        {"fund": 0.6, "account": 0.6}, abs=1e-3
    )
    assert {c.scope: c.value for c in report.after} == pytest.approx(
        {"fund": gross / 2e6, "account": gross / 2e6}
    )
    assert gross <= 0.3 * 2e6
    assert report.not_solved == ()


def test_a_factor_and_the_largest_position_are_brought_within_their_limits() -> None:
    given = inputs(equity=2_000_000.0)
    held = {symbol: holding.market_value for symbol, holding in given.holdings.items()}
    rng = np.random.default_rng(8)
    close = given.prices["close"]
    returns = close[:, 1:] / close[:, :-1] - 1.0
    style = returns[0] - returns[1] + rng.normal(scale=0.004, size=returns.shape[1])
    market = returns.mean(axis=0)
    sessions = given.prices.sessions[1:]
    given = replace(
        given,
        accounts={"acc": held},
        factors={"market": History(sessions, market), "value": History(sessions, style)},
    )
    limits = [
        Limit(metric="exposure", scope=Scope.FACTOR, name="value", warn=0.01, soft=0.03, hard=0.05,
              owner="risk"),
        Limit(metric="largest_position", scope=Scope.ACCOUNT, warn=0.1, soft=0.2, hard=0.25,
              owner="risk"),
    ]  # fmt: skip

    report = remedy_for(given, limits=limits, scenarios=(), impact=ImpactModel(), lookback=400)

    before = {check.metric: abs(check.value) for check in report.before}
    after = {check.metric: abs(check.value) for check in report.after}
    assert before["largest_position"] == pytest.approx(0.3, abs=1e-3)
    assert before["exposure"] > 0.05
    assert after["largest_position"] <= 0.2
    assert after["exposure"] <= 0.03 + 1e-6
    assert report.not_solved == ()


def test_the_trades_stop_at_the_soft_threshold() -> None:
    report = remedied(inputs(equity=700_000.0))

    # The cheapest remedy leaves the tightest limit just kept, so past its warning.
    assert any(check.state is LimitState.WARN for check in report.after)


def test_book_within_its_limits_needs_no_trade() -> None:
    report = remedied(inputs(equity=20_000_000.0))

    assert report.trades == ()
    assert report.before == report.after


def test_book_without_known_volume_cannot_be_priced() -> None:
    with pytest.raises(MissingDataError, match="no traded volume is known for AAA"):
        remedied(replace(inputs(equity=700_000.0), daily_notional={"BBB": 1e8}))


def test_empty_book_is_missing() -> None:
    with pytest.raises(MissingDataError, match="nothing held can be measured"):
        remedied(replace(inputs(equity=700_000.0), holdings={}))


def test_tighter_limits_ask_for_more_and_the_scale_must_be_positive() -> None:
    now = remedied(inputs(equity=20_000_000.0))
    tighter = remedied(inputs(equity=20_000_000.0), limits_scale=0.05)

    assert now.expected_cost == 0.0 < tighter.expected_cost
    assert tighter.not_solved == ()
    with pytest.raises(InvalidInputError, match="scaled by a positive number, got 0"):
        remedied(inputs(equity=1e6), limits_scale=0.0)
