"""Tests of `oms.matching.reference`: prices, costs, time in force, identity."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from basics.errors import InvalidInputError
from basics.trading import Book, Liquidity, Side
from market.liquidity import ImpactModel
from oms.matching import FeeSchedule, Quote, ReferenceExchange
from oms.orders import Order, Report
from oms.states import OrderEvent, OrderType, TimeInForce

D = Decimal
NOW = datetime(2022, 1, 3, 15, tzinfo=UTC)
ORDER = Order(
    cl_ord_id="x",
    book=Book("fund", "portfolio", "strategy", "account"),
    symbol="AAPL",
    side=Side.BUY,
    quantity=D(1000),
    created_at=NOW,
)
LIMIT = replace(ORDER, order_type=OrderType.LIMIT, limit_price=D("99.00"))


def exchange(price: str = "100", **terms: object) -> ReferenceExchange:
    defaults: dict[str, object] = {
        "name": "SIM",
        # Ten basis points half spread and nothing else: prices by hand.
        "impact": ImpactModel(half_spread=0.001, temporary=0.0, permanent=0.0),
        "fees": FeeSchedule(per_unit=D("0.005"), minimum=D("1")),
    }
    made = ReferenceExchange(**(defaults | terms))
    made.move(quotes(price), at=NOW)
    return made


def quotes(price: str) -> dict[str, Quote]:
    return {"AAPL": Quote(price=D(price), daily_volume=100_000.0, volatility=0.02)}


def events(reports: list[Report]) -> list[str]:
    return [report.event.name for report in reports]


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "100.1"), (Side.SELL, "99.9")])
def test_market_order_pays_the_spread_and_the_fee(side: Side, price: str) -> None:
    reports = exchange().submit(replace(ORDER, side=side))

    assert events(reports) == ["NEW", "TRADE"]
    execution = reports[1].execution
    assert execution is not None
    assert (execution.price, execution.mid_price) == (D(price), D(100))
    assert (execution.fee, execution.liquidity) == (D("5.00"), Liquidity.REMOVED)


def test_concession_is_that_of_the_impact_model() -> None:
    model = ImpactModel()

    reports = exchange(impact=model).submit(ORDER)

    expected = float(model.concession(1000.0, volume=100_000.0, volatility=0.02))
    assert reports[1].execution is not None
    assert float(reports[1].execution.price) == pytest.approx(100 * (1 + expected), abs=5e-5)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_order_moves_the_mid_and_pays_half_the_spread_beyond(side: Side) -> None:
    model = ImpactModel(half_spread=0.0003)

    reports = exchange(impact=model).submit(replace(ORDER, side=side))

    parts = model.parts(1000.0, volume=100_000.0, volatility=0.02)
    execution = reports[1].execution
    assert execution is not None
    assert execution.mid_price is not None
    moved = float(parts.temporary + parts.permanent)
    assert float(execution.mid_price) == pytest.approx(100 * (1 + side.sign * moved), abs=5e-5)
    paid = float(execution.price - execution.mid_price) * side.sign
    assert paid == pytest.approx(100 * 0.0003, abs=1e-4)


def test_small_trade_pays_the_minimum_fee() -> None:
    reports = exchange().submit(replace(ORDER, quantity=D(1)))

    assert reports[1].execution is not None
    assert reports[1].execution.fee == D("1.00")


def test_order_beyond_the_share_of_volume_is_filled_in_part_and_expires() -> None:
    reports = exchange(max_volume_share=D("0.005")).submit(ORDER)

    assert events(reports) == ["NEW", "TRADE", "EXPIRED"]
    assert reports[1].execution is not None
    assert reports[1].execution.quantity == 500


@pytest.mark.parametrize(
    ("time_in_force", "expected"),
    [
        (TimeInForce.IMMEDIATE_OR_CANCEL, ["NEW", "TRADE", "CANCELED"]),
        (TimeInForce.FILL_OR_KILL, ["NEW", "CANCELED"]),
    ],
)
def test_what_must_execute_at_once_leaves_nothing_behind(
    time_in_force: TimeInForce, expected: list[str]
) -> None:
    order = replace(ORDER, time_in_force=time_in_force)

    assert events(exchange(max_volume_share=D("0.005")).submit(order)) == expected


def test_limit_rests_until_the_market_comes_and_then_gets_its_own_price() -> None:
    market = exchange()
    assert events(market.submit(LIMIT)) == ["NEW"]
    assert market.move(quotes("99.01"), at=NOW + timedelta(minutes=1)) == []

    (trade,) = market.move(quotes("98.50"), at=NOW + timedelta(minutes=2))

    assert trade.execution is not None
    assert (trade.execution.price, trade.execution.liquidity) == (D("99.00"), Liquidity.ADDED)


def test_limit_that_costs_would_exceed_does_not_execute_on_arrival() -> None:
    order = replace(LIMIT, limit_price=D("100.05"))  # 100 and the spread would be 100.10.

    assert events(exchange().submit(order)) == ["NEW"]


@pytest.mark.parametrize(
    ("side", "stop", "untouched", "touched"),
    [(Side.BUY, "101", "100.9", "101"), (Side.SELL, "99", "99.1", "98.9")],
)
def test_stop_waits_for_its_price(side: Side, stop: str, untouched: str, touched: str) -> None:
    market = exchange()
    order = replace(ORDER, side=side, order_type=OrderType.STOP, stop_price=D(stop))
    assert events(market.submit(order)) == ["NEW"]

    assert market.move(quotes(untouched), at=NOW + timedelta(minutes=1)) == []
    assert events(market.move(quotes(touched), at=NOW + timedelta(minutes=2))) == ["TRADE"]


def test_day_order_expires_with_its_day_and_a_lasting_one_stays() -> None:
    market = exchange()
    market.submit(LIMIT)
    lasting = replace(LIMIT, cl_ord_id="y", time_in_force=TimeInForce.GOOD_TILL_CANCEL)
    market.submit(lasting)
    dated = replace(
        LIMIT,
        cl_ord_id="z",
        time_in_force=TimeInForce.GOOD_TILL_DATE,
        expires_on=(NOW + timedelta(days=1)).date(),
    )
    market.submit(dated)

    first = market.move(quotes("100"), at=NOW + timedelta(days=1))
    second = market.move(quotes("100"), at=NOW + timedelta(days=2))

    assert [(report.cl_ord_id, report.event.name) for report in first] == [("x", "EXPIRED")]
    assert [(report.cl_ord_id, report.event.name) for report in second] == [("z", "EXPIRED")]


def test_order_sent_twice_executes_once_and_tells_the_same() -> None:
    market = exchange()

    assert market.submit(ORDER) == market.submit(ORDER)


def test_same_orders_on_the_same_market_give_the_same_reports() -> None:
    assert exchange().submit(ORDER) == exchange().submit(ORDER)


def test_cancel_ends_a_resting_order_and_comes_too_late_for_another() -> None:
    market = exchange()
    market.submit(LIMIT)
    market.submit(replace(ORDER, cl_ord_id="filled"))

    assert events(market.cancel("x")) == ["CANCELED"]
    assert events(market.cancel("filled")) == ["CANCEL_REJECTED"]
    (unknown,) = market.cancel("nobody")
    assert (unknown.event, unknown.reason) == (
        OrderEvent.CANCEL_REJECTED,
        "unknown order (102=1)",
    )


def test_replaced_limit_may_execute_at_once() -> None:
    market = exchange()
    market.submit(LIMIT)

    reports = market.replace(replace(LIMIT, limit_price=D("100.50"), quantity=D(400)))

    assert events(reports) == ["REPLACED", "TRADE"]
    assert reports[1].execution is not None
    assert reports[1].execution.quantity == 400


def test_restored_order_goes_on_with_the_next_report_number() -> None:
    first = exchange()
    stands = LIMIT
    for report in first.submit(LIMIT):
        stands = stands.after(report)
    second = exchange()

    second.restore([stands], at=NOW)

    (cancelled,) = second.cancel("x")
    assert cancelled.report_id == "x:2"


def test_restored_day_order_expires_when_the_day_has_passed() -> None:
    market = exchange()

    market.restore([LIMIT], at=NOW)

    assert events(market.move(quotes("100"), at=NOW + timedelta(days=1))) == ["EXPIRED"]


def test_symbol_without_a_price_is_rejected() -> None:
    reports = exchange().submit(replace(ORDER, symbol="GONE"))

    assert events(reports) == ["REJECTED"]


def test_exchange_without_a_market_says_what_to_do() -> None:
    closed = ReferenceExchange(name="SIM", impact=ImpactModel(), fees=FeeSchedule())

    with pytest.raises(InvalidInputError, match="has no market yet"):
        closed.submit(ORDER)


def test_negative_fee_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="fee per_unit must not be negative"):
        FeeSchedule(per_unit=D("-0.01"))
