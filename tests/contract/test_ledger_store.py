"""The contract of the `LedgerStore` port, held by SQLite and by PostgreSQL."""

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
import sqlalchemy as sa

from basics.errors import ConflictError
from basics.instruments import Instrument
from basics.trading import Book, Fill, Lineage
from infra.database.engine import Database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.ledger_bulk import append_fills
from infra.database.tables.ledger import ledger_postings
from pnl.bulk import fold_fills
from pnl.events import (
    Adjustment,
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    FillCancel,
    FillCorrection,
    LedgerEvent,
    Settlement,
    Split,
)
from pnl.ledger import Ledger
from services.ports import LedgerRecord

D = Decimal
DAY = date(2022, 3, 1)
BOOK = Book("Fund", "Core", "momentum", "acc")
LINEAGE = Lineage(prediction_id="p-1", model_version="7", arm="challenger")


def fill(exec_id: str, quantity: str, price: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=exec_id, cl_ord_id="o", book=BOOK, symbol="AAA",
        quantity=D(quantity), price=D(price), fee=D("0.35"), arrival_price=D("9.990"),
        executed_at=datetime(2022, 3, 1, 15, 0, 0, 123456, tzinfo=UTC), lineage=LINEAGE,
    )  # fmt: skip


EVENTS: list[LedgerEvent] = [
    CashMovement(event_id="pay", book=BOOK, day=DAY, kind=CashKind.CAPITAL, amount=D("1000.10")),
    fill("1", "10", "10.005"),
    Dividend(event_id="d", book=BOOK, symbol="AAA", day=DAY, per_unit=D("0.1")),
    Split(event_id="x", book=BOOK, symbol="AAA", day=DAY, new=2, old=1),
    CurrencyExchange(event_id="fx", book=BOOK, day=DAY, sold=D(11), sold_currency="USD",
                     bought=D(10), bought_currency="EUR"),
    FillCorrection(event_id="g", day=DAY, fill=fill("1", "12", "10.005"), reason="quantity"),
    Adjustment(event_id="a", book=BOOK, day=DAY, amount=D("0.01"), currency="USD",
               reason="rounding of the custodian", author="ann", approver="bob"),
    FillCancel(event_id="h", book=BOOK, day=DAY, venue="SIM", exec_id="1", reason="bust"),
    fill("2", "5", "10"),
    Settlement(event_id="s", book=BOOK, symbol="AAA", day=DAY, price=D(11), final=True),
]  # fmt: skip


@pytest.fixture
def store(fresh_database: Database) -> DatabaseLedgerStore:
    return DatabaseLedgerStore(fresh_database)


def booked(events: list[LedgerEvent]) -> list[LedgerRecord]:
    ledger = Ledger({"AAA": Instrument(symbol="AAA")})
    records = []
    for event in events:
        entry = ledger.book(event)
        assert entry is not None
        records.append(LedgerRecord(event, entry))
    return records


def test_events_of_every_kind_return_as_they_were_in_order(store: DatabaseLedgerStore) -> None:
    store.append("run", booked(EVENTS))

    assert [event for _, event in store.events("run")] == EVENTS
    assert {day for day, _ in store.events("run")} == {DAY}
    assert [event for _, event in store.events("run", after=2)] == EVENTS[2:]
    assert store.events("run", after=len(EVENTS)) == []
    assert store.last_sequence("run") == len(EVENTS)


def test_runs_do_not_meet(store: DatabaseLedgerStore) -> None:
    store.append("one", booked(EVENTS[:2]))
    store.append("two", booked(EVENTS[:1]))

    assert (store.last_sequence("one"), store.last_sequence("two")) == (2, 1)
    assert store.last_sequence("three") == 0
    assert store.runs() == ["one", "two"]


def test_stored_postings_balance_in_every_currency(store: DatabaseLedgerStore) -> None:
    store.append("run", booked(EVENTS))

    totals: dict[str, Decimal] = {}
    with store.database.reading() as connection:
        for row in connection.execute(sa.select(ledger_postings)):
            totals[row.currency] = totals.get(row.currency, D(0)) + row.amount
    assert totals == {"USD": 0, "EUR": 0}


def test_an_event_stored_twice_is_a_conflict_and_leaves_nothing(
    store: DatabaseLedgerStore,
) -> None:
    records = booked(EVENTS[:3])
    store.append("run", records[:2])

    with pytest.raises(ConflictError):
        store.append("run", [records[2], records[1]])
    assert store.last_sequence("run") == 2


def test_fills_stored_as_columns_are_read_back_as_they_were(store: DatabaseLedgerStore) -> None:
    fills = [fill("1", "10", "10.25"), fill("2", "-4", "11"), fill('3"', "-6", "12.5")]
    fills = [dataclasses.replace(f, arrival_price=None, lineage=Lineage()) for f in fills]
    instruments = {"AAA": Instrument(symbol="AAA")}
    frame = pl.DataFrame(
        {
            name: [getattr(f, name) for f in fills]
            for name in ("venue", "exec_id", "cl_ord_id", "symbol", "currency", "executed_at")
        }
        | {name: [getattr(f.book, name) for f in fills] for name in dataclasses.asdict(BOOK)}
        | {name: [getattr(f, name) for f in fills] for name in ("quantity", "price", "fee")}
    )

    append_fills(store.database, "run", frame, fold_fills(frame, instruments))

    assert [event for _, event in store.events("run")] == fills
    ledger = Ledger(instruments)
    entries = ledger.book_all(fills)
    expected = {(e.sequence, p.account.value): p.amount for e in entries for p in e.postings}
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(ledger_postings)).all()
    assert {(row.sequence, row.account): row.amount for row in rows} == expected
    with pytest.raises(ConflictError):
        append_fills(store.database, "run", frame, fold_fills(frame, instruments))
