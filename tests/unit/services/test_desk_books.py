"""Tests of `services.desk_books`: the journal's fills in the ledger, once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.orders import DatabaseOrderJournal
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from pnl.events import FillCancel, FillCorrection
from services.accounting import Accounting
from services.desk_books import DeskBooks
from services.order_tickets import DESK

D = Decimal
BOOK = Book("Fund", "manual", "manual", "PAPER-1")
TODAY = date(2022, 12, 28)
FIRST = Fill(
    venue="SIM", exec_id="1", cl_ord_id="o1", book=BOOK, symbol="AAA", quantity=D(10),
    price=D("9.9951"), fee=D("0.35"), executed_at=datetime(2022, 12, 27, 21, tzinfo=UTC),
)  # fmt: skip
SECOND = replace(FIRST, exec_id="2", quantity=D(-4), price=D("10.2"))


class Journal(DatabaseOrderJournal):
    """A journal whose standing fills are set by hand."""

    standing: tuple[Fill, ...] = ()

    def fills(self, run_id: str) -> tuple[Fill, ...]:
        return self.standing if run_id == DESK else ()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[DeskBooks]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    accounting = Accounting(
        store=DatabaseLedgerStore(database), instruments={"AAA": Instrument(symbol="AAA")}
    )
    yield DeskBooks(journal=Journal(database), accounting=accounting, book=BOOK, capital=D(1_000))
    database.close()


def stand(books: DeskBooks, *fills: Fill) -> int:
    Journal.standing = fills
    return books.book_orders(today=TODAY).booked


def test_without_fills_nothing_is_booked(books: DeskBooks) -> None:
    assert stand(books) == 0
    assert books.accounting.store.events(DESK) == []


def test_fills_are_booked_once_on_capital_paid_in_with_the_first(books: DeskBooks) -> None:
    assert stand(books, FIRST) == 2  # The capital and the fill.
    assert stand(books, FIRST) == 0
    assert stand(books, FIRST, SECOND) == 1

    # 1,000 in, 99.95 paid, 40.80 got, two fees of 0.35.
    assert books.accounting.ledger(DESK).cash() == {"USD": D("940.15")}
    assert [p.quantity for p in books.accounting.positions(DESK, portfolio="manual")] == [D(6)]
    assert books.accounting.store.events(DESK)[0][0] == date(2022, 12, 27)


def test_what_the_venue_corrected_or_cancelled_is_posted_today_and_once(books: DeskBooks) -> None:
    stand(books, FIRST, SECOND)

    assert stand(books, replace(FIRST, price=D(10)), SECOND) == 1
    assert stand(books, replace(FIRST, price=D(10)), SECOND) == 0
    assert stand(books, SECOND) == 1
    assert stand(books, SECOND) == 0

    day, cancelled = books.accounting.store.events(DESK)[-1]
    assert (day, type(cancelled)) == (TODAY, FillCancel)
    assert list(books.accounting.ledger(DESK).fills()) == [SECOND]
    assert books.accounting.ledger(DESK).cash() == {"USD": D("1040.45")}


def test_a_fill_may_be_put_right_more_than_once_and_back(books: DeskBooks) -> None:
    stand(books, FIRST)
    for price in ("10", "9.9951", "10"):
        assert stand(books, replace(FIRST, price=D(price))) == 1

    kinds = [type(event) for _, event in books.accounting.store.events(DESK)]
    assert kinds.count(FillCorrection) == 3
    assert next(iter(books.accounting.ledger(DESK).fills())).price == D(10)
