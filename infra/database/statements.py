"""Statements that both databases understand but SQLAlchemy spells by dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]


def insert_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> int:
    """Insert the rows whose key is not there yet and return how many were.

    All rows name the same columns. A row that meets any primary key or unique constraint is
    passed over: what is delivered twice is booked once.
    """
    if not rows:
        return 0
    statement = _insert(connection, table).on_conflict_do_nothing()
    # A list, even of one row, is sent without RETURNING, whose count the driver would hide.
    result = connection.execute(
        statement, [dict(row) for row in rows], execution_options={"preserve_rowcount": True}
    )
    return result.rowcount


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows, replacing the other columns of those whose primary key is there."""
    if not rows:
        return
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=replaced),
        [dict(row) for row in rows],
    )


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
