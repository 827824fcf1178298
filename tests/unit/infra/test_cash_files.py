"""A user's cash: deposits, interest and conversions enter the books, and bad rows are listed."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from basics.instruments import Instrument
from basics.trading import Book
from infra.sources.cash_files import read_cash
from pnl.ledger import Ledger
from pnl.postings import trial_balance

D = Decimal
INSTRUMENTS = {"AAA": Instrument(symbol="AAA")}
HEADER = "event_id,day,kind,amount,currency,bought,bought_currency,symbol,account\n"


def test_cash_comes_goes_and_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "cash.csv"
    path.write_text(
        HEADER
        + "1,2022-01-03,capital,1000,EUR,,,,acc\n2,2022-01-04,exchange,400,EUR,452.5,USD,,acc\n"
        "3,2022-01-05,interest,1.25,EUR,,,,acc\n4,2022-01-05,borrow,-3,USD,,,AAA,acc\n"
    )

    events, rejected = read_cash(path, INSTRUMENTS)
    ledger = Ledger(INSTRUMENTS)
    entries = ledger.book_all(events)

    assert rejected == ()
    assert ledger.cash(Book("imported", "imported", "imported", "acc")) == {
        "EUR": D("601.25"), "USD": D("449.50"),
    }  # fmt: skip
    assert trial_balance(entries).balances
    assert events[1].day == date(2022, 1, 4)


def test_rows_that_are_no_cash_are_rejected_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "cash.csv"
    rows = {
        ",2022-01-03,capital,1,EUR,,,,": "the event_id is empty",
        "1,2022-01-03,gift,1,EUR,,,,": "the kind 'gift' is none of capital",
        "2,someday,capital,1,EUR,,,,": "the day is none",
        "3,2022-01-03,capital,much,EUR,,,,": "amount is not a number",
        "4,2022-01-03,capital,0,EUR,,,,": "amount must be finite and not zero",
        "5,2022-01-03,capital,inf,EUR,,,,": "amount must be finite and not zero",
        "6,2022-01-03,capital,1,euro,,,,": "currency 'euro' is no code",
        "7,2022-01-03,fees,-1,USD,,,ZZZ,": "the instrument is unknown",
        "8,2022-01-03,exchange,5,EUR,,USD,,": "bought is not a number",
        "9,2022-01-03,exchange,5,EUR,6,,,": "bought_currency '' is no code",
        "10,2022-01-03,exchange,-5,EUR,6,USD,,": "sold must be",
        "11,2022-01-03,exchange,5,EUR,6,EUR,,": "needs two currencies",
        "12,2022-01-03,capital,1,EUR,,,,": "",
        "12,2022-01-03,capital,2,EUR,,,,": "the event_id stands twice",
    }
    path.write_text(HEADER + "\n".join(rows) + "\n")

    events, rejected = read_cash(path, INSTRUMENTS)

    assert len(events) == 1
    assert [one.line for one in rejected] == [n + 2 for n, why in enumerate(rows.values()) if why]
    for one, why in zip(rejected, filter(None, rows.values()), strict=True):
        assert why in one.reason
