"""The contract of the `OrderJournal` port, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from basics.errors import ConflictError, MissingDataError
from basics.trading import Book, Lineage, Liquidity, Side
from infra.database.engine import Database
from infra.database.orders import DatabaseOrderJournal
from oms.orders import Execution, Order, Report
from oms.states import OrderEvent, OrderStatus, OrderType, TimeInForce
from services.ports import OrderChange, OrderRefusal, SessionRecord

D = Decimal
NOW = datetime(2022, 3, 1, 15, 0, 0, 123456, tzinfo=UTC)
ORDER = Order(
    cl_ord_id="a",
    book=Book("Fund", "Core", "momentum", "acc"),
    symbol="AAA",
    side=Side.SELL_SHORT,
    quantity=D("100"),
    created_at=NOW,
    order_type=OrderType.STOP_LIMIT,
    limit_price=D("9.990"),
    stop_price=D("10.00"),
    time_in_force=TimeInForce.GOOD_TILL_DATE,
    expires_on=date(2022, 3, 4),
    decision_price=D("10.0001"),
    arrival_price=D("10.0002"),
    parent_id="algorithm",
    lineage=Lineage(prediction_id="p-1", model_version="7", arm="challenger"),
)


@pytest.fixture
def journal(fresh_database: Database) -> DatabaseOrderJournal:
    return DatabaseOrderJournal(fresh_database)


def report(event: OrderEvent, report_id: str, **terms: object) -> Report:
    cl_ord_id = str(terms.pop("cl_ord_id", "a"))
    return Report(
        venue="SIM", cl_ord_id=cl_ord_id, report_id=report_id, event=event, at=NOW, **terms
    )


def trade(exec_id: str, quantity: str, price: str = "9.995") -> Execution:
    return Execution(
        venue="SIM",
        exec_id=exec_id,
        quantity=D(quantity),
        price=D(price),
        executed_at=NOW,
        fee=D("0.35"),
        liquidity=Liquidity.ADDED,
        mid_price=D("9.9951"),
    )


def changed(order: Order, *reports: Report) -> OrderChange:
    for said in reports:
        order = order.after(said)
    return OrderChange(order, reports)


NEW = report(OrderEvent.NEW, "1")
FILL = report(OrderEvent.TRADE, "2", execution=trade("2", "30"))


def test_order_is_read_back_as_it_stood(journal: DatabaseOrderJournal) -> None:
    change = changed(ORDER, NEW, FILL, report(OrderEvent.PENDING_CANCEL, "3", reason="desk"))

    journal.record("run", [change])

    assert journal.order("a") == change.order
    assert journal.orders("run") == [change.order]


def test_change_recorded_in_steps_reads_back_the_same(journal: DatabaseOrderJournal) -> None:
    journal.record("run", [changed(ORDER)])
    first = changed(ORDER, NEW)
    journal.record("run", [first])
    journal.record("run", [changed(first.order, FILL)])

    assert journal.order("a") == changed(ORDER, NEW, FILL).order


def test_what_is_recorded_twice_stands_once(journal: DatabaseOrderJournal) -> None:
    change = changed(ORDER, NEW, FILL)

    journal.record("run", [change])
    journal.record("run", [change])

    assert journal.orders("run") == [change.order]
    assert [fill.exec_id for fill in journal.fills("run")] == ["2"]


def test_the_version_of_a_run_grows_with_what_is_reported_on_it_alone(
    journal: DatabaseOrderJournal,
) -> None:
    assert journal.version("run") == 0
    change = changed(ORDER, NEW)
    journal.record("run", [change])
    first = journal.version("run")
    journal.record("run", [change])  # Told again: nothing new.
    other = report(OrderEvent.NEW, "9", cl_ord_id="z")
    journal.record("another", [changed(replace(ORDER, cl_ord_id="z"), other)])

    assert journal.version("run") == first > 0
    assert journal.version("another") > 0


def test_fill_carries_book_prices_and_lineage_exactly(journal: DatabaseOrderJournal) -> None:
    change = changed(ORDER, NEW, FILL)

    journal.record("run", [change])

    assert journal.fills("run") == [change.order.fill(change.order.executions[0])]
    assert journal.fills("another run") == []


def test_corrected_and_cancelled_fills_no_longer_stand(journal: DatabaseOrderJournal) -> None:
    other = report(OrderEvent.TRADE, "3", execution=trade("3", "10"))
    journal.record("run", [changed(ORDER, NEW, FILL, other)])
    stands = journal.order("a")

    journal.record(
        "run",
        [
            changed(
                stands,
                report(OrderEvent.TRADE_CORRECT, "4", execution=trade("4", "29"), exec_ref_id="2"),
                report(OrderEvent.TRADE_CANCEL, "5", exec_ref_id="3"),
            )
        ],
    )

    assert [(fill.exec_id, fill.quantity) for fill in journal.fills("run")] == [("4", D(-29))]
    assert journal.order("a").cum_quantity == 29


def test_who_refused_an_order_and_why_is_told_of_its_own_run(
    journal: DatabaseOrderJournal,
) -> None:
    other = replace(ORDER, cl_ord_id="b")
    refused = report(OrderEvent.REJECTED, "r1", reason="price outside the band")
    desk = report(OrderEvent.REJECTED, "r2", cl_ord_id="b", reason="SIZE_ABOVE_NOTIONAL: x")
    journal.record("run", [changed(ORDER, refused)])
    journal.record("run", [changed(other, replace(desk, venue="desk"))])
    elsewhere = report(OrderEvent.REJECTED, "r3", cl_ord_id="c", reason="closed")
    journal.record("another", [changed(replace(ORDER, cl_ord_id="c"), elsewhere)])

    assert journal.refusals("run") == [
        OrderRefusal(cl_ord_id="a", venue="SIM", reason="price outside the band"),
        OrderRefusal(cl_ord_id="b", venue="desk", reason="SIZE_ABOVE_NOTIONAL: x"),
    ]
    assert journal.refusals("no such run") == []


def test_replaced_order_keeps_its_new_terms(journal: DatabaseOrderJournal) -> None:
    terms = {"quantity": D(40), "limit_price": D("9.98")}
    journal.record("run", [changed(ORDER, NEW)])

    journal.record("run", [changed(journal.order("a"), report(OrderEvent.REPLACED, "2", **terms))])

    read = journal.order("a")
    assert (read.quantity, read.limit_price) == (D(40), D("9.98"))


def test_open_orders_are_found_and_the_newest_come_first(journal: DatabaseOrderJournal) -> None:
    dead = report(OrderEvent.REJECTED, "9", cl_ord_id="b", reason="why")
    journal.record(
        "run",
        [
            changed(ORDER, NEW),
            changed(replace(ORDER, cl_ord_id="b"), dead),
            changed(replace(ORDER, cl_ord_id="c")),
        ],
    )

    def names(**how: object) -> list[str]:
        return [order.cl_ord_id for order in journal.orders("run", **how)]

    assert names() == ["c", "b", "a"]
    assert names(open_only=True) == ["c", "a"]
    assert names(limit=1) == ["c"]
    assert journal.order("b").status is OrderStatus.REJECTED


def test_session_is_booked_once_and_whole(journal: DatabaseOrderJournal) -> None:
    record = SessionRecord(session=date(2022, 3, 1), orders=1, refused=0, fills=1)
    journal.book_session("run", record, [changed(ORDER, NEW, FILL)])

    with pytest.raises(ConflictError, match="2022-03-01 of run run is booked already"):
        journal.book_session("run", record, [changed(replace(ORDER, cl_ord_id="z"), *[])])

    assert journal.sessions("run") == [record]
    assert [order.cl_ord_id for order in journal.orders("run")] == ["a"]


def test_session_that_fails_half_way_leaves_nothing(journal: DatabaseOrderJournal) -> None:
    journal.record("run", [changed(ORDER, NEW, FILL)])
    again = changed(replace(ORDER, cl_ord_id="b"))
    record = SessionRecord(session=date(2022, 3, 1), orders=2, refused=0, fills=1)

    with pytest.raises(ConflictError):  # Order a stands already, so its plain insert fails.
        journal.book_session("run", record, [again, changed(ORDER, NEW, FILL)])

    assert journal.sessions("run") == []
    assert [order.cl_ord_id for order in journal.orders("run")] == ["a"]


def test_unknown_order_is_missing(journal: DatabaseOrderJournal) -> None:
    with pytest.raises(MissingDataError, match="no order 'nobody' is known"):
        journal.order("nobody")
