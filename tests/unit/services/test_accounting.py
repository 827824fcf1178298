"""Tests of `services.accounting` on a real SQLite store."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from pnl.bulk import FoldedFills
from pnl.events import LedgerEvent
from services.accounting import Accounting
from services.pnl_explanation import explanation_of
from services.pnl_performance import performance_of
from services.ports import LedgerRecord
from services.profit_splits import Prices, split_of_books, split_of_fills, splits_of_books

D = Decimal
RUN = "run-1"
BOOK = Book("Fund", "Core", "momentum", "acc")
OTHER = Book("Fund", "Hedge", "value", "acc-2")
INSTRUMENTS = {s: Instrument(symbol=s, sector="Energy") for s in ("AAA", "BBB")}
SESSIONS = np.array(["2022-01-03", "2022-01-04", "2022-01-05"], dtype="datetime64[D]")
CLOSES = Panel(
    ("AAA", "BBB"), SESSIONS, {"close": np.array([[100.0, 110.0, 99.0], [50.0, 50.0, 55.0]])}
)


def fill(session: int, symbol: str, quantity: int, price: str, *, book: Book = BOOK) -> Fill:
    return Fill(
        venue="SIM", exec_id=f"{book.strategy}-{session}-{symbol}", cl_ord_id="o", book=book,
        symbol=symbol, quantity=D(quantity), price=D(price),
        executed_at=datetime(2022, 1, 3 + session, 21, tzinfo=UTC),
    )  # fmt: skip


COLUMNS = (
    "venue", "exec_id", "cl_ord_id", "symbol", "quantity", "price", "executed_at", "currency",
    "fee",
)  # fmt: skip
FILLS = [fill(0, "AAA", 10, "100"), fill(1, "AAA", -5, "110"), fill(1, "BBB", 20, "50")]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


@pytest.fixture
def accounting(database: Database) -> Accounting:
    return Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS)


def book_all(accounting: Accounting) -> None:
    accounting.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(2000))
    accounting.book_fills(RUN, FILLS)


def test_a_run_by_hand(accounting: Accounting) -> None:
    book_all(accounting)

    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")

    # Day 2: 10 x 10 on AAA. Day 3: 5 x -11 on AAA and 20 x 5 on BBB.
    assert daily.pnl.sum(axis=0).tolist() == [0, 10_000, 4_500]
    assert daily.equity.tolist() == [200_000, 210_000, 214_500]


def test_booking_again_books_nothing(accounting: Accounting) -> None:
    book_all(accounting)

    report = accounting.book_fills(RUN, FILLS)

    assert (report.booked, report.seen_before, report.last_sequence) == (0, 3, 4)


def test_a_new_process_continues_where_the_store_stands(
    accounting: Accounting, database: Database
) -> None:
    accounting.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(2000))
    accounting.book_fills(RUN, FILLS[:1])
    restarted = Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS)

    assert restarted.book_fills(RUN, FILLS).booked == 2
    assert restarted.positions(RUN) == restarted.ledger(RUN).positions()
    assert [(p.symbol, p.quantity) for p in accounting.positions(RUN)] == [("AAA", 5), ("BBB", 20)]


class _FailingStore:
    """Fails the first append after the ledger in memory has taken the events."""

    def __init__(self, store: DatabaseLedgerStore) -> None:
        self.store = store
        self.fails = True

    def append(self, run_id: str, records: Sequence[LedgerRecord]) -> None:
        if self.fails and len(records) > 1:
            self.fails = False
            raise OSError("disk full")
        self.store.append(run_id, records)

    def append_fills(self, run_id: str, fills: pl.DataFrame, folded: FoldedFills) -> None:
        self.store.append_fills(run_id, fills, folded)

    def last_sequence(self, run_id: str) -> int:
        return self.store.last_sequence(run_id)

    def events(self, run_id: str, *, after: int = 0) -> Sequence[tuple[date, LedgerEvent]]:
        return self.store.events(run_id, after=after)

    def runs(self) -> Sequence[str]:
        return self.store.runs()


def test_a_failed_booking_leaves_neither_store_nor_memory_half_booked(
    database: Database,
) -> None:
    store = _FailingStore(DatabaseLedgerStore(database))
    accounting = Accounting(store=store, instruments=INSTRUMENTS)

    with pytest.raises(OSError, match="disk full"):
        accounting.book_fills(RUN, FILLS)

    assert accounting.positions(RUN) == []
    assert accounting.book_fills(RUN, FILLS).booked == 3


def test_an_unknown_instrument_books_nothing_of_its_batch(accounting: Accounting) -> None:
    with pytest.raises(MissingDataError, match="unknown instrument 'ZZZ'"):
        accounting.book_fills(RUN, [FILLS[0], fill(1, "ZZZ", 1, "1")])

    assert accounting.store.last_sequence(RUN) == 0
    assert accounting.positions(RUN) == []


def test_booking_joins_a_transaction_around_it(accounting: Accounting, database: Database) -> None:
    def use_case() -> None:
        with database.transaction():
            accounting.book_fills(RUN, FILLS)
            raise RuntimeError("the rest of the use case failed")

    with pytest.raises(RuntimeError, match="the rest"):
        use_case()

    assert accounting.positions(RUN) == []


def test_portfolios_are_valued_apart(accounting: Accounting) -> None:
    book_all(accounting)
    accounting.pay_in(RUN, OTHER, day=date(2022, 1, 3), amount=D(500))
    accounting.book_fills(RUN, [fill(0, "BBB", 1, "50", book=OTHER)])

    assert accounting.daily_books(RUN, CLOSES, portfolio="Hedge").equity[-1] == 50_500
    assert accounting.daily_books(RUN, CLOSES, portfolio="Core").equity[-1] == 214_500


def test_performance_and_attribution_become_plain_values(accounting: Accounting) -> None:
    book_all(accounting)
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")
    market = np.array([0.0, 0.05, -0.02])

    performance = performance_of(daily, benchmark=market, benchmark_name="equal weights")
    splits = splits_of_books(daily, INSTRUMENTS)

    assert performance.total_pnl == D("145.00")
    assert performance.initial_capital == D(2000)
    assert performance.returns == pytest.approx((0.0, 0.05, 45 / 2100))
    assert performance.benchmark_equity == pytest.approx((2000, 2100, 2058))
    assert [split.by for split in splits] == ["symbol", "strategy", "sector", "month"]
    assert all(split.total == D("145.00") and split.residual == 0 for split in splits)
    assert msgspec.json.decode(msgspec.json.encode(performance))["total_pnl"] == "145.00"
    assert msgspec.json.encode(splits)


def test_an_undefined_figure_carries_its_reason_and_never_nan(accounting: Accounting) -> None:
    book_all(accounting)
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")

    figures = {figure.name: figure for figure in performance_of(daily).figures}

    assert figures["sortino_ratio"].value is None
    assert figures["sortino_ratio"].reason == "no return is negative"
    assert figures["calmar_ratio"].reason == "the series never fell below its peak"
    for figure in figures.values():
        assert (figure.value is None) == (figure.reason is not None)


def test_one_session_gives_figures_with_reasons(accounting: Accounting) -> None:
    book_all(accounting)
    daily = accounting.daily_books(RUN, CLOSES.window(0, 1), portfolio="Core")

    figures = {figure.name: figure for figure in performance_of(daily).figures}

    assert figures["total_return"].value == 0.0
    assert figures["volatility"].reason == "1 returns are too few, 2 are needed: widen the range"


def test_an_unknown_portfolio_and_an_unknown_key_are_refused(accounting: Accounting) -> None:
    book_all(accounting)

    with pytest.raises(MissingDataError, match="portfolio 'Nobody'"):
        accounting.daily_books(RUN, CLOSES, portfolio="Nobody")
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")
    with pytest.raises(InvalidInputError, match="cannot attribute by 'colour'"):
        split_of_books(daily, INSTRUMENTS, by="colour")


def test_every_session_is_explained_to_the_cent(accounting: Accounting) -> None:
    book_all(accounting)

    explanation = explanation_of(accounting.valued_books(RUN, CLOSES, portfolio="Core"))

    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")
    assert explanation.total == D("145.00")
    sums = [sum(column) for column in zip(*(p.by_session for p in explanation.parts), strict=True)]
    assert sums == [daily.money(amount) for amount in daily.pnl.sum(axis=0)]
    # All fills are at the close, without fees: everything is price.
    assert {p.name: p.pnl for p in explanation.parts if p.pnl} == {"price": D("145.00")}


def test_profit_by_side_sums_to_the_booked_total(accounting: Accounting) -> None:
    book_all(accounting)
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")

    split = split_of_fills(accounting, RUN, daily, Prices(CLOSES), by="side", portfolio="Core")

    # Bought 10 AAA at 100 (now 99) and 20 BBB at 50 (now 55); sold 5 AAA at 110.
    assert {p.name: p.pnl for p in split.parts} == {"buy": D("90.00"), "sell": D("55.00")}
    assert split.residual == 0


def test_columns_are_booked_onto_what_stands(accounting: Accounting) -> None:
    frame = pl.DataFrame(
        [
            {name: getattr(f, name) for name in COLUMNS}
            | {name: getattr(f.book, name) for name in ("fund", "portfolio", "strategy", "account")}
            for f in FILLS
        ]
    )

    first = accounting.book_columns(RUN, frame.head(2))
    again = accounting.book_columns(RUN, frame)

    assert (first.booked, again.booked, again.seen_before) == (2, 1, 2)
    other = Accounting(store=accounting.store, instruments=INSTRUMENTS)
    other.book_fills("other", FILLS)
    assert accounting.positions(RUN) == other.positions("other")


def test_capital_booked_late_counts_on_its_own_day(accounting: Accounting) -> None:
    accounting.book_fills(RUN, FILLS)
    accounting.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(2000))

    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")

    assert daily.flows.tolist() == [200_000, 0, 0]
    assert daily.equity.tolist() == [200_000, 210_000, 214_500]


def test_a_fill_booked_late_counts_on_the_day_that_the_books_had_reached(
    accounting: Accounting,
) -> None:
    accounting.pay_in(RUN, BOOK, day=date(2022, 1, 3), amount=D(2000))
    accounting.book_fills(RUN, [FILLS[1], FILLS[0]])

    daily = accounting.daily_books(RUN, CLOSES, portfolio="Core")

    # The short of day 2 stood first; the purchase of day 1 at 100 joins it at the close of 110.
    assert daily.pnl.sum(axis=0).tolist() == [0, 10_000, -5_500]
