"""A user's cash, from CSV or Parquet: deposits, interest, fees and conversions between currencies.

Columns: event_id, day, kind, amount, currency. `kind` is one of `CashKind` (capital, interest,
borrow, fees, taxes, coupons; the amount positive when cash comes in) or `exchange`, whose amount
is what was sold, positive, with `bought` and `bought_currency` beside it. `symbol` may name the
instrument behind a movement; fund, portfolio, strategy and account default as those of fills.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from basics.errors import InvalidInputError
from basics.instruments import Instrument
from basics.trading import Book
from infra.reference import CURRENCY
from infra.sources.ledger_files import DEFAULTS, row_text, text_table
from infra.sources.text import LINE
from pnl.events import CashKind, CashMovement, CurrencyExchange, LedgerEvent
from services.ports import Rejection

COLUMNS = ("event_id", "day", "kind", "amount", "currency")
EXCHANGE = "exchange"
KINDS = (*CashKind, EXCHANGE)
Row = Mapping[str, str | None]


def read_cash(
    path: Path, instruments: Mapping[str, Instrument], *, mapping: Mapping[str, str] | None = None
) -> tuple[list[LedgerEvent], tuple[Rejection, ...]]:
    """Return the events of the file in its order, and the rows that were rejected.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or lacks a column.
    """
    table, rejected = text_table(path, COLUMNS, mapping or {})
    events: list[LedgerEvent] = []
    seen: set[str] = set()
    for row in table.iter_rows(named=True):
        try:
            event = _event(row, instruments, seen)
        except InvalidInputError as error:
            rejected.append(Rejection(path.name, row[LINE], str(error), row_text(row)))
            continue
        seen.add(row["event_id"] or "")
        events.append(event)
    return events, tuple(rejected)


def _event(
    row: Row, instruments: Mapping[str, Instrument], seen: Collection[str]
) -> CashMovement | CurrencyExchange:
    identity, kind = row["event_id"] or "", row["kind"] or ""
    if not identity:
        raise InvalidInputError("the event_id is empty")
    if identity in seen:
        raise InvalidInputError("the event_id stands twice")
    if kind not in KINDS:
        raise InvalidInputError(f"the kind {kind!r} is none of {', '.join(KINDS)}")
    day, book = _day(row["day"]), _book(row)
    amount, currency = _number(row, "amount"), _currency(row, "currency")
    if kind == EXCHANGE:
        return CurrencyExchange(
            event_id=f"cash|{identity}", book=book, day=day, sold=amount, sold_currency=currency,
            bought=_number(row, "bought"), bought_currency=_currency(row, "bought_currency"),
        )  # fmt: skip
    symbol = row.get("symbol") or None
    if symbol is not None and symbol not in instruments:
        raise InvalidInputError("the instrument is unknown")
    return CashMovement(
        event_id=f"cash|{identity}", book=book, day=day, kind=CashKind(kind), amount=amount,
        currency=currency, symbol=symbol,
    )  # fmt: skip


def _number(row: Row, name: str) -> Decimal:
    try:
        amount = Decimal(row.get(name) or "")
    except InvalidOperation:
        raise InvalidInputError(f"{name} is not a number") from None
    if not amount.is_finite() or amount == 0:
        raise InvalidInputError(f"{name} must be finite and not zero")
    return amount


def _currency(row: Row, name: str) -> str:
    currency = row.get(name) or ""
    if not CURRENCY.fullmatch(currency):
        raise InvalidInputError(f"{name} {currency!r} is no code such as EUR")
    return currency


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        raise InvalidInputError("the day is none, such as 2022-01-31") from None


def _book(row: Row) -> Book:
    return Book(
        *(row.get(name) or DEFAULTS[name] for name in ("fund", "portfolio", "strategy", "account"))
    )
