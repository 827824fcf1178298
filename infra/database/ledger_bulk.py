"""A million fills into the ledger's tables: columns in, by the driver's own bulk path.

SQLite takes rows by `executemany`, several a statement, PostgreSQL a binary-free COPY; both inside
the caller's transaction, so that all rows stand or none. Payloads are the JSON that
`infra.database.ledger` reads back.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat
from typing import Any

import polars as pl
import sqlalchemy as sa

from basics.errors import ConflictError
from infra.database.engine import Database
from infra.database.tables.ledger import ledger_entries, ledger_postings
from pnl.bulk import FoldedFills

BOOK = ("fund", "portfolio", "strategy", "account")
POSTINGS_OF_FOLDED = """
INSERT INTO ledger_postings (run_id, sequence, line, account, symbol, currency, amount)
SELECT ?1, sequence, line, account, symbol, currency,
       CASE line WHEN 0 THEN cash WHEN 1 THEN fees WHEN 2 THEN inventory ELSE realised END AS amount
FROM folded CROSS JOIN (
    SELECT 0 AS line, 'cash' AS account UNION ALL SELECT 1, 'fees'
    UNION ALL SELECT 2, 'inventory' UNION ALL SELECT 3, 'realised'
)
WHERE amount IS NOT NULL
"""
STATEMENT_ROWS = 50  # Of one INSERT; SQLite takes up to 32,766 values.
TEXTS = ("venue", "exec_id", "cl_ord_id", "symbol", "currency")


def append_fills(database: Database, run_id: str, fills: pl.DataFrame, folded: FoldedFills) -> None:
    """Store fills as the first entries of `run_id`, with their postings.

    Parameters
    ----------
    fills : DataFrame
        The frame that was folded, with `venue`, `exec_id`, `cl_ord_id`, `currency` and
        `executed_at` (UTC).

    Raises
    ------
    ConflictError
        If the run has entries already.
    """
    with database.transaction() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            if connection.dialect.name == "sqlite":
                _fill_sqlite(driver, run_id, fills, folded)
            else:
                _copy(driver, ledger_entries, _entries(run_id, fills))
                _copy(driver, ledger_postings, _postings(run_id, fills, folded))
        except connection.dialect.loaded_dbapi.IntegrityError as error:
            raise ConflictError(f"run {run_id!r} holds entries already: {error}") from error


def _entries(run_id: str, fills: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    text = pl.col("quantity").cast(pl.String)
    payload = pl.struct(
        *TEXTS,
        pl.struct(BOOK).alias("book"),
        text,
        pl.col("price").cast(pl.String),
        pl.col("fee").cast(pl.String),
        pl.col("executed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
    ).struct.json_encode()
    columns = fills.select(
        pl.format("fill|{}|{}", "venue", "exec_id").alias("event_id"),
        pl.col("executed_at").dt.strftime("%Y-%m-%d").alias("day"),
        *BOOK,
        "symbol",
        text,
        payload.alias("payload"),
    )
    lists = [columns[name].to_list() for name in columns.columns]
    event_id, day, fund, portfolio, strategy, account, symbol, quantity, encoded = lists
    return zip(
        repeat(run_id), range(1, len(fills) + 1), event_id, repeat("trade"), day,
        fund, portfolio, strategy, account, symbol, quantity, encoded,
    )  # fmt: skip


def _postings(run_id: str, fills: pl.DataFrame, folded: FoldedFills) -> Iterator[tuple[Any, ...]]:
    lines = zip(
        fills["symbol"].to_list(), fills["currency"].to_list(),
        folded.cash, folded.fees, folded.inventory, folded.realised, strict=True,
    )  # fmt: skip
    for sequence, (symbol, currency, cash, fee, inventory, realised) in enumerate(lines, start=1):
        # Written out: a loop over the four accounts takes twice as long for a million fills.
        if cash:
            yield run_id, sequence, 0, "cash", symbol, currency, str(cash)
        if fee:
            yield run_id, sequence, 1, "fees", symbol, currency, str(fee)
        if inventory:
            yield run_id, sequence, 2, "inventory", symbol, currency, str(inventory)
        if realised:
            yield run_id, sequence, 3, "realised", symbol, currency, str(realised)


def _fill_sqlite(
    driver: Any,  # noqa: ANN401 - the driver's own connection
    run_id: str,
    fills: pl.DataFrame,
    folded: FoldedFills,
) -> None:
    into = f"ledger_entries ({_names(ledger_entries)})"
    rows = len(fills)
    _insert(driver, into, _entries(run_id, fills), (rows, len(ledger_entries.columns)))
    # One row a fill crosses into SQLite; its own engine makes the three or four postings of it,
    # in key order, at half the cost of a Python tuple each.
    driver.execute(
        "CREATE TEMP TABLE folded (sequence INTEGER PRIMARY KEY, symbol, currency, "
        "cash, fees, inventory, realised)"
    )
    try:
        _insert(driver, "folded", _folded(fills, folded), (rows, 7))
        driver.execute(POSTINGS_OF_FOLDED, (run_id,))
    finally:
        driver.execute("DROP TABLE folded")


def _insert(
    driver: Any,  # noqa: ANN401 - the driver's own connection
    target: str,
    rows: Iterator[tuple[Any, ...]],
    size: tuple[int, int],
) -> None:
    """Insert `size[0]` rows of `size[1]` values, several a statement, which costs as one does."""
    count, width = size
    marks = f"({', '.join('?' * width)})"
    driver.executemany(
        f"INSERT INTO {target} VALUES {', '.join([marks] * STATEMENT_ROWS)}",
        (
            tuple(chain.from_iterable(islice(rows, STATEMENT_ROWS)))
            for _ in range(count // STATEMENT_ROWS)
        ),
    )
    driver.executemany(f"INSERT INTO {target} VALUES {marks}", rows)


def _folded(fills: pl.DataFrame, folded: FoldedFills) -> Iterator[tuple[Any, ...]]:
    """Yield one row a fill, NULL for an amount of zero, which is not posted."""
    columns = [
        [str(amount) if amount else None for amount in amounts]
        for amounts in (folded.cash, folded.fees, folded.inventory, folded.realised)
    ]
    symbols, currencies = fills["symbol"].to_list(), fills["currency"].to_list()
    return zip(range(1, len(fills) + 1), symbols, currencies, *columns, strict=True)


def _copy(
    driver: Any,  # noqa: ANN401 - the driver's own connection
    table: sa.Table,
    rows: Iterable[tuple[Any, ...]],
) -> None:
    statement = f"COPY {table.name} ({_names(table)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _names(table: sa.Table) -> str:
    return ", ".join(column.name for column in table.columns)
