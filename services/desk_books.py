"""The desk's own orders in the ledger: whatever the journal says was filled is booked, once.

The journal holds the fills that stand; the ledger is append-only. So a fill that the journal
knows and the ledger does not is booked, one that stands there on other terms is corrected, one
that no longer stands is cancelled. Doing it again books nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from basics.trading import Book, Fill
from pnl.events import (
    CashKind,
    CashMovement,
    FillCancel,
    FillCorrection,
    LedgerEvent,
    event_day,
    fill_event_id,
)
from services.accounting import Accounting, BookingReport
from services.order_tickets import DESK
from services.ports import OrderJournal

CORRECTED = "the venue corrected the fill (150=G)"
CANCELLED = "the venue cancelled the fill (150=H)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskBooks:
    """Books the orders that people and programs placed.

    Attributes
    ----------
    book, capital : Book, Decimal
        Where the orders belong, and the money that it began with: paid in on the day of the
        first fill.
    """

    journal: OrderJournal
    accounting: Accounting
    book: Book
    capital: Decimal

    def book_orders(self, *, today: date) -> BookingReport:
        """Bring the ledger up to the journal, in one transaction.

        Parameters
        ----------
        today : date
            The desk date, on which corrections and cancels are booked.
        """
        fills = self.journal.fills(DESK)
        ledger = self.accounting.ledger(DESK)
        events: list[LedgerEvent] = []
        capital = f"capital|{self.book.account}|{self.book.strategy}|opening"
        if fills and capital not in ledger:
            events.append(
                CashMovement(
                    event_id=capital,
                    book=self.book,
                    day=min(event_day(fill) for fill in fills),
                    kind=CashKind.CAPITAL,
                    amount=self.capital,
                )
            )
        known = {_key(fill): fill for fill in ledger.fills()}
        events += _missing(fills, known, today, ledger.sequence)
        return self.accounting.book_events(DESK, events)


def _key(fill: Fill) -> tuple[str, str]:
    return fill.venue, fill.exec_id


def _missing(
    fills: Iterable[Fill],
    known: Mapping[tuple[str, str], Fill],
    today: date,
    sequence: int,
) -> list[LedgerEvent]:
    """Return what takes the ledger's fills to the journal's.

    An amendment is named after the ledger's state that it amends: what was put right twice is
    two events.
    """
    events: list[LedgerEvent] = []
    standing = {}
    for fill in fills:
        standing[_key(fill)] = fill
        before = known.get(_key(fill))
        if before is None:
            events.append(fill)
        elif before != fill:
            day = max(today, fill.executed_at.astimezone(UTC).date())
            event_id = f"correction|{fill_event_id(*_key(fill))}|{sequence}"
            events.append(FillCorrection(event_id=event_id, day=day, fill=fill, reason=CORRECTED))
    for key, fill in known.items():
        if key not in standing:
            events.append(
                FillCancel(
                    event_id=f"cancel|{fill_event_id(*key)}|{sequence}",
                    book=fill.book,
                    day=max(today, fill.executed_at.astimezone(UTC).date()),
                    venue=fill.venue,
                    exec_id=fill.exec_id,
                    reason=CANCELLED,
                )
            )
    return events
