"""Conformance of the order's life with FIX 4.4 Appendix D: every status against every event."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from basics.errors import ConflictError
from basics.trading import Book, Side
from oms.orders import Execution, Order, Report
from oms.states import CLOSED, OrderEvent, OrderStatus

NOW = datetime(2022, 1, 3, 15, tzinfo=UTC)

# How each event leaves an order of 10 that stands in the column's status: the FIX code of the
# next status, or a dot where the event cannot happen. Executed before: nothing in A, 0 and 8;
# all 10 in 2; 4 in every other. A trade executes 3 more; a correction makes 4 a 5, a
# cancellation takes the 4 out. Replaced asks for 12, Restated changes nothing.
COLUMNS = "A 0 1 2 3 4 6 7 8 9 B C E"
MATRIX = """
NEW              0 . . . . . 6 . . 1 . . E
DONE_FOR_DAY     . 3 3 3 . . 3 3 . 3 . . 3
CANCELED         4 4 4 . 4 . 4 4 . 4 . . 4
REPLACED         . 0 1 1 . . 6 1 . 1 . . 1
PENDING_CANCEL   6 6 6 6 6 . 6 6 . 6 . . 6
STOPPED          7 7 7 . . . 6 . . 7 . . E
REJECTED         8 8 . . . . 8 . . 8 . . 8
SUSPENDED        9 9 9 . . . 6 9 . . . . E
PENDING_NEW      A . . . . . 6 . . . . . E
CALCULATED       . . . B B B . . . . B B .
EXPIRED          C C C . C . C C . C . . C
RESTATED         . 0 1 2 1 . 6 1 . 1 1 . E
PENDING_REPLACE  E E E E E . 6 E . E . . E
TRADE            1 1 1 . 3 4 6 7 . 9 B C E
TRADE_CORRECT    . . 1 2 3 4 6 7 . 9 B C E
TRADE_CANCEL     . . 0 1 3 4 6 7 . 9 B C E
ORDER_STATUS     A 0 1 2 3 4 6 7 8 9 B C E
CANCEL_REJECTED  A 0 1 2 3 4 1 7 8 9 B C E
REPLACE_REJECTED A 0 1 2 3 4 6 7 8 9 B C 1
"""

CASES = [
    (OrderStatus(status), OrderEvent[row.split()[0]], expected)
    for row in MATRIX.strip().splitlines()
    for status, expected in zip(COLUMNS.split(), row.split()[1:], strict=True)
]


def order(quantity: int = 10) -> Order:
    return Order(
        cl_ord_id="x",
        book=Book("fund", "portfolio", "strategy", "account"),
        symbol="AAPL",
        side=Side.BUY,
        quantity=Decimal(quantity),
        created_at=NOW,
    )


def trade(exec_id: str, quantity: int, price: int = 100) -> Execution:
    return Execution(
        venue="SIM",
        exec_id=exec_id,
        quantity=Decimal(quantity),
        price=Decimal(price),
        executed_at=NOW,
    )


def report(event: OrderEvent, report_id: str, **terms: object) -> Report:
    return Report(venue="SIM", cl_ord_id="x", report_id=report_id, event=event, at=NOW, **terms)


def traded(report_id: str, quantity: int, price: int = 100) -> Report:
    return report(OrderEvent.TRADE, report_id, execution=trade(report_id, quantity, price))


def standing_at(status: OrderStatus) -> Order:
    """Lead an order to `status` by reports alone, with the executions that the matrix names."""
    path = {
        OrderStatus.PENDING_NEW: [],
        OrderStatus.REJECTED: [report(OrderEvent.REJECTED, "r")],
    }.get(status)
    if path is None:
        path = [report(OrderEvent.NEW, "n")]
        if status is OrderStatus.FILLED:
            path += [traded("t4", 4), traded("t6", 6)]
        elif status is not OrderStatus.NEW:
            path.append(traded("t4", 4))
        if status is OrderStatus.CALCULATED:
            path.append(report(OrderEvent.DONE_FOR_DAY, "d"))
        if status not in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED}:
            path.append(report(OrderEvent(status.value), "s"))
    stands = order()
    for step in path:
        stands = stands.after(step)
    assert stands.status is status
    return stands


def event_report(event: OrderEvent) -> Report:
    terms: dict[OrderEvent, dict[str, object]] = {
        OrderEvent.TRADE: {"execution": trade("e", 3)},
        OrderEvent.TRADE_CORRECT: {"execution": trade("e", 5), "exec_ref_id": "t4"},
        OrderEvent.TRADE_CANCEL: {"exec_ref_id": "t4"},
        OrderEvent.REPLACED: {"quantity": Decimal(12)},
    }
    return report(event, "e", **terms.get(event, {}))


def test_matrix_names_every_pair_of_status_and_event_once() -> None:
    pairs = {(status, event) for status, event, _ in CASES}

    assert len(CASES) == len(pairs) == len(OrderStatus) * len(OrderEvent)


@pytest.mark.parametrize(
    ("status", "event", "expected"), CASES, ids=[f"{s.name}-{e.name}" for s, e, _ in CASES]
)
def test_event_follows_status_as_the_matrix_says(
    status: OrderStatus, event: OrderEvent, expected: str
) -> None:
    stands = standing_at(status)
    # A correction by 1 of a filled order would execute 11 of 10: correct its price alone.
    if (status, event) == (OrderStatus.FILLED, OrderEvent.TRADE_CORRECT):
        said = report(event, "e", execution=trade("e", 4, price=99), exec_ref_id="t4")
    else:
        said = event_report(event)

    if expected == ".":
        with pytest.raises(ConflictError):
            stands.after(said)
        return
    moved = stands.after(said)

    assert moved.status is OrderStatus(expected)
    assert moved.leaves_quantity == (
        0 if moved.status in CLOSED else moved.quantity - moved.cum_quantity
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED),
        (OrderStatus.CANCELED, OrderStatus.FILLED),  # Filled outranks Canceled.
        (OrderStatus.EXPIRED, OrderStatus.FILLED),
        (OrderStatus.STOPPED, OrderStatus.FILLED),
        (OrderStatus.SUSPENDED, OrderStatus.FILLED),
        (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_CANCEL),
        (OrderStatus.PENDING_REPLACE, OrderStatus.PENDING_REPLACE),
        (OrderStatus.DONE_FOR_DAY, OrderStatus.DONE_FOR_DAY),
    ],
)
def test_last_fill_completes_the_order_unless_a_higher_status_hides_it(
    status: OrderStatus, expected: OrderStatus
) -> None:
    moved = standing_at(status).after(traded("last", 6))

    assert moved.status is expected
    assert moved.cum_quantity == 10
    assert moved.leaves_quantity == 0


def test_order_filled_while_its_cancel_is_pending_ends_filled() -> None:
    # Appendix D, "cancel request issued for an order that becomes filled before the cancel
    # request can be accepted".
    stands = standing_at(OrderStatus.PENDING_CANCEL).after(traded("last", 6))

    assert stands.status is OrderStatus.PENDING_CANCEL
    assert stands.after(report(OrderEvent.CANCEL_REJECTED, "c")).status is OrderStatus.FILLED


def test_suspension_under_a_pending_cancel_shows_again_when_the_cancel_is_rejected() -> None:
    stands = standing_at(OrderStatus.PENDING_CANCEL)

    stands = stands.after(report(OrderEvent.SUSPENDED, "s2"))
    stands = stands.after(report(OrderEvent.CANCEL_REJECTED, "c"))

    assert stands.status is OrderStatus.SUSPENDED


def test_replace_below_what_was_executed_cancels_the_rest() -> None:
    # Appendix D: order of 10,000, replace to 7,000 crosses an execution of 7,000.
    stands = order(10_000).after(report(OrderEvent.NEW, "1")).after(traded("2", 7_000))

    stands = stands.after(report(OrderEvent.REPLACED, "3", quantity=Decimal(5_000)))

    assert (stands.status, stands.quantity) == (OrderStatus.FILLED, Decimal(7_000))


def test_filled_order_followed_by_corrections_and_a_cancelled_execution() -> None:
    # Appendix D, J.1.a: (event, terms) -> (status, CumQty, LeavesQty, AvgPx).
    correct, busted = OrderEvent.TRADE_CORRECT, OrderEvent.TRADE_CANCEL
    story = [
        (report(OrderEvent.NEW, "B"), ("0", 0, 10_000, None)),
        (traded("C", 1_000, 100), ("1", 1_000, 9_000, 100)),
        (traded("D", 9_000, 110), ("2", 10_000, 0, 109)),
        (report(busted, "E", exec_ref_id="C"), ("1", 9_000, 1_000, 110)),
        (
            report(correct, "F", execution=trade("F", 9_000, 100), exec_ref_id="D"),
            ("1", 9_000, 1_000, 100),
        ),
        (traded("G", 1_000, 120), ("2", 10_000, 0, 102)),
        (
            report(correct, "H", execution=trade("H", 9_000, 120), exec_ref_id="F"),
            ("2", 10_000, 0, 120),
        ),
        (report(OrderEvent.PENDING_REPLACE, "I"), ("E", 10_000, 0, 120)),
        (report(OrderEvent.REPLACED, "J", quantity=Decimal(12_000)), ("1", 10_000, 2_000, 120)),
        (
            report(correct, "K", execution=trade("K", 9_500, 120), exec_ref_id="H"),
            ("1", 10_500, 1_500, 120),
        ),
    ]
    stands = order(10_000)
    for said, (status, executed, left, average) in story:
        stands = stands.after(said)
        assert (
            stands.status.value,
            stands.cum_quantity,
            stands.leaves_quantity,
            stands.average_price,
        ) == (status, executed, left, average), said.report_id


def test_cancelled_order_followed_by_a_busted_and_a_new_execution_stays_cancelled() -> None:
    # Appendix D, J.1.b.
    stands = order(10_000)
    for said in (
        report(OrderEvent.NEW, "A"),
        traded("B", 5_000, 50),
        report(OrderEvent.PENDING_CANCEL, "C"),
        report(OrderEvent.CANCELED, "D"),
        report(OrderEvent.TRADE_CANCEL, "E", exec_ref_id="B"),
    ):
        stands = stands.after(said)
    assert (stands.status, stands.cum_quantity) == (OrderStatus.CANCELED, 0)

    stands = stands.after(traded("F", 4_000, 51))

    assert (stands.status, stands.cum_quantity) == (OrderStatus.CANCELED, 4_000)
    assert stands.leaves_quantity == 0
