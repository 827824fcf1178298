"""The contract of the `PnlDayStore` port, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book
from infra.database.engine import Database
from infra.database.pnl_days import DatabasePnlDayStore
from pnl.daily import DailyBooks
from pnl.explain import PARTS
from pnl.valued_books import ValuedBooks
from services.ports import KeptBooks, KeptSpan

BOOK = Book("Fund", "Core", "momentum", "acc")
SESSIONS = np.array(["2022-01-03", "2022-01-04", "2022-01-05"], dtype="datetime64[D]")
# One position that earns by price and pays a fee, and cash whose payment in earns nothing.
PNL = np.array([[0, 0, 0], [-50, 1_000, 3]], dtype=np.int64)


@pytest.fixture
def store(fresh_database: Database) -> DatabasePnlDayStore:
    return DatabasePnlDayStore(fresh_database)


def kept(pnl: np.ndarray = PNL, *, portfolio: str = "Core", run_id: str = "run-1") -> KeptBooks:
    book = replace(BOOK, portfolio=portfolio)
    parts = np.zeros((len(PARTS), *pnl.shape), dtype=np.int64)
    fees = np.array([[0, 0, 0], [50, 0, 0]], dtype=np.int64)
    parts[PARTS.index("fees")] = -fees
    parts[PARTS.index("price")] = pnl + fees
    daily = DailyBooks(
        currency="USD",
        digits=2,
        sessions=SESSIONS[: pnl.shape[1]],
        keys=((book, None), (book, "AAA")),
        pnl=pnl,
        fees=fees,
        market_value=np.array([[0, 0, 0], [5_000, 6_000, 6_003]], dtype=np.int64),
        flows=np.array([10_000, 0, 0]),
        equity=10_000 + pnl.sum(axis=0).cumsum(),
    )
    benchmark = np.array([np.nan, 0.01, 1 / 3])
    local = {"USD": parts.sum(axis=1), "JPY": np.zeros_like(parts[:, 0])}
    traded = np.arange(1, pnl.shape[1] + 1, dtype=np.int64) * 100
    books = ValuedBooks(daily=daily, parts=parts, benchmark=benchmark, local=local, traded=traded)
    return KeptBooks(portfolio, run_id, "equities", books)


def test_books_come_back_to_the_cent_without_empty_rows(store: DatabasePnlDayStore) -> None:
    assert store.replace(kept()) == 3

    found = store.books("Core")
    daily = found.books.daily
    assert (found.run_id, found.dataset) == ("run-1", "equities")
    assert daily.keys == ((BOOK, "AAA"),)
    assert daily.pnl.tolist() == [[-50, 1_000, 3]]
    assert daily.fees.tolist() == [[50, 0, 0]]
    assert daily.equity.tolist() == [9_950, 10_950, 10_953]
    assert daily.flows.tolist() == [10_000, 0, 0]
    assert found.books.benchmark[1:].tolist() == [0.01, 1 / 3]
    assert np.isnan(found.books.benchmark[0])
    assert found.books.traded is not None
    assert found.books.traded.tolist() == [100, 200, 300]
    assert {c: a.sum(axis=0).tolist() for c, a in found.books.local.items()} == {
        "USD": [-50, 1_000, 3], "JPY": [0, 0, 0],
    }  # fmt: skip
    assert store.spans() == {
        "Core": KeptSpan("run-1", "equities", date(2022, 1, 3), date(2022, 1, 5))
    }


def test_a_range_knows_the_equity_that_it_began_with(store: DatabasePnlDayStore) -> None:
    store.replace(kept())

    daily = store.books("Core", start=date(2022, 1, 4), end=date(2022, 1, 4)).books.daily

    assert daily.opening == 9_950
    assert daily.returns().tolist() == [1_000 / 9_950]


def test_the_same_books_again_change_nothing(store: DatabasePnlDayStore) -> None:
    store.replace(kept())
    assert store.replace(kept()) == 0

    other = PNL.copy()
    other[1, 2] = 4
    assert store.replace(kept(other)) == 1
    assert store.books("Core").books.daily.pnl.tolist() == [[-50, 1_000, 4]]


def test_another_run_takes_the_place_of_the_one_before(store: DatabasePnlDayStore) -> None:
    store.replace(kept())
    store.replace(kept(portfolio="Hedge"))

    assert store.replace(kept(run_id="run-2")) == 3
    assert {name: span.run_id for name, span in store.spans().items()} == {
        "Core": "run-2", "Hedge": "run-1",
    }  # fmt: skip


def test_what_is_not_there_is_named(store: DatabasePnlDayStore) -> None:
    store.replace(kept())

    with pytest.raises(MissingDataError, match="'Nobody' is kept, there is Core"):
        store.books("Nobody")
    with pytest.raises(MissingDataError, match="its books run from 2022-01-03 to 2022-01-05"):
        store.books("Core", start=date(2022, 1, 6))
    with pytest.raises(InvalidInputError, match="2022-01-05 to 2022-01-04 ends before it starts"):
        store.books("Core", start=date(2022, 1, 5), end=date(2022, 1, 4))


def test_days_kept_before_trades_were_counted_say_so(store: DatabasePnlDayStore) -> None:
    books = kept()
    store.replace(KeptBooks("Core", "run-1", "equities", replace(books.books, traded=None)))

    assert store.books("Core").books.traded is None
    assert store.replace(kept()) == 3


def test_parts_that_do_not_make_the_profit_are_refused() -> None:
    books = kept().books
    with pytest.raises(InvalidInputError, match="the parts sum to 1050, the profit is 1000"):
        replace(books, parts=books.parts + (books.parts == 1_000) * 50)
