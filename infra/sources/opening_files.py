"""A user's opening positions and cash, from CSV or Parquet, as the first events of a run's books.

Columns: account, subject (`position` or `cash`), name (symbol or currency), amount, and for a
position its cost `price`. A position enters as a fill of the venue `opening` at its cost, paid for
by capital of the same amount, so that the books balance from the first day.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path

from basics.instruments import Instrument
from basics.money import round_money
from basics.trading import Book, Fill
from infra.sources.ledger_files import row_text, text_table
from infra.sources.text import LINE
from pnl.events import CashKind, CashMovement, LedgerEvent
from services.ports import Rejection

COLUMNS = ("account", "subject", "name", "amount")


def read_opening(
    path: Path,
    instruments: Mapping[str, Instrument],
    *,
    day: date,
    mapping: Mapping[str, str] | None = None,
) -> tuple[list[LedgerEvent], tuple[Rejection, ...]]:
    """Return the events that open the books on `day`, and the rows that were rejected.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or lacks a column.
    """
    table, rejected = text_table(path, COLUMNS, mapping or {})
    events: list[LedgerEvent] = []
    seen: set[tuple[str, str, str]] = set()
    for row in table.iter_rows(named=True):
        key = (row["account"] or "", row["subject"] or "", row["name"] or "")
        reason = _fault(row, key, instruments) or ("it stands twice" if key in seen else None)
        if reason is not None:
            rejected.append(Rejection(path.name, row[LINE], reason, row_text(row)))
            continue
        seen.add(key)
        amount = Decimal(row["amount"])
        if key[1] == "cash":
            events.append(_capital(key[0], key[2], amount, day, what="cash"))
        else:
            price = Decimal(row["price"])
            events += _position(key[0], instruments[key[2]], amount, price, day)
    return events, tuple(rejected)


def _fault(
    row: Mapping[str, str | None], key: tuple[str, str, str], instruments: Mapping[str, Instrument]
) -> str | None:
    account, subject, name = key
    if not (account and name and subject in {"position", "cash"}):
        return "account, subject (position or cash) and name are needed"
    if not _is_number(row["amount"]) or (
        subject == "position" and Decimal(row["amount"] or 0) == 0
    ):
        return "the amount is no number, or a position of zero"
    if subject == "position" and name not in instruments:
        return "the instrument is unknown"
    if subject == "position" and not _is_number(row.get("price")):
        return "a position needs its cost in the column price"
    return None


def _is_number(text: str | None) -> bool:
    try:
        return Decimal(text or "").is_finite()
    except InvalidOperation:
        return False


def _position(
    account: str, instrument: Instrument, quantity: Decimal, price: Decimal, day: date
) -> list[LedgerEvent]:
    cost = round_money(quantity * price * instrument.multiplier, instrument.currency)
    fill = Fill(
        venue="opening",
        exec_id=f"{account}|{instrument.symbol}",
        cl_ord_id="opening",
        book=_book(account),
        symbol=instrument.symbol,
        quantity=quantity,
        price=price,
        executed_at=datetime.combine(day, time(), tzinfo=UTC),
        currency=instrument.currency,
    )
    return [_capital(account, instrument.currency, cost, day, what=instrument.symbol), fill]


def _capital(account: str, currency: str, amount: Decimal, day: date, *, what: str) -> CashMovement:
    return CashMovement(
        event_id=f"opening|{account}|{what}|{currency}",
        book=_book(account),
        day=day,
        kind=CashKind.CAPITAL,
        amount=amount,
        currency=currency,
    )


def _book(account: str) -> Book:
    return Book("imported", "imported", "imported", account)
