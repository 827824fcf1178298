"""Tests of `oms.orders`: quantities, identity of fills, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import ConflictError, InvalidInputError
from basics.trading import Book, Side
from oms.orders import Execution, Order, Report
from oms.states import OrderEvent, OrderStatus

NOW = datetime(2022, 1, 3, 15, tzinfo=UTC)
ORDER = Order(
    cl_ord_id="x",
    book=Book("fund", "portfolio", "strategy", "account"),
    symbol="AAPL",
    side=Side.SELL,
    quantity=Decimal(100),
    created_at=NOW,
    decision_price=Decimal(50),
)
EVENTS = st.tuples(st.sampled_from(OrderEvent), st.integers(1, 60), st.integers(0, 12))


def said(event: OrderEvent, report_id: str, *, quantity: int = 1, refers_to: str = "") -> Report:
    carries = event in {OrderEvent.TRADE, OrderEvent.TRADE_CORRECT}
    refers = event in {OrderEvent.TRADE_CORRECT, OrderEvent.TRADE_CANCEL}
    return Report(
        venue="SIM",
        cl_ord_id="x",
        report_id=report_id,
        event=event,
        at=NOW,
        execution=Execution(
            venue="SIM",
            exec_id=report_id,
            quantity=Decimal(quantity),
            price=Decimal(50),
            executed_at=NOW,
        )
        if carries
        else None,
        exec_ref_id=refers_to if refers else None,
        quantity=Decimal(quantity) if event is OrderEvent.REPLACED else None,
    )


def test_report_delivered_twice_counts_once() -> None:
    working = ORDER.after(said(OrderEvent.NEW, "1"))
    fill = said(OrderEvent.TRADE, "2", quantity=30)

    assert working.after(fill).after(fill) == working.after(fill)


def test_same_report_id_of_another_venue_is_another_report() -> None:
    working = ORDER.after(said(OrderEvent.NEW, "1"))
    fill = said(OrderEvent.TRADE, "2", quantity=30)
    assert fill.execution is not None
    elsewhere = replace(fill, venue="DARK", execution=replace(fill.execution, venue="DARK"))

    assert working.after(fill).after(elsewhere).cum_quantity == 60


def test_fill_of_a_sale_is_negative_and_carries_the_decision_price() -> None:
    working = ORDER.after(said(OrderEvent.NEW, "1")).after(said(OrderEvent.TRADE, "2", quantity=30))

    fill = working.fill(working.executions[0])

    assert (fill.quantity, fill.decision_price) == (Decimal(-30), Decimal(50))


@settings(max_examples=150)
@given(st.lists(EVENTS, max_size=25))
def test_quantities_add_up_and_no_trade_is_lost_whatever_is_said(
    events: list[tuple[OrderEvent, int, int]],
) -> None:
    stands, booked = ORDER, {}
    for number, (event, quantity, about) in enumerate(events):
        report = said(event, str(number), quantity=quantity, refers_to=str(about))
        try:
            stands = stands.after(report)
        except ConflictError:
            continue  # Refused aloud: the caller keeps the report for reconciliation.
        if report.exec_ref_id is not None:
            del booked[report.exec_ref_id]
        if report.execution is not None:
            booked[report.report_id] = report.execution.quantity

        assert stands.cum_quantity == sum(booked.values())
        assert stands.cum_quantity <= stands.quantity
        if stands.status.closed:
            assert stands.leaves_quantity == 0
        else:
            assert stands.quantity == stands.cum_quantity + stands.leaves_quantity
        assert (stands.status is OrderStatus.FILLED) <= (stands.cum_quantity == stands.quantity)


def test_more_executed_than_ordered_is_refused() -> None:
    working = ORDER.after(said(OrderEvent.NEW, "1"))

    with pytest.raises(ConflictError, match="executed 101 of 100 ordered"):
        working.after(said(OrderEvent.TRADE, "2", quantity=101))


def test_report_on_another_order_is_refused() -> None:
    with pytest.raises(ConflictError, match="a report on y reached order x"):
        ORDER.after(replace(said(OrderEvent.NEW, "1"), cl_ord_id="y"))


def test_correction_of_an_unknown_trade_is_refused() -> None:
    working = ORDER.after(said(OrderEvent.NEW, "1")).after(said(OrderEvent.TRADE, "2"))

    with pytest.raises(ConflictError, match="unknown trade 77 at SIM"):
        working.after(said(OrderEvent.TRADE_CANCEL, "3", refers_to="77"))


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_order_without_a_finite_positive_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(InvalidInputError, match="quantity must be a finite positive number"):
        replace(ORDER, quantity=Decimal(quantity))


def test_order_with_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="timezone-aware"):
        replace(ORDER, created_at=datetime(2022, 1, 3))  # noqa: DTZ001 - the naive moment is the test


def test_trade_report_without_its_execution_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="an execution belongs to a Trade"):
        Report(venue="SIM", cl_ord_id="x", report_id="1", event=OrderEvent.TRADE, at=NOW)
