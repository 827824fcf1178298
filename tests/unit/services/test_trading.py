"""Tests of the trading simulation: what is decided when, at which price, and what is refused."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Lineage, rule_lineage
from infra.database.engine import Database
from infra.database.orders import DatabaseOrderJournal
from market.panel import Panel
from oms.orders import Order
from oms.states import OrderStatus
from risk.limits import Limit, Scope
from services.trading import TradingRequest, TradingResult
from tests.integration.trading_run import SESSIONS, database, request, simulation


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Database]:
    database_ = database(tmp_path)
    yield database_
    database_.close()


def traded(
    opened: Database, asked: TradingRequest, **terms: object
) -> tuple[TradingResult, list[Order]]:
    result = asyncio.run(simulation(opened, **terms).run(asked))
    orders = DatabaseOrderJournal(opened).orders(asked.run_id)
    return result, list(reversed(orders))


def test_orders_decide_on_one_close_and_trade_at_the_next(opened: Database) -> None:
    asked = request()
    close = dict(zip(asked.panel.symbols, asked.panel["close"], strict=True))

    _, orders = traded(opened, asked)

    for order in orders:
        column = int(np.searchsorted(SESSIONS, np.datetime64(order.created_at.date())))
        assert float(order.decision_price) == pytest.approx(close[order.symbol][column], abs=1e-6)
        (execution,) = order.executions
        assert execution.executed_at.date() == SESSIONS[column + 1].item()
        assert float(order.arrival_price) == pytest.approx(
            close[order.symbol][column + 1], abs=1e-6
        )
        # Impact moves the mid away from the close, and half the spread comes on top.
        assert (execution.mid_price - order.arrival_price) * order.side.sign >= 0
        assert (execution.price - execution.mid_price) * order.side.sign > 0


def test_a_fill_knows_its_order_and_the_order_the_prediction_of_its_evening(
    opened: Database,
) -> None:
    asked = request()
    (plan, *rest) = asked.strategies
    follows = replace(plan, lineage=Lineage(model_version="price v2 lightgbm", arm="champion"))
    rule = rule_lineage("others", 1)
    others = tuple(replace(one, lineage=rule) for one in rest)

    _, orders = traded(opened, replace(asked, strategies=(follows, *others)))

    mine = [order for order in orders if order.book == plan.book]
    fills = DatabaseOrderJournal(opened).fills(asked.run_id)
    known = {order.cl_ord_id: order.lineage for order in orders}
    assert mine
    for order in mine:
        said = f"price v2 lightgbm {order.symbol} {order.created_at.date()}"
        assert order.lineage.prediction_id == said
    assert {fill.cl_ord_id: fill.lineage for fill in fills}.items() <= known.items()
    assert {order.lineage for order in orders if order.book != plan.book} <= {rule}


def test_future_prices_change_no_decision_before_them(opened: Database, tmp_path: Path) -> None:
    asked = request()
    cut = len(SESSIONS) - 5
    close = asked.panel["close"].copy()
    close[:, cut:] *= np.random.default_rng(1).uniform(0.5, 2.0, close[:, cut:].shape)
    changed = Panel(asked.panel.symbols, SESSIONS, {**asked.panel.fields, "close": close})
    other = database(tmp_path / "other")

    _, first = traded(opened, asked)
    _, second = traded(other, replace(asked, panel=changed))

    def decided_before_the_cut(orders: list[Order]) -> list[tuple[str, Decimal]]:
        moment = SESSIONS[cut].item()
        return [(o.cl_ord_id, o.quantity) for o in orders if o.created_at.date() < moment]

    assert decided_before_the_cut(first) == decided_before_the_cut(second)
    assert decided_before_the_cut(first)
    other.close()


def test_equity_is_capital_plus_what_the_fills_earned_less_fees(opened: Database) -> None:
    asked = request()

    result, _ = traded(opened, asked)

    last = dict(zip(asked.panel.symbols, asked.panel["close"][:, -1], strict=True))
    fills = DatabaseOrderJournal(opened).fills(asked.run_id)
    for name, path in result.equity.items():
        own = [fill for fill in fills if fill.book.strategy == name]
        earned = sum(
            float(f.quantity) * (last[f.symbol] - float(f.price)) - float(f.fee) for f in own
        )
        assert path[-1] == pytest.approx(1_000_000 + earned, abs=0.05)  # Marks keep six digits.


def test_refused_orders_are_journalled_with_their_reason_and_never_trade(
    opened: Database,
) -> None:
    result, orders = traded(opened, request(), restricted={"AAA": "a test"})

    refused = [order for order in orders if order.symbol == "AAA"]
    assert refused
    assert {order.status for order in refused} == {OrderStatus.REJECTED}
    assert result.refused == len(refused)
    assert all(fill.symbol != "AAA" for fill in DatabaseOrderJournal(opened).fills("run-1"))


def test_limits_bind_the_simulation(opened: Database) -> None:
    tight = Limit(
        metric="largest_position", scope=Scope.STRATEGY, warn=1e-4, soft=1e-4, hard=1e-4,
        owner="risk",
    )  # fmt: skip

    result, _ = traded(opened, request(), risk_limits=[tight])

    assert result.orders == result.refused > 0
    assert result.fills == 0
    assert (result.equity["spread"] == 1_000_000).all()


@pytest.mark.parametrize("metric", ["value_at_risk_99", "expected_shortfall_975"])
def test_the_portfolio_is_held_to_the_risk_of_all_its_strategies(
    opened: Database, tmp_path: Path, metric: str
) -> None:
    def limit(scope: Scope) -> Limit:
        return Limit(metric=metric, scope=scope, warn=1e-6, soft=1e-6, hard=1e-6, owner="risk")

    asked = request()
    assert len(asked.strategies) > 1
    whole, _ = traded(opened, asked, risk_limits=[limit(Scope.PORTFOLIO)])
    other = database(tmp_path / "other")
    each, _ = traded(other, asked, risk_limits=[limit(Scope.STRATEGY)])
    other.close()

    assert whole.refused == whole.orders > 0
    assert each.refused == each.orders > 0


def test_every_session_is_told_once_as_it_is_booked(opened: Database) -> None:
    told: list[date] = []

    result = asyncio.run(simulation(opened).run(request(), on_session=told.append))

    assert tuple(told) == result.sessions
    assert len(told) == 10


def test_symbol_that_stops_trading_keeps_its_last_price_and_its_orders_die(
    opened: Database,
) -> None:
    asked = request()
    close = asked.panel["close"].copy()
    close[0, -5:] = np.nan
    panel = Panel(asked.panel.symbols, SESSIONS, {**asked.panel.fields, "close": close})

    result, orders = traded(opened, replace(asked, panel=panel))

    gone = SESSIONS[-5].item()
    late = [o for o in orders if o.symbol == "AAA" and o.created_at.date() >= gone]
    assert all(not order.executions for order in late)
    assert np.isfinite(result.equity["long"]).all()


def test_scores_of_another_shape_are_refused(opened: Database) -> None:
    plan = replace(request().strategies[0], scores=np.zeros((1, 2)))

    with pytest.raises(InvalidInputError, match=r"scores have shape \(1, 2\)"):
        traded(opened, request(strategies=[plan]))


def test_two_strategies_of_one_name_are_refused(opened: Database) -> None:
    plan = request().strategies[0]

    with pytest.raises(InvalidInputError, match="two strategies are called spread"):
        traded(opened, request(strategies=[plan, plan]))


def test_range_without_sessions_is_refused(opened: Database) -> None:
    with pytest.raises(MissingDataError, match="no session from 2030-01-01"):
        traded(opened, request(start=date(2030, 1, 1), end=date(2030, 2, 1)))
