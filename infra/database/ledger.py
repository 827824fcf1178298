"""The `LedgerStore` port on the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import polars as pl
import sqlalchemy as sa

from infra.database.engine import Database
from infra.database.ledger_bulk import append_fills
from infra.database.statements import Row
from infra.database.tables.ledger import ledger_entries, ledger_postings
from pnl.bulk import FoldedFills
from pnl.events import EVENT_KINDS, LedgerEvent
from services.ports import LedgerRecord

EVENT_TYPES = {kind: event for event, kind in EVENT_KINDS.items()}


@dataclass(frozen=True, slots=True)
class DatabaseLedgerStore:
    """Keeps entries in `ledger_entries`, their postings in `ledger_postings`."""

    database: Database

    def append(self, run_id: str, records: Sequence[LedgerRecord]) -> None:
        """Store the records with their postings in one transaction, or none of them."""
        if not records:
            return
        with self.database.transaction() as connection:
            connection.execute(ledger_entries.insert(), [_entry_row(run_id, r) for r in records])
            postings = [row for record in records for row in _posting_rows(run_id, record)]
            if postings:
                connection.execute(ledger_postings.insert(), postings)

    def append_fills(self, run_id: str, fills: pl.DataFrame, folded: FoldedFills) -> None:
        """Store fills as the first entries of a run, all or none; `ConflictError` if it has any."""
        append_fills(self.database, run_id, fills, folded)

    def last_sequence(self, run_id: str) -> int:
        """Return the sequence of the last entry, 0 if there is none."""
        query = sa.select(sa.func.max(ledger_entries.c.sequence)).where(
            ledger_entries.c.run_id == run_id
        )
        with self.database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def events(self, run_id: str, *, after: int = 0) -> Sequence[tuple[date, LedgerEvent]]:
        """Return day and event of every entry past the sequence `after`, in order of booking."""
        columns = ledger_entries.c
        query = (
            sa.select(columns.kind, columns.day, columns.payload)
            .where(columns.run_id == run_id, columns.sequence > after)
            .order_by(columns.sequence)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            (day, msgspec.json.decode(text, type=EVENT_TYPES[kind])) for kind, day, text in rows
        ]

    def runs(self) -> Sequence[str]:
        """Return the runs that have entries, sorted."""
        with self.database.reading() as connection:
            query = sa.select(ledger_entries.c.run_id).distinct()
            return sorted(connection.execute(query).scalars())


def _entry_row(run_id: str, record: LedgerRecord) -> Row:
    entry = record.entry
    return {
        "run_id": run_id,
        "sequence": entry.sequence,
        "event_id": entry.event_id,
        "kind": EVENT_KINDS[type(record.event)],
        "day": entry.day,
        "fund": entry.book.fund,
        "portfolio": entry.book.portfolio,
        "strategy": entry.book.strategy,
        "account": entry.book.account,
        "symbol": entry.symbol,
        "quantity": entry.quantity,
        "payload": msgspec.json.encode(record.event).decode(),
    }


def _posting_rows(run_id: str, record: LedgerRecord) -> list[Row]:
    return [
        {
            "run_id": run_id,
            "sequence": record.entry.sequence,
            "line": line,
            "account": posting.account.value,
            "symbol": posting.symbol,
            "currency": posting.currency,
            "amount": posting.amount,
        }
        for line, posting in enumerate(record.entry.postings)
    ]
