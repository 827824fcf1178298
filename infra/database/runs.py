"""The runs of the books: the last one; a simulated one taken back, all that is ever deleted."""

import sqlalchemy as sa

from basics.errors import RefusedError
from infra.database.engine import Database
from infra.database.tables.ledger import ledger_entries, ledger_postings
from infra.database.tables.orders import fills, order_reports, orders, trading_sessions

SIMULATED = "run-"  # Prefix of the name of every simulated run; the desk's own has another.


def last_run(database: Database) -> str | None:
    """Return the simulated run whose fill was booked last; None before the first."""
    query = (
        sa.select(fills.c.run_id)
        .where(fills.c.run_id.startswith(SIMULATED))
        .order_by(fills.c.id.desc())
        .limit(1)
    )
    with database.reading() as connection:
        return connection.execute(query).scalar()


def discard_run(database: Database, run_id: str) -> None:
    """Delete everything that a simulated run booked, in one transaction.

    Raises
    ------
    RefusedError
        If the run is not a simulation: what really happened is never deleted.
    """
    if not run_id.startswith(SIMULATED):
        raise RefusedError(f"{run_id} is not a simulated run: its books are append-only")
    own_orders = sa.select(orders.c.cl_ord_id).where(orders.c.run_id == run_id)
    with database.transaction() as connection:
        for table in (ledger_postings, ledger_entries, fills):
            connection.execute(table.delete().where(table.c.run_id == run_id))
        connection.execute(order_reports.delete().where(order_reports.c.cl_ord_id.in_(own_orders)))
        for table in (orders, trading_sessions):
            connection.execute(table.delete().where(table.c.run_id == run_id))
