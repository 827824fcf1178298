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
from basics.trading import Fill
from infra.database.engine import Database
from infra.database.order_rows import (
    fill_of,
    fill_rows,
    order_of,
    order_row,
    report_of,
    report_row,
)
from infra.database.statements import insert_new
from infra.database.tables.orders import fills, order_reports, orders, trading_sessions
from oms.orders import Order, Report
from oms.states import OrderEvent
from services.ports import OrderChange, OrderRefusal, SessionRecord


@dataclass(frozen=True, slots=True)
class DatabaseOrderJournal:
    """Keeps orders, reports and fills in the tables of `tables.orders`."""

    database: Database

    def record(self, run_id: str, changes: Sequence[OrderChange]) -> None:
        """Store the changes and their fills in one transaction."""
        with self.database.transaction() as connection:
            insert_new(connection, orders, [order_row(run_id, c.order) for c in changes])
            insert_new(connection, order_reports, [report_row(r) for r in _reports(changes)])
            insert_new(connection, fills, fill_rows(run_id, changes))
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
                (orders, [order_row(run_id, c.order) for c in changes]),
                (order_reports, [report_row(r) for r in _reports(changes)]),
                (fills, fill_rows(run_id, changes)),
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
            return [fill_of(row) for row in connection.execute(query).mappings()]

    def refusals(self, run_id: str) -> Sequence[OrderRefusal]:
        """Return the orders of a run that were refused, in the order in which that was told."""
        query = (
            sa.select(order_reports.c.cl_ord_id, order_reports.c.venue, order_reports.c.reason)
            .join(orders, orders.c.cl_ord_id == order_reports.c.cl_ord_id)
            .where(orders.c.run_id == run_id)
            .where(order_reports.c.event == OrderEvent.REJECTED.value)
            .order_by(order_reports.c.id)
        )
        with self.database.reading() as connection:
            return [OrderRefusal(**row) for row in connection.execute(query).mappings()]

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
                said[row["cl_ord_id"]].append(report_of(row))
        return [_replayed(order_of(row), said[row["cl_ord_id"]]) for row in rows]


def _replayed(order: Order, reports: Iterable[Report]) -> Order:
    for report in reports:
        order = order.after(report)
    return order


def _reports(changes: Iterable[OrderChange]) -> list[Report]:
    return [report for change in changes for report in change.reports]
