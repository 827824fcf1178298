"""Orders, reports and fills as rows of their tables, and back."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from basics.trading import Book, Fill, Lineage, Liquidity, Side
from oms.orders import Execution, Order, Report
from oms.states import OrderEvent, OrderType, TimeInForce
from services.ports import OrderChange

BOOK = ("fund", "portfolio", "strategy", "account")
LINEAGE = ("prediction_id", "model_version", "arm")
TERMS = (
    "cl_ord_id",
    "symbol",
    "quantity",
    "limit_price",
    "stop_price",
    "expires_on",
    "decision_price",
    "arrival_price",
    "currency",
    "parent_id",
    "created_at",
)
FILL_TERMS = (
    "venue",
    "exec_id",
    "cl_ord_id",
    "symbol",
    "quantity",
    "price",
    "executed_at",
    "currency",
    "fee",
    "decision_price",
    "arrival_price",
    "mid_price",
)


def _owner(book: Book, lineage: Lineage) -> dict[str, Any]:
    return {name: getattr(book, name) for name in BOOK} | {
        name: getattr(lineage, name) for name in LINEAGE
    }


def order_row(run_id: str, order: Order) -> dict[str, Any]:
    """Return the row of an order as it stands."""
    return (
        {name: getattr(order, name) for name in TERMS}
        | _owner(order.book, order.lineage)
        | {
            "run_id": run_id,
            "side": order.side.value,
            "order_type": order.order_type.value,
            "time_in_force": order.time_in_force.value,
            "status": order.status.value,
            "closed": order.status.closed,
        }
    )


def order_of(row: sa.RowMapping) -> Order:
    """Return the order of a row, before any report."""
    return Order(
        **{name: row[name] for name in TERMS},
        book=Book(**{name: row[name] for name in BOOK}),
        lineage=Lineage(**{name: row[name] for name in LINEAGE}),
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
    )


def report_row(report: Report) -> dict[str, Any]:
    """Return the row of a report."""
    trade = report.execution
    return {
        "venue": report.venue,
        "report_id": report.report_id,
        "cl_ord_id": report.cl_ord_id,
        "event": report.event.value,
        "at": report.at,
        "reason": report.reason,
        "exec_ref_id": report.exec_ref_id,
        "quantity": report.quantity,
        "limit_price": report.limit_price,
        "exec_id": trade and trade.exec_id,
        "last_quantity": trade and trade.quantity,
        "last_price": trade and trade.price,
        "fee": trade and trade.fee,
        "liquidity": trade and trade.liquidity.value,
        "mid_price": trade and trade.mid_price,
    }


def report_of(row: sa.RowMapping) -> Report:
    """Return the report of a row."""
    execution = None
    if row["exec_id"] is not None:
        execution = Execution(
            venue=row["venue"],
            exec_id=row["exec_id"],
            quantity=row["last_quantity"],
            price=row["last_price"],
            executed_at=row["at"],
            fee=row["fee"],
            liquidity=Liquidity(row["liquidity"]),
            mid_price=row["mid_price"],
        )
    return Report(
        venue=row["venue"],
        cl_ord_id=row["cl_ord_id"],
        report_id=row["report_id"],
        event=OrderEvent(row["event"]),
        at=row["at"],
        execution=execution,
        exec_ref_id=row["exec_ref_id"],
        quantity=row["quantity"],
        limit_price=row["limit_price"],
        reason=row["reason"],
    )


def fill_rows(run_id: str, changes: Iterable[OrderChange]) -> list[dict[str, Any]]:
    """Return the rows of the trades among the reports of changes."""
    return [
        _fill_row(run_id, change.order.fill(report.execution))
        for change in changes
        for report in change.reports
        if report.execution is not None
    ]


def _fill_row(run_id: str, fill: Fill) -> dict[str, Any]:
    return _owner(fill.book, fill.lineage) | {
        "run_id": run_id,
        "stands": True,
        "liquidity": fill.liquidity.value,
        **{name: getattr(fill, name) for name in FILL_TERMS},
    }


def fill_of(row: sa.RowMapping) -> Fill:
    """Return the fill of a row."""
    return Fill(
        **{name: row[name] for name in FILL_TERMS},
        book=Book(**{name: row[name] for name in BOOK}),
        lineage=Lineage(**{name: row[name] for name in LINEAGE}),
        liquidity=Liquidity(row["liquidity"]),
    )
