"""Opening positions and cash: the books balance from the first day."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from basics.instruments import Instrument
from basics.trading import Book
from infra.sources.opening_files import read_opening
from pnl.ledger import Ledger
from pnl.postings import trial_balance

D = Decimal
INSTRUMENTS = {"AAA": Instrument(symbol="AAA"), "EEE": Instrument(symbol="EEE", currency="EUR")}


def test_positions_enter_at_cost_and_cash_as_capital(tmp_path: Path) -> None:
    path = tmp_path / "opening.csv"
    path.write_text(
        "account,subject,name,amount,price\nacc,cash,USD,500.25,\nacc,position,AAA,-10,20.5\n"
        "acc,position,EEE,3,7\nacc,position,ZZZ,3,7\nacc,position,EEE,3,\nacc,cash,USD,1,\n"
        "acc,loan,USD,1,\nacc,cash,EUR,much,\nacc,position,AAA,0,1\n"
    )

    events, rejected = read_opening(path, INSTRUMENTS, day=date(2022, 1, 3))
    ledger = Ledger(INSTRUMENTS)
    entries = ledger.book_all(events)

    assert ledger.cash() == {"EUR": D(0), "USD": D("500.25")}
    book = Book("imported", "imported", "imported", "acc")
    assert ledger.position(book, "AAA").average_price == D("20.5")
    assert trial_balance(entries).balances
    assert [(one.line, one.reason) for one in rejected] == [
        (5, "the instrument is unknown"),
        (6, "a position needs its cost in the column price"),
        (7, "it stands twice"),
        (8, "account, subject (position or cash) and name are needed"),
        (9, "the amount is no number, or a position of zero"),
        (10, "the amount is no number, or a position of zero"),
    ]
