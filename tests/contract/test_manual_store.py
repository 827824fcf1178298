"""The contract of the `ManualStore` port, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from basics.errors import ConflictError
from basics.trading import Book
from infra.database.engine import Database
from infra.database.manual import DatabaseManualStore
from infra.database.tables.results import audit
from pnl.manual import ManualEntry, ManualKind, ManualState

NOW = datetime(2022, 12, 28, 18, tzinfo=UTC)
LATER = datetime(2022, 12, 28, 19, tzinfo=UTC)
ENTRY = ManualEntry(
    entry_id="man-1", kind=ManualKind.MARK, book=Book("Fund", "Core", "momentum", "acc"),
    day=date(2022, 12, 28), symbol="AAA", amount=Decimal("125.700"), currency="USD",
    reason="stale close", author="ann", proposed_at=NOW,
)  # fmt: skip


@pytest.fixture
def store(fresh_database: Database) -> DatabaseManualStore:
    return DatabaseManualStore(fresh_database)


def test_entries_come_back_as_they_were_proposed(store: DatabaseManualStore) -> None:
    store.add(ENTRY)
    adjustment = replace(ENTRY, entry_id="man-0", kind=ManualKind.ADJUSTMENT, symbol=None)
    store.add(replace(adjustment, proposed_at=LATER))

    assert store.entries() == [ENTRY, replace(adjustment, proposed_at=LATER)]
    with pytest.raises(ConflictError, match="proposed already"):
        store.add(ENTRY)


def test_the_first_decision_stands_and_is_told_to_the_audit(store: DatabaseManualStore) -> None:
    store.add(ENTRY)
    approved = ENTRY.decided(approve=True, by="bob", at=LATER)
    store.decide(approved)

    assert store.entries() == [approved]
    with pytest.raises(ConflictError, match="no open proposal"):
        store.decide(ENTRY.decided(approve=False, by="cyd", note="late", at=LATER))
    assert store.entries()[0].state is ManualState.APPROVED
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.id)).mappings().all()
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("ann", "pnl.manual.proposed"),
        ("bob", "pnl.manual.approved"),
    ]


def test_the_journal_alone_tells_how_every_mark_and_adjustment_stands(
    store: DatabaseManualStore,
) -> None:
    adjustment = replace(ENTRY, entry_id="man-2", kind=ManualKind.ADJUSTMENT, symbol=None)
    rejected = replace(ENTRY, entry_id="man-3", proposed_at=LATER)
    for entry in (ENTRY, adjustment, rejected):
        store.add(entry)
    store.decide(ENTRY.decided(approve=True, by="bob", at=LATER))
    store.decide(rejected.decided(approve=False, by="cyd", note="it is right", at=LATER))

    journal = store.journal()

    assert [(one.actor, one.entry.entry_id, one.entry.state.value) for one in journal] == [
        ("ann", "man-1", "proposed"), ("ann", "man-2", "proposed"), ("ann", "man-3", "proposed"),
        ("bob", "man-1", "approved"), ("cyd", "man-3", "rejected"),
    ]  # fmt: skip
    last = {one.entry.entry_id: one.entry for one in journal}
    assert sorted(last.values(), key=lambda e: e.entry_id) == sorted(
        store.entries(), key=lambda e: e.entry_id
    )
    assert [one.at for one in journal] == [NOW, NOW, LATER, LATER, LATER]
