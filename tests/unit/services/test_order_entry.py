"""Tests of order entry: nothing lost or doubled, whoever dies when."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, RefusedError
from basics.instruments import Instrument
from basics.trading import Book, Side
from infra.database.controls import DatabaseControlStore
from infra.database.engine import Database
from infra.database.limits import DatabaseLimitStore
from infra.database.orders import DatabaseOrderJournal
from infra.setting_groups import VenueSettings
from infra.venues import SimulatedVenue, build_simulated_venue
from market.panel import Panel
from oms.controls import ApprovedOrder, ControlLimits, TradingState
from oms.orders import Order
from oms.states import OrderStatus, OrderType, TimeInForce
from risk.limits import Limit, Scope
from risk.limits import Override as LimitOverride
from services.desk_market import SessionMarket, last_session_market
from services.limit_register import LimitRegister
from services.order_entry import OrderEntry
from services.order_tickets import DESK, OrderTicket
from services.trading import close_at_2100_utc
from services.trading_controls import TradingControls
from tests.integration.trading_run import database

D = Decimal
T = TypeVar("T")
NOW = datetime(2022, 3, 1, 15, tzinfo=UTC)
MARKET_BUY = OrderTicket(cl_ord_id="a", symbol="AAA", side=Side.BUY, quantity=D(100))
LIMIT_BUY = OrderTicket(
    cl_ord_id="b",
    symbol="AAA",
    side=Side.BUY,
    quantity=D(100),
    order_type=OrderType.LIMIT,
    limit_price=D("95"),
    time_in_force=TimeInForce.GOOD_TILL_CANCEL,
)


def market(*closes: float) -> SessionMarket:
    """Return the market after sixty sessions about 100 and then `closes`."""
    rng = np.random.default_rng(3)
    path = np.concatenate([100 * np.exp(np.cumsum(rng.normal(0, 0.001, 60))), [100.0, *closes]])
    first = np.datetime64("2022-01-01")
    panel = Panel(
        ("AAA",),
        np.arange(first, first + len(path)),
        {"close": path[None, :], "volume": np.full((1, len(path)), 1e6)},
    )
    return last_session_market(
        panel, instruments={"AAA": Instrument(symbol="AAA")}, session_close=close_at_2100_utc
    )


class DyingVenue(SimulatedVenue):
    """A venue whose process dies as it is asked: before or after it acted."""

    def __init__(self, venue: SimulatedVenue, *, after: bool) -> None:
        super().__init__(venue._exchange)
        self._after = after

    async def submit(self, order: ApprovedOrder) -> None:
        if self._after:
            await super().submit(order)
        raise KeyboardInterrupt

    async def cancel(self, cl_ord_id: str) -> None:
        if self._after:
            await super().cancel(cl_ord_id)
        raise KeyboardInterrupt


@asynccontextmanager
async def unguarded() -> AsyncIterator[None]:
    yield


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Database]:
    database_ = database(tmp_path)
    yield database_
    database_.close()


def largest_position(hard: float, **row: object) -> Limit:
    """Return a limit on the largest position of a strategy."""
    return Limit(
        metric="largest_position", scope=Scope.STRATEGY, warn=hard / 2, soft=hard, hard=hard,
        owner="risk", **row,
    )  # fmt: skip


def entry(opened: Database, **terms: object) -> OrderEntry:
    """Return order entry as a new process would open it."""
    today = terms.pop("today", market())
    defaults: dict[str, object] = {
        "book": Book("fund", "portfolio", "manual", "paper"),
        "capital": D(100_000),
        "venue": build_simulated_venue(VenueSettings()),
        "journal": DatabaseOrderJournal(opened),
        "controls": DatabaseControlStore(opened),
        "market": lambda: today,
        "limits": lambda _book: ControlLimits(),
        "risk_limits": lambda: [largest_position(0.5)],
        "restricted": {},
        "clock": ManualClock(NOW),
        "exclusive": unguarded,
    }
    return OrderEntry(**(defaults | terms))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_market_order_is_filled_and_read_back(opened: Database) -> None:
    order = run(entry(opened).place(MARKET_BUY))

    assert (order.status, order.cum_quantity) == (OrderStatus.FILLED, 100)
    assert run(entry(opened).order("a")) == order
    assert order.decision_price == D(100)


def test_order_placed_twice_executes_once(opened: Database) -> None:
    first = run(entry(opened).place(MARKET_BUY))

    assert run(entry(opened).place(MARKET_BUY)) == first
    assert len(DatabaseOrderJournal(opened).fills(DESK)) == 1


def test_name_taken_by_another_order_is_refused(opened: Database) -> None:
    run(entry(opened).place(MARKET_BUY))

    with pytest.raises(ConflictError, match="a is taken by an order with another side"):
        run(entry(opened).place(replace(MARKET_BUY, side=Side.SELL)))


def test_refused_order_is_journalled_and_never_sent(opened: Database) -> None:
    with pytest.raises(RefusedError, match="PERMISSION_SHORT_UNMARKED"):
        run(entry(opened).place(replace(MARKET_BUY, side=Side.SELL)))

    order = run(entry(opened).order("a"))
    assert order.status is OrderStatus.REJECTED
    assert {venue for venue, _ in order.reports_seen} == {DESK}


@pytest.mark.parametrize("after", [False, True])
def test_order_of_a_process_that_died_sending_is_taken_up_and_booked_once(
    opened: Database, *, after: bool
) -> None:
    dying = DyingVenue(build_simulated_venue(VenueSettings()), after=after)
    with pytest.raises(KeyboardInterrupt):
        run(entry(opened, venue=dying).place(MARKET_BUY))
    assert run(entry(opened).order("a")).status is OrderStatus.PENDING_NEW

    run(entry(opened).place(replace(MARKET_BUY, cl_ord_id="next", quantity=D(7))))

    assert run(entry(opened).order("a")).status is OrderStatus.FILLED
    assert [f.quantity for f in DatabaseOrderJournal(opened).fills(DESK)] == [100, 7]


@pytest.mark.parametrize("after", [False, True])
def test_cancel_of_a_process_that_died_asking_is_taken_up(opened: Database, *, after: bool) -> None:
    venue = DyingVenue(build_simulated_venue(VenueSettings()), after=after)
    run(entry(opened).place(LIMIT_BUY))
    with pytest.raises(KeyboardInterrupt):
        run(entry(opened, venue=venue).cancel("b"))
    assert run(entry(opened).order("b")).status is OrderStatus.PENDING_CANCEL

    run(entry(opened).place(MARKET_BUY))

    assert run(entry(opened).order("b")).status is OrderStatus.CANCELED


def test_order_refused_when_it_is_taken_up_again_ends_rejected(opened: Database) -> None:
    dying = DyingVenue(build_simulated_venue(VenueSettings()), after=False)
    with pytest.raises(KeyboardInterrupt):
        run(entry(opened, venue=dying).place(MARKET_BUY))

    run(entry(opened, restricted={"AAA": "since then"}).orders())
    with pytest.raises(RefusedError):
        run(
            entry(opened, restricted={"AAA": "since then"}).place(
                replace(MARKET_BUY, cl_ord_id="c")
            )
        )

    assert run(entry(opened).order("a")).status is OrderStatus.REJECTED
    assert DatabaseOrderJournal(opened).fills(DESK) == []


def test_resting_order_executes_when_a_later_session_reaches_it(opened: Database) -> None:
    resting = run(entry(opened).place(LIMIT_BUY))
    assert resting.status is OrderStatus.NEW

    run(entry(opened, today=market(94.0)).place(MARKET_BUY))

    order = run(entry(opened).order("b"))
    assert (order.status, order.average_price) == (OrderStatus.FILLED, D("95"))


def test_day_order_expires_with_the_next_session(opened: Database) -> None:
    run(entry(opened).place(replace(LIMIT_BUY, time_in_force=TimeInForce.DAY)))

    run(entry(opened, today=market(94.0)).place(MARKET_BUY))

    assert run(entry(opened).order("b")).status is OrderStatus.EXPIRED


def test_cancelled_by_one_process_is_cancelled_for_the_other(opened: Database) -> None:
    here, there = entry(opened), entry(opened)
    run(here.place(LIMIT_BUY))

    assert run(there.cancel("b")).status is OrderStatus.CANCELED
    with pytest.raises(ConflictError, match="b is CANCELED: nothing is left to change"):
        run(here.cancel("b"))


def test_replace_changes_the_terms_after_the_same_checks(opened: Database) -> None:
    desk = entry(opened)
    run(desk.place(LIMIT_BUY))

    assert run(desk.replace("b", quantity=D(150))).quantity == 150
    with pytest.raises(RefusedError, match="EXPOSURE_ABOVE_POSITION"):
        run(desk.replace("b", quantity=D(501)))
    assert run(desk.order("b")).quantity == 150
    assert run(desk.replace("b", limit_price=D("101"))).status is OrderStatus.FILLED


def test_replace_with_the_same_terms_is_refused(opened: Database) -> None:
    run(entry(opened).place(LIMIT_BUY))

    with pytest.raises(InvalidInputError, match="nothing to replace"):
        run(entry(opened).replace("b", quantity=D(100)))


def test_an_order_that_passes_near_a_limit_is_noted_and_the_soft_one_logged(
    opened: Database,
) -> None:
    rows = [
        Limit(metric="largest_position", scope=Scope.STRATEGY, warn=0.05, soft=0.5, hard=0.6,
              owner="risk"),
        Limit(metric="gross_leverage", scope=Scope.STRATEGY, warn=0.02, soft=0.05, hard=1.0,
              owner="risk"),
    ]  # fmt: skip
    store = DatabaseLimitStore(opened)
    register = LimitRegister(store, ManualClock(NOW), rows)
    desk = entry(opened, risk_limits=register.in_force, register=register)

    order = run(desk.place(MARKET_BUY))

    assert order.status is OrderStatus.FILLED
    assert order.warnings == (
        "passed with a warning: largest_position of strategy manual would be 0.1, above the warn "
        "limit of 0.05 (fraction of equity; hard 0.6)",
        "passed with a warning: gross_leverage of strategy manual would be 0.1, above the soft "
        "limit of 0.05 (fraction of equity; hard 1)",
    )
    assert DatabaseOrderJournal(opened).order("a").warnings == order.warnings
    assert [(b.portfolio, b.metric, b.scope, b.state) for b in store.breaches(open_only=True)] == [
        ("portfolio", "gross_leverage", "strategy", "soft")
    ]
    # What is only warned of is on the order alone; an order far from every limit has no note.
    free = entry(opened, risk_limits=lambda: [largest_position(0.9)])
    assert run(free.place(replace(LIMIT_BUY, cl_ord_id="c"))).warnings == ()


def test_a_replacement_that_comes_near_a_limit_is_noted(opened: Database) -> None:
    near = Limit(metric="largest_position", scope=Scope.STRATEGY, warn=0.15, soft=0.5, hard=0.6,
                 owner="risk")  # fmt: skip
    desk = entry(opened, risk_limits=lambda: [near])
    run(desk.place(LIMIT_BUY))

    replaced = run(desk.replace("b", quantity=D(200)))

    assert len(replaced.warnings) == 1
    assert replaced.quantity == 200


def test_working_orders_count_against_the_limits(opened: Database) -> None:
    run(entry(opened).place(replace(LIMIT_BUY, quantity=D(400))))

    told = r"EXPOSURE_ABOVE_POSITION: symbol=AAA scope=strategy name=manual share=0\.5010"
    with pytest.raises(RefusedError, match=told):
        run(entry(opened).place(replace(MARKET_BUY, quantity=D(101))))


def test_override_in_the_register_binds_the_next_order_until_its_date(opened: Database) -> None:
    clock = ManualClock(NOW)
    register = LimitRegister(DatabaseLimitStore(opened), clock, [largest_position(0.05)])
    today = market()

    def place(cl_ord_id: str) -> Order:
        desk = entry(opened, risk_limits=register.in_force, today=today)
        return run(desk.place(replace(MARKET_BUY, cl_ord_id=cl_ord_id)))

    with pytest.raises(RefusedError, match=r"share=0\.1000 limit=0\.05"):
        place("before")
    grant = partial(register.grant, "largest_position", Scope.STRATEGY, "*", as_of=date(1990, 1, 1))
    terms = {"hard": 0.3, "reason": "index rebalance", "granted_by": "cro"}
    grant(override=LimitOverride(expires=today.moment.date(), **terms))
    assert place("during").status is OrderStatus.FILLED
    clock.moment = NOW + timedelta(minutes=1)
    grant(override=LimitOverride(expires=date(1990, 1, 2), **terms))
    with pytest.raises(RefusedError, match="EXPOSURE_ABOVE_POSITION"):
        place("expired")


def test_kill_switch_stops_orders_until_it_is_released(opened: Database) -> None:
    controls = TradingControls(store=DatabaseControlStore(opened), clock=ManualClock(NOW))
    controls.kill("desk", reason="stale feed", by="ann")

    with pytest.raises(RefusedError, match="STATE_KILL_SWITCH: why='desk: stale feed'"):
        run(entry(opened).place(MARKET_BUY))

    controls.release("desk", by="ann")
    again = replace(MARKET_BUY, cl_ord_id="again")
    assert run(entry(opened).place(again)).status is OrderStatus.FILLED


def test_reducing_only_lets_holdings_go(opened: Database) -> None:
    run(entry(opened).place(MARKET_BUY))
    controls = TradingControls(store=DatabaseControlStore(opened), clock=ManualClock(NOW))
    controls.set_state("portfolio", TradingState.REDUCING, by="ann")

    with pytest.raises(RefusedError, match="STATE_REDUCING_ONLY"):
        run(entry(opened).place(replace(MARKET_BUY, cl_ord_id="more")))
    sale = replace(MARKET_BUY, cl_ord_id="less", side=Side.SELL)
    assert run(entry(opened).place(sale)).status is OrderStatus.FILLED


def test_override_lifts_a_rule_until_it_expires(opened: Database) -> None:
    clock = ManualClock(NOW)
    controls = TradingControls(store=DatabaseControlStore(opened), clock=clock)
    desk = entry(opened, clock=clock, limits=lambda _book: ControlLimits(max_order_quantity=D(99)))
    controls.override(
        "SIZE_ABOVE_QUANTITY",
        scope="manual",
        reason="one block",
        by="ann",
        lasts=timedelta(minutes=5),
    )

    assert run(desk.place(MARKET_BUY)).status is OrderStatus.FILLED
    clock.moment = NOW + timedelta(minutes=5)
    with pytest.raises(RefusedError, match="SIZE_ABOVE_QUANTITY"):
        run(desk.place(replace(MARKET_BUY, cl_ord_id="late")))
    assert controls.overrides_in_force() == []


def test_standing_by_hand(opened: Database) -> None:
    run(entry(opened).place(MARKET_BUY))
    (fill,) = DatabaseOrderJournal(opened).fills(DESK)
    paid = 100 * fill.price + fill.fee

    today = run(entry(opened).standing())
    later = run(entry(opened, today=market(90.0)).standing())

    assert today.positions == later.positions == {"AAA": D(100)}
    assert today.equity == 100_000 - paid + 100 * D(100)
    assert today.daily_pnl == today.equity - 100_000
    assert later.daily_pnl == 100 * D(-10)
    assert later.drawdown == pytest.approx(float((100_000 - later.equity) / 100_000))


def test_unknown_order_is_missing(opened: Database) -> None:
    with pytest.raises(MissingDataError, match="no order 'nobody'"):
        run(entry(opened).cancel("nobody"))


def test_override_longer_than_a_day_belongs_in_the_policy(opened: Database) -> None:
    controls = TradingControls(store=DatabaseControlStore(opened), clock=ManualClock(NOW))

    with pytest.raises(InvalidInputError, match="change the policy"):
        controls.override(
            "SIZE_ABOVE_QUANTITY", scope="x", reason="r", by="b", lasts=timedelta(days=2)
        )
    with pytest.raises(InvalidInputError, match="say who acts and why"):
        controls.kill("desk", reason=" ", by="ann")
