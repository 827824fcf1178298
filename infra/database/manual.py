"""The `ManualStore` port on the database; each proposal and decision leaves a row in `audit`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from basics.errors import ConflictError
from basics.trading import Book
from infra.database.engine import Database
from infra.database.results import to_json_values
from infra.database.statements import insert_new
from infra.database.tables.manual import manual_entries
from infra.database.tables.results import audit
from pnl.manual import ManualEntry, ManualKind, ManualRecord, ManualState

ACTION = "pnl.manual."


@dataclass(frozen=True, slots=True)
class DatabaseManualStore:
    """Keeps entries by hand in `manual_entries`."""

    database: Database

    def add(self, entry: ManualEntry) -> None:
        """Keep a proposal; `ConflictError` if its id is taken."""
        with self.database.transaction() as connection:
            if not insert_new(connection, manual_entries, [_row(entry)]):
                raise ConflictError(f"{entry.entry_id} was proposed already")
            _tell(connection, entry, actor=entry.author, at=entry.proposed_at)

    def decide(self, entry: ManualEntry) -> None:
        """Keep a decision; `ConflictError` if another came first."""
        change = (
            sa.update(manual_entries)
            .where(
                manual_entries.c.entry_id == entry.entry_id,
                manual_entries.c.state == ManualState.PROPOSED.value,
            )
            .values(
                state=entry.state.value,
                decided_by=entry.decided_by,
                decided_at=entry.decided_at,
                note=entry.note,
            )
        )
        with self.database.transaction() as connection:
            if not connection.execute(change).rowcount:
                raise ConflictError(f"{entry.entry_id} is no open proposal: look at it again")
            _tell(connection, entry, actor=entry.decided_by, at=entry.decided_at)

    def entries(self) -> Sequence[ManualEntry]:
        """Return every entry ever proposed, oldest first."""
        query = sa.select(manual_entries).order_by(
            manual_entries.c.proposed_at, manual_entries.c.entry_id
        )
        with self.database.reading() as connection:
            return [_entry(dict(row)) for row in connection.execute(query).mappings()]

    def journal(self) -> Sequence[ManualRecord]:
        """Return every proposal and decision as it was told, oldest first."""
        query = sa.select(audit).where(audit.c.action.startswith(ACTION)).order_by(audit.c.id)
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [ManualRecord(row["at"], row["actor"], _told(row["detail"])) for row in rows]


def _told(detail: dict[str, Any]) -> ManualEntry:
    """Return the entry that a row of the audit holds in JSON's own types."""
    book = {name: detail.pop(name) for name in ("fund", "portfolio", "strategy", "account")}
    return msgspec.convert({**detail, "book": book}, ManualEntry, strict=False)


def _row(entry: ManualEntry) -> dict[str, Any]:
    row: dict[str, Any] = asdict(entry)
    row |= row.pop("book")
    return {**row, "kind": entry.kind.value, "state": entry.state.value}


def _entry(row: dict[str, Any]) -> ManualEntry:
    book = Book(*(row.pop(name) for name in ("fund", "portfolio", "strategy", "account")))
    kind, state = ManualKind(row.pop("kind")), ManualState(row.pop("state"))
    return ManualEntry(book=book, kind=kind, state=state, **row)


def _tell(connection: sa.Connection, entry: ManualEntry, *, actor: Any, at: Any) -> None:  # noqa: ANN401 - of either decision
    row = {
        "at": at,
        "actor": actor,
        "action": f"{ACTION}{entry.state.value}",
        "subject": f"{entry.kind.value} {entry.entry_id}",
        "detail": to_json_values(_row(entry)),
    }
    connection.execute(sa.insert(audit), [row])
