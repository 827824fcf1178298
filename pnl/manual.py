"""Marks and adjustments by hand: proposed by one person with a reason, in force by a second.

A mark takes the place of a symbol's closing price on one session, for one portfolio; an
adjustment is cash booked to one of its books. Until another person approves it a proposal
changes nothing; afterwards it stays in view wherever the books are shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from basics.errors import ConflictError, InvalidInputError, RefusedError
from basics.trading import Book
from market.panel import Panel
from pnl.events import Adjustment


class ManualKind(StrEnum):
    """What is proposed."""

    MARK = "mark"
    ADJUSTMENT = "adjustment"


class ManualState(StrEnum):
    """How far a proposal has come."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """A mark or an adjustment by hand.

    Attributes
    ----------
    book : Book
        Whose books; of a mark only the portfolio counts.
    symbol : str or None
        What is marked; of an adjustment, what it belongs to, or None.
    amount : Decimal
        The price of a mark; the cash of an adjustment, signed.
    note : str or None
        What the second person said.
    """

    entry_id: str
    kind: ManualKind
    book: Book
    day: date
    symbol: str | None
    amount: Decimal
    currency: str
    reason: str
    author: str
    proposed_at: datetime
    state: ManualState = ManualState.PROPOSED
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise RefusedError(f"a {self.kind} by hand needs a reason: say why")
        if not self.author.strip():
            raise InvalidInputError(f"a {self.kind} by hand needs an author: say who proposes it")
        if not self.amount.is_finite() or self.amount == 0:
            raise InvalidInputError(f"a {self.kind} must be finite and not zero, got {self.amount}")
        if self.kind is ManualKind.MARK and (self.symbol is None or self.amount < 0):
            raise InvalidInputError(
                f"a mark needs a symbol and a positive price, got {self.symbol} at {self.amount}"
            )

    def decided(
        self, *, approve: bool, by: str, at: datetime, note: str | None = None
    ) -> "ManualEntry":
        """Return the entry as a second person leaves it.

        Raises
        ------
        ConflictError
            If it was decided before.
        RefusedError
            If the person is its author, or rejects without a word.
        """
        if self.state is not ManualState.PROPOSED:
            raise ConflictError(f"{self.entry_id} was {self.state} by {self.decided_by} already")
        if not by.strip() or by.strip().casefold() == self.author.strip().casefold():
            raise RefusedError(
                f"{self.entry_id} by {self.author!r} needs a second person, got {by!r}"
            )
        if not approve and not (note or "").strip():
            raise RefusedError(f"rejecting {self.entry_id} needs a word on why")
        state = ManualState.APPROVED if approve else ManualState.REJECTED
        return replace(self, state=state, decided_by=by.strip(), decided_at=at, note=note)

    @property
    def text(self) -> str:
        """The entry in one sentence."""
        people = f"{self.author}, {self.state} by {self.decided_by}"
        if self.kind is ManualKind.MARK:
            return (
                f"{self.day}: {self.symbol} marked by hand at {self.amount} ({self.reason}; "
                f"{people})"
            )
        of = f" of {self.symbol}" if self.symbol else ""
        return (
            f"{self.day}: {self.amount} {self.currency}{of} adjusted by hand in "
            f"{self.book.strategy} ({self.reason}; {people})"
        )


@dataclass(frozen=True, slots=True)
class ManualRecord:
    """A line of the journal: who did what with an entry, and the entry as it then stood."""

    at: datetime
    actor: str
    entry: ManualEntry


@dataclass(frozen=True, slots=True)
class InForce:
    """The approved entries of one portfolio, oldest first; the later of two marks counts."""

    entries: tuple[ManualEntry, ...] = field(default=())

    @property
    def adjustments(self) -> list[Adjustment]:
        """The ledger's events."""
        return [
            Adjustment(
                event_id=f"manual|{entry.entry_id}",
                book=entry.book,
                day=entry.day,
                amount=entry.amount,
                currency=entry.currency,
                reason=entry.reason,
                author=entry.author,
                approver=entry.decided_by or "",
                symbol=entry.symbol,
            )
            for entry in self.entries
            if entry.kind is ManualKind.ADJUSTMENT
        ]

    def marked(self, closes: Panel, *, field_name: str = "close") -> Panel:
        """Return the panel with the prices set by hand in place of the closes."""
        rows = {symbol: row for row, symbol in enumerate(closes.symbols)}
        columns = {day: column for column, day in enumerate(closes.sessions.tolist())}
        marks = [
            (rows[entry.symbol], columns[entry.day], float(entry.amount))
            for entry in self.entries
            if entry.kind is ManualKind.MARK and entry.symbol in rows and entry.day in columns
        ]
        if not marks:
            return closes
        prices = np.array(closes[field_name])
        for row, column, price in marks:
            prices[row, column] = price
        return replace(closes, fields={**closes.fields, field_name: prices})

    def marks_on(self, day: date) -> dict[str, float]:
        """Return the prices set by hand for one session, by symbol."""
        return {
            entry.symbol: float(entry.amount)
            for entry in self.entries
            if entry.kind is ManualKind.MARK and entry.day == day and entry.symbol is not None
        }

    def notes(self, start: date, end: date) -> tuple[str, ...]:
        """Return a sentence for each entry of the days from `start` to `end`."""
        return tuple(entry.text for entry in self.entries if start <= entry.day <= end)


def in_force(entries: Iterable[ManualEntry]) -> Mapping[str, InForce]:
    """Return what is approved, by portfolio."""
    approved: dict[str, list[ManualEntry]] = {}
    for entry in entries:
        if entry.state is ManualState.APPROVED:
            approved.setdefault(entry.book.portfolio, []).append(entry)
    return {name: InForce(tuple(found)) for name, found in approved.items()}
