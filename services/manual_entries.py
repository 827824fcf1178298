"""Propose, approve and reject what people change in the books by hand."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

import numpy as np

from basics.arrays import DateArray
from basics.clock import Clock
from basics.errors import MissingDataError
from basics.identifiers import short_id
from basics.trading import Book
from pnl.manual import (
    InForce,
    ManualEntry,
    ManualKind,
    ManualRecord,
    ManualState,
    in_force,
)
from services.ports import KeptBooks


class ManualStore(Protocol):
    """Keeps entries by hand; each proposal and decision is told to the audit."""

    def add(self, entry: ManualEntry) -> None:
        """Keep a proposal; `ConflictError` if its id is taken."""
        ...

    def decide(self, entry: ManualEntry) -> None:
        """Keep a decision; `ConflictError` if another came first."""
        ...

    def entries(self) -> Sequence[ManualEntry]:
        """Return every entry ever proposed, oldest first."""
        ...

    def journal(self) -> Sequence[ManualRecord]:
        """Return every proposal and decision, oldest first; rows are only ever appended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody asks to change.

    Attributes
    ----------
    strategy : str or None
        Whose book an adjustment goes to; may be left out where the portfolio has one strategy.
    """

    kind: ManualKind
    portfolio: str
    day: date
    amount: Decimal
    reason: str
    author: str
    symbol: str | None = None
    strategy: str | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntries:
    """The register of what people changed by hand, by four eyes.

    Attributes
    ----------
    books : callable
        Returns the books of a portfolio as they were last valued.
    symbols : callable
        Returns what a dataset of prices knows.
    """

    store: ManualStore
    clock: Clock
    books: Callable[[str], KeptBooks]
    symbols: Callable[[str], Collection[str]]

    def propose(self, asked: Proposal) -> ManualEntry:
        """Keep a proposal; it changes nothing until a second person approves it.

        Raises
        ------
        RefusedError
            Without a reason.
        InvalidInputError
            If the amount is no price, or not finite.
        MissingDataError
            If the portfolio has no such book, or a mark's day is no session of it.
        """
        now = self.clock.now()
        entry = ManualEntry(
            entry_id=short_id(asked, now, prefix="man"),
            kind=asked.kind,
            book=self._book(asked),
            day=asked.day,
            symbol=asked.symbol,
            amount=asked.amount,
            currency=asked.currency,
            reason=asked.reason,
            author=asked.author,
            proposed_at=now,
        )
        self.store.add(entry)
        return entry

    def decide(
        self, entry_id: str, *, approve: bool, by: str, note: str | None = None
    ) -> ManualEntry:
        """Approve or reject a proposal; see `pnl.manual.ManualEntry.decided` for the errors."""
        entry = self.entry(entry_id).decided(approve=approve, by=by, note=note, at=self.clock.now())
        self.store.decide(entry)
        return entry

    def entry(self, entry_id: str) -> ManualEntry:
        """Return one entry; `MissingDataError` if there is none."""
        for entry in self.store.entries():
            if entry.entry_id == entry_id:
                return entry
        raise MissingDataError(f"no entry {entry_id} was proposed: see `quantdesk pnl manual ls`")

    def entries(
        self, *, portfolio: str | None = None, state: ManualState | None = None
    ) -> list[ManualEntry]:
        """Return what was proposed, oldest first."""
        return [
            entry
            for entry in self.store.entries()
            if portfolio in {None, entry.book.portfolio} and state in {None, entry.state}
        ]

    def journal(self, *, portfolio: str | None = None) -> list[ManualRecord]:
        """Return who did what with which entry and when, oldest first."""
        return [
            record
            for record in self.store.journal()
            if portfolio in {None, record.entry.book.portfolio}
        ]

    def in_force(self, portfolio: str) -> InForce:
        """Return what is approved for a portfolio."""
        return in_force(self.store.entries()).get(portfolio, InForce())

    def _book(self, asked: Proposal) -> Book:
        kept = self.books(asked.portfolio)
        books = sorted({book for book, _ in kept.books.daily.keys})
        if asked.symbol is not None and asked.symbol not in self.symbols(kept.dataset):
            raise MissingDataError(
                f"{kept.dataset} has no symbol {asked.symbol!r}: see `quantdesk data ls`"
            )
        if asked.kind is ManualKind.MARK:
            _require_session(asked, kept.books.daily.sessions)
        chosen = [book for book in books if asked.strategy in {None, book.strategy}]
        one = asked.kind is ManualKind.MARK or len(chosen) == 1
        if not (chosen and one):
            names = ", ".join(sorted({book.strategy for book in books}))
            raise MissingDataError(
                f"say which strategy of {asked.portfolio!r} the adjustment goes to: {names}"
            )
        return chosen[0]


def _require_session(asked: Proposal, sessions: DateArray) -> None:
    """Refuse a mark that could never count; a session after the last one may still come."""
    first, last = sessions[0].item(), sessions[-1].item()
    if asked.day <= last and np.datetime64(asked.day, "D") not in sessions:
        raise MissingDataError(
            f"{asked.day} is no session of {asked.portfolio!r}, which has some from {first} to "
            f"{last}: a mark takes the place of a session's close"
        )
