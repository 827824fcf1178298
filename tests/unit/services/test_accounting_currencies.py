"""Books in several currencies through `services.accounting`, by hand and by refusal."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import (
    BondTerms,
    Instrument,
    InstrumentKind,
    OptionRight,
    OptionTerms,
)
from basics.trading import Book, Fill
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from pnl.attribution import by_currency
from pnl.events import (
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    Exercise,
    LedgerEvent,
    Settlement,
    Split,
)
from services.accounting import Accounting
from services.profit_splits import Prices, split_of_books, split_of_currencies, split_of_fills

D = Decimal
RUN = "run-1"
BOOK = Book("Fund", "Multi", "core", "acc")
DAYS = (date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 5))
SESSIONS = np.array(DAYS, dtype="datetime64[D]")
CALL = OptionTerms(underlying="US", strike=D(100), expiry=DAYS[1], right=OptionRight.CALL)
INSTRUMENTS = {
    "US": Instrument(symbol="US"),
    "JP": Instrument(symbol="JP", currency="JPY"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
    "CALL": Instrument(
        symbol="CALL", kind=InstrumentKind.OPTION, multiplier=D(100), option=CALL
    ),
    "BOND": Instrument(
        symbol="BOND",
        kind=InstrumentKind.BOND,
        currency="EUR",
        bond=BondTerms(coupon_rate=D("0.04"), maturity=date(2030, 1, 4)),
    ),
}  # fmt: skip
SYMBOLS = tuple(sorted(INSTRUMENTS))
CLOSES = Panel(
    SYMBOLS,
    SESSIONS,
    {
        "close": np.array(
            [
                [102.0, 100.0, 101.0],  # BOND, after its coupon of 2 on the second day
                [5.0, np.nan, np.nan],  # CALL, assigned on the second day
                [4000.0, 4010.0, 4005.0],  # FUT
                [2000.0, 1030.0, 1040.0],  # JP, two for one on the second day
                [100.0, 108.0, 107.0],  # US
            ]
        )
    },
)
RATES = Panel(
    ("EUR", "JPY"), SESSIONS, {"close": np.array([[1.10, 1.12, 1.11], [0.0080, 0.0081, 0.0079]])}
)


def fill(n: int, symbol: str, quantity: int, price: str) -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"o{n}", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), currency=INSTRUMENTS[symbol].currency,
        executed_at=datetime(2022, 1, 3, 21, tzinfo=UTC),
    )  # fmt: skip


def exchange(sold: int, bought: int, currency: str) -> CurrencyExchange:
    return CurrencyExchange(
        event_id=f"x|{currency}", book=BOOK, day=DAYS[0], sold=D(sold), sold_currency="USD",
        bought=D(bought), bought_currency=currency,
    )  # fmt: skip


def cash(n: str, day: date, kind: CashKind, amount: str, currency: str, symbol: str | None = None):
    return CashMovement(
        event_id=n, book=BOOK, day=day, kind=kind, amount=D(amount), currency=currency,
        symbol=symbol,
    )  # fmt: skip


EVENTS: list[LedgerEvent] = [
    cash("capital", DAYS[0], CashKind.CAPITAL, "100000", "USD"),
    exchange(22_000, 20_000, "EUR"),
    exchange(16_000, 2_000_000, "JPY"),
    fill(1, "US", -200, "100"),
    fill(2, "JP", 500, "2000"),
    fill(3, "FUT", 1, "4000"),
    fill(4, "CALL", -3, "5"),
    fill(5, "BOND", 100, "102"),
    Split(event_id="split", book=BOOK, symbol="JP", day=DAYS[1], new=2, old=1),
    Dividend(event_id="div", book=BOOK, symbol="JP", day=DAYS[1], per_unit=D(10), currency="JPY",
             withholding=D("0.15")),
    Exercise(event_id="assigned", book=BOOK, symbol="CALL", day=DAYS[1], quantity=D(3)),
    Settlement(event_id="margin", book=BOOK, symbol="FUT", day=DAYS[1], price=D(4010)),
    cash("borrow", DAYS[1], CashKind.BORROW, "-7.50", "USD", "US"),
    cash("coupon", DAYS[1], CashKind.COUPONS, "200", "EUR", "BOND"),
    Settlement(event_id="expiry", book=BOOK, symbol="FUT", day=DAYS[2], price=D(4005), final=True),
]  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


@pytest.fixture
def accounting(database: Database) -> Accounting:
    books = Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS)
    books.book_events(RUN, EVENTS)
    return books


def test_every_kind_of_event_is_explained_to_the_cent_in_the_base_currency(
    accounting: Accounting,
) -> None:
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    explained = accounting.explain(RUN, CLOSES, portfolio="Multi", rates=RATES)
    parts = {part.name: part.by_session for part in explained.parts}

    # Day 2. Price: short 200 US -1,600; 1,000 JP from 1,000 to 1,030 at 0.0081 +243; the future
    # +500; three calls, short, fall from 5 to 0, +1,500; 100 bonds -2 at 1.12 -224.
    assert parts["price"][1] == D("419.00")
    # Assigned: 300 US sold at 100, worth 108.
    assert parts["new_trades"][1] == D("-2400.00")
    # 10,000 yen less 15% at 0.0081, 200 euros at 1.12.
    assert parts["carry"][1] == D("68.85") + D("224.00")
    assert parts["borrow"][1] == D("-7.50")
    # 20,000 euros and 2,000,000 yen were held at the open.
    assert parts["fx"][1] == D("400.00") + D("200.00")
    for column in range(3):
        assert sum((part[column] for part in parts.values()), D(0)) == daily.money(
            daily.pnl[:, column].sum()
        )
    assert explained.total == daily.money(daily.equity[-1]) - D(100_000)


def test_the_same_stands_in_each_currency_and_in_the_books_by_currency(
    accounting: Accounting,
) -> None:
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    books = accounting.currency_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    explained = accounting.explain(RUN, CLOSES, portfolio="Multi", rates=RATES)
    yen = next(one for one in explained.currencies if one.currency == "JPY")

    # Exchanged in 2,000,000; 500 at 2,000 become 1,000 at 1,040; a dividend of 8,500.
    assert yen.total == D(2_000_000) + D(40_000) + D(8_500)
    assert books.currencies == ("EUR", "JPY", "USD")
    assert books.pnl.sum(axis=0).tolist() == daily.pnl.sum(axis=0).tolist()
    assert books.equity[1, -1] == round(2_048_500 * 0.0079 * 100)
    split = by_currency(books, daily)
    assert split.residual == 0
    assert split.total == daily.money(daily.pnl.sum())
    by_class = split_of_books(daily, INSTRUMENTS, by="asset_class")
    assert {part.name for part in by_class.parts} == {
        "(cash)", "bond", "equity", "future", "option",
    }  # fmt: skip


def test_what_is_booked_for_each_session_balances_in_every_currency(
    accounting: Accounting,
) -> None:
    balances = accounting.trial_balances(RUN, CLOSES, portfolio="Multi")

    assert [day for day, _ in balances] == list(DAYS)
    assert all(balance.balances for _, balance in balances)
    assert set(balances[1][1].by_currency) == {"EUR", "JPY", "USD"}


def test_booking_again_changes_nothing_and_another_process_reads_the_same(
    accounting: Accounting, database: Database
) -> None:
    again = accounting.book_events(RUN, EVENTS)
    other = Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS)

    assert (again.booked, again.seen_before) == (0, len(EVENTS))
    one = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    two = other.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    assert one.pnl.tolist() == two.pnl.tolist()


def test_a_missing_rate_is_named(accounting: Accounting) -> None:
    only_euro = Panel(("EUR",), SESSIONS, {"close": RATES["close"][:1]})

    with pytest.raises(MissingDataError, match="no rate from JPY to USD"):
        accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=only_euro)
    with pytest.raises(MissingDataError, match="no rate from EUR to USD"):
        accounting.explain(RUN, CLOSES, portfolio="Multi")


def test_rates_of_other_sessions_are_refused(accounting: Accounting) -> None:
    with pytest.raises(InvalidInputError, match="2 sessions of exchange rates do not match the 3"):
        accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES.window(0, 2))


def test_fills_of_every_kind_in_every_currency_by_hand(accounting: Accounting) -> None:
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    prices = Prices(CLOSES, RATES)

    split = split_of_fills(accounting, RUN, daily, prices, by="order", portfolio="Multi")

    assert {part.name: part.pnl for part in split.parts} == {
        "o1": D("-1400.00"),  # 200 sold at 100, now 107.
        "o2": D("316.00"),  # 1,000 after the split, from 1,000 to 1,040 yen, at 0.0079.
        "o3": D("250.00"),  # Settled 5 higher, 50 a point.
        "o4": D("-600.00"),  # 1,500 of premium; 300 assigned at 100, now 107.
        "o5": D("-111.00"),  # 100 down by one euro, at 1.11.
    }
    # A dividend of 8,500 yen, borrow, a coupon of 200 euros, what cash in euros and yen earned.
    assert split.residual == D("67.15") - D("7.50") + D(222) + D(200) - D(200)
    by_version = split_of_fills(
        accounting, RUN, daily, prices, by="model_version", portfolio="Multi"
    )
    assert [(part.name, part.pnl) for part in by_version.parts] == [("(unknown)", D("-1545.00"))]
    assert by_version.residual == split.residual


def test_splits_of_adjoining_ranges_sum_to_the_whole(accounting: Accounting) -> None:
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)
    prices = Prices(CLOSES, RATES)
    ranges = [daily.between(DAYS[0], DAYS[0]), daily.between(DAYS[1], DAYS[2]), daily]

    for split_of in (
        lambda books: split_of_fills(accounting, RUN, books, prices, by="order", portfolio="Multi"),
        lambda books: split_of_currencies(accounting, RUN, books, prices, portfolio="Multi"),
    ):
        first, second, whole = (
            {part.name: part.pnl for part in found.parts} | {"residual": found.residual}
            for found in map(split_of, ranges)
        )
        assert {n: first.get(n, D(0)) + second.get(n, D(0)) for n in whole} == whole
    assert split_of_currencies(accounting, RUN, daily, prices, portfolio="Multi").residual == 0


def test_fills_in_a_currency_without_a_rate_are_refused_by_name(accounting: Accounting) -> None:
    daily = accounting.daily_books(RUN, CLOSES, portfolio="Multi", rates=RATES)

    with pytest.raises(MissingDataError, match="no rate from JPY to USD"):
        split_of_fills(accounting, RUN, daily, Prices(CLOSES), by="order", portfolio="Multi")
