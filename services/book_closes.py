"""The books at each close: events folded session by session, with the closing marks and rates.

What was booked between two sessions counts in the later one; what was booked after the last is
left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from basics.money import to_decimal
from basics.trading import Book
from market.panel import Panel
from pnl.events import Adjustment, CashMovement, CurrencyExchange, LedgerEvent, event_book
from pnl.ledger import Ledger
from pnl.postings import Entry

MARK_DIGITS = 6  # Adjusted closes have more decimals than a tick; a mark keeps six.
RATE_DIGITS = 8  # Of an exchange rate: a yen in dollars needs more than a price.


@dataclass(frozen=True, slots=True)
class Close:
    """The books at one close, and what was booked since the one before."""

    session: date
    ledger: Ledger
    booked: list[tuple[LedgerEvent, Entry]]
    marks: dict[str, Decimal]
    rates: dict[str, Decimal]


def fold_closes(
    ledger: Ledger,
    events: Sequence[tuple[date, LedgerEvent]],
    closes: Panel,
    *,
    field_name: str = "close",
    rates: Panel | None = None,
) -> Iterator[Close]:
    """Fold `events` into an empty `ledger` and yield it at each close of the panel.

    Parameters
    ----------
    rates : Panel, optional
        A row a currency: units of the base for one of it, on the sessions of `closes`.

    Raises
    ------
    InvalidInputError
        If `rates` has other sessions.
    """
    if rates is not None and not np.array_equal(rates.sessions, closes.sessions):
        raise InvalidInputError(
            f"{len(rates.sessions)} sessions of exchange rates do not match the "
            f"{len(closes.sessions)} of the closes: cut both to the same span"
        )
    dated = in_order_of_days(events)
    prices = closes[field_name]
    at = 0
    for column, session in enumerate(closes.sessions.tolist()):
        booked = []
        while at < len(dated) and dated[at][0] <= session:
            day, event = dated[at]
            entry = ledger.book(event, day=day)
            if entry is not None:
                booked.append((event, entry))
            at += 1
        yield Close(
            session,
            ledger,
            booked,
            marks_of(closes.symbols, prices[:, column]),
            _rates(rates, column, field_name),
        )


def marks_of(
    symbols: Sequence[str], prices: FloatArray, *, digits: int = MARK_DIGITS
) -> dict[str, Decimal]:
    """Return prices as the books take them; a symbol without one is left out."""
    return {
        symbol: to_decimal(float(price), digits=digits)
        for symbol, price in zip(symbols, prices, strict=True)
        if np.isfinite(price)
    }


def _rates(rates: Panel | None, column: int, field_name: str) -> dict[str, Decimal]:
    if rates is None:
        return {}
    return marks_of(rates.symbols, rates[field_name][:, column], digits=RATE_DIGITS)


def in_order_of_days(
    events: Sequence[tuple[date, LedgerEvent]],
) -> list[tuple[date, LedgerEvent]]:
    """Sort events by day where that changes nothing but the day.

    Cash that was booked late counts on its own day. Whatever depends on positions keeps the
    order of booking, which decided its amounts, and waits for what was booked before it.
    """
    reached: dict[Book, date] = {}
    dated: list[tuple[date, LedgerEvent]] = []
    for day, event in events:
        if not isinstance(event, CashMovement | CurrencyExchange | Adjustment):
            book = event_book(event)
            reached[book] = max(day, reached.get(book, day))
            dated.append((reached[book], event))
        else:
            dated.append((day, event))
    return sorted(dated, key=lambda one: one[0])
