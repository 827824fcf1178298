"""The `OrderJournal` port on the database.

The reports are the journal and an order is its first row with the reports applied. `fills` is
written from the same reports in the same transaction, so no fill can be told but not booked.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from basics.errors import ConflictError, MissingDataError
from basics.trading import Book, Fill, Lineage, Liquidity, Side
from infra.database.engine import Database
from infra.database.statements import insert_new
from infra.database.tables.orders import fills, order_reports, orders, trading_sessions
from oms.orders import Execution, Order, Report
from oms.states import OrderEvent, OrderType, TimeInForce
from services.ports import OrderChange, SessionRecord

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


@dataclass(frozen=True, slots=True)
class DatabaseOrderJournal:
    """Keeps orders, reports and fills in the tables of `tables.orders`."""

    database: Database

    def record(self, run_id: str, changes: Sequence[OrderChange]) -> None:
        """Store the changes and their fills in one transaction."""
        with self.database.transaction() as connection:
            insert_new(connection, orders, [_order_row(run_id, c.order) for c in changes])
            insert_new(connection, order_reports, [_report_row(r) for r in _reports(changes)])
            insert_new(connection, fills, _fill_rows(run_id, changes))
            for change in changes:
                order = change.order
                connection.execute(
                    orders.update()
                    .where(orders.c.cl_ord_id == order.cl_ord_id)
                    .values(status=order.status.value, closed=order.status.closed)
                )
            for report in _reports(changes):
                if report.exec_ref_id is not None:
                    connection.execute(
                        fills.update()
                        .where(fills.c.venue == report.venue)
                        .where(fills.c.exec_id == report.exec_ref_id)
                        .values(stands=False)
                    )

    def book_session(
        self, run_id: str, record: SessionRecord, changes: Sequence[OrderChange]
    ) -> None:
        """Store a whole session in one transaction; `ConflictError` if it is booked already."""
        marker = {
            "run_id": run_id,
            "session": record.session,
            "orders": record.orders,
            "refused": record.refused,
            "fills": record.fills,
        }
        with self.database.transaction() as connection:
            if not insert_new(connection, trading_sessions, [marker]):
                raise ConflictError(
                    f"session {record.session} of run {run_id} is booked already: resume after it"
                )
            # The marker proves that nothing of the session is there, so plain inserts suffice.
            for table, rows in (
                (orders, [_order_row(run_id, c.order) for c in changes]),
                (order_reports, [_report_row(r) for r in _reports(changes)]),
                (fills, _fill_rows(run_id, changes)),
            ):
                if rows:
                    connection.execute(table.insert(), rows)

    def sessions(self, run_id: str) -> Sequence[SessionRecord]:
        """Return the sessions booked, oldest first."""
        table = trading_sessions
        query = (
            sa.select(table.c.session, table.c.orders, table.c.refused, table.c.fills)
            .where(table.c.run_id == run_id)
            .order_by(table.c.session)
        )
        with self.database.reading() as connection:
            return [SessionRecord(**row) for row in connection.execute(query).mappings()]

    def order(self, cl_ord_id: str) -> Order:
        """Return the order as it stands; `MissingDataError` if there is none."""
        found = self._orders(sa.select(orders).where(orders.c.cl_ord_id == cl_ord_id))
        if not found:
            raise MissingDataError(
                f"no order {cl_ord_id!r} is known: list them by `quantdesk orders ls`"
            )
        return found[0]

    def orders(self, run_id: str, *, open_only: bool = False, limit: int = 1000) -> Sequence[Order]:
        """Return the latest orders of a run, newest first."""
        query = sa.select(orders).where(orders.c.run_id == run_id)
        if open_only:
            query = query.where(orders.c.closed.is_(False))
        return self._orders(query.order_by(orders.c.id.desc()).limit(limit))

    def fills(self, run_id: str) -> Sequence[Fill]:
        """Return the fills that stand (corrected and cancelled ones applied), in booking order."""
        query = (
            sa.select(fills)
            .where(fills.c.run_id == run_id, fills.c.stands.is_(True))
            .order_by(fills.c.id)
        )
        with self.database.reading() as connection:
            return [_fill(row) for row in connection.execute(query).mappings()]

    def version(self, run_id: str) -> int:
        """Return a number that grows with every report on an order of the run, 0 before any."""
        query = (
            sa.select(sa.func.max(order_reports.c.id))
            .join(orders, orders.c.cl_ord_id == order_reports.c.cl_ord_id)
            .where(orders.c.run_id == run_id)
        )
        with self.database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def last_heard(self, run_id: str, *, venue: str) -> datetime | None:
        """Return the time of the latest report of `venue`, None before the first."""
        query = (
            sa.select(order_reports.c.at)
            .join(orders, orders.c.cl_ord_id == order_reports.c.cl_ord_id)
            .where(orders.c.run_id == run_id, order_reports.c.venue == venue)
            .order_by(order_reports.c.at.desc())
            .limit(1)
        )
        with self.database.reading() as connection:
            return connection.execute(query).scalar()

    def _orders(self, query: sa.Select[Any]) -> list[Order]:
        """Load orders and apply their reports."""
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all()
            said = defaultdict(list)
            names = [row["cl_ord_id"] for row in rows]
            reports = (
                sa.select(order_reports)
                .where(order_reports.c.cl_ord_id.in_(names))
                .order_by(order_reports.c.id)
            )
            for row in connection.execute(reports).mappings():
                said[row["cl_ord_id"]].append(_report(row))
        return [_replayed(_order(row), said[row["cl_ord_id"]]) for row in rows]


def _replayed(order: Order, reports: Iterable[Report]) -> Order:
    for report in reports:
        order = order.after(report)
    return order


def _reports(changes: Iterable[OrderChange]) -> list[Report]:
    return [report for change in changes for report in change.reports]


def _owner(book: Book, lineage: Lineage) -> dict[str, Any]:
    return {name: getattr(book, name) for name in BOOK} | {
        name: getattr(lineage, name) for name in LINEAGE
    }


def _order_row(run_id: str, order: Order) -> dict[str, Any]:
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


def _order(row: sa.RowMapping) -> Order:
    return Order(
        **{name: row[name] for name in TERMS},
        book=Book(**{name: row[name] for name in BOOK}),
        lineage=Lineage(**{name: row[name] for name in LINEAGE}),
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
    )


def _report_row(report: Report) -> dict[str, Any]:
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


def _report(row: sa.RowMapping) -> Report:
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


def _fill_rows(run_id: str, changes: Iterable[OrderChange]) -> list[dict[str, Any]]:
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


def _fill(row: sa.RowMapping) -> Fill:
    return Fill(
        **{name: row[name] for name in FILL_TERMS},
        book=Book(**{name: row[name] for name in BOOK}),
        lineage=Lineage(**{name: row[name] for name in LINEAGE}),
        liquidity=Liquidity(row["liquidity"]),
    )
