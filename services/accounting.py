"""Accounting: book what happened, once; value it at any close.

Booking is idempotent: an event that was booked before (a fill by venue and execution id) is
passed over, so a batch that died may simply run again. A call books everything it is given in
one transaction of the store, or nothing. What the valued books earned is split by
`services.profit_splits` and measured by `services.pnl_performance`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from market.panel import Panel
from pnl.bulk import fills_of_columns, fold_fills
from pnl.currency_books import CurrencyBooks, CurrencyBooksBuilder
from pnl.daily import DailyBooks, DailyBooksBuilder
from pnl.events import (
    CashKind,
    CashMovement,
    LedgerEvent,
    event_book,
)
from pnl.explain import Explainer
from pnl.ledger import Ledger
from pnl.lots import CostMethod
from pnl.manual import InForce
from pnl.position_state import Position
from pnl.postings import TrialBalance, trial_balance
from pnl.traded import TradedValue
from pnl.valued_books import ValuedBooks, valued_books
from services.book_closes import Close, fold_closes
from services.pnl_explanation import Explanation, explanation_of
from services.ports import LedgerRecord, LedgerStore


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingReport:
    """What one call booked."""

    booked: int
    seen_before: int
    last_sequence: int


@dataclass(slots=True, kw_only=True)
class Accounting:
    """The books of every run: a simulation, or the desk itself.

    Attributes
    ----------
    instruments : mapping of str to Instrument
        Terms of everything that may be traded.
    method : CostMethod
        Which lots a closing trade takes.
    manual : callable
        Returns what is approved of a portfolio's marks and adjustments by hand.
    """

    store: LedgerStore
    instruments: Mapping[str, Instrument]
    method: CostMethod = CostMethod.FIFO
    base_currency: str = "USD"
    manual: Callable[[str], InForce] = lambda _: InForce()
    _ledgers: dict[str, Ledger] = field(default_factory=dict)

    def pay_in(
        self, run_id: str, book: Book, *, day: date, amount: Decimal, currency: str = "USD"
    ) -> BookingReport:
        """Book capital paid in (negative: paid out); once a day for each book and currency."""
        event = CashMovement(
            event_id=f"capital|{book.account}|{book.strategy}|{day}|{currency}",
            book=book,
            day=day,
            kind=CashKind.CAPITAL,
            amount=amount,
            currency=currency,
        )
        return self.book_events(run_id, [event])

    def book_session(self, run_id: str, session: date, fills: Sequence[Fill]) -> BookingReport:
        """Book the fills of `session`, on that day, in one transaction."""
        return self._book(run_id, [(session, fill) for fill in fills])

    def book_fills(self, run_id: str, fills: Sequence[Fill]) -> BookingReport:
        """Book every fill that is not booked yet on its date of execution, in one transaction.

        This is how the books catch up with the order journal: give it all fills of the run.
        """
        return self._book(run_id, [(None, fill) for fill in fills])

    def book_columns(self, run_id: str, fills: pl.DataFrame) -> BookingReport:
        """Book fills given as columns (see `pnl.bulk`), in one transaction, in row order.

        The first fills of a run take the fast path; later ones are booked one by one onto the
        positions that stand.
        """
        if self.store.last_sequence(run_id) > 0:
            return self.book_fills(run_id, fills_of_columns(fills))
        if len(fills):
            folded = fold_fills(fills, self.instruments, method=self.method)
            self.store.append_fills(run_id, fills, folded)
        return BookingReport(booked=len(fills), seen_before=0, last_sequence=len(fills))

    def book_events(self, run_id: str, events: Sequence[LedgerEvent]) -> BookingReport:
        """Book events on their own days, in one transaction."""
        return self._book(run_id, [(None, event) for event in events])

    def ledger(self, run_id: str) -> Ledger:
        """Return the books as they stand; what another process booked meanwhile is folded on."""
        last = self.store.last_sequence(run_id)
        ledger = self._ledgers.get(run_id)
        if ledger is None or ledger.sequence > last:
            ledger = self._ledgers[run_id] = Ledger(self.instruments, method=self.method)
        if ledger.sequence < last:
            for day, event in self.store.events(run_id, after=ledger.sequence):
                ledger.book(event, day=day)
        return ledger

    def ledger_at(self, run_id: str, day: date) -> Ledger:
        """Return the books as they stood at the end of `day`, with what was booked until then."""
        ledger = Ledger(self.instruments, method=self.method)
        for booked_on, event in self.store.events(run_id):
            if booked_on <= day:
                ledger.book(event, day=booked_on)
        return ledger

    def positions(self, run_id: str, *, portfolio: str | None = None) -> list[Position]:
        """Return the open positions, of one portfolio or of all."""
        return [
            position
            for position in self.ledger(run_id).positions()
            if portfolio in {None, position.book.portfolio}
        ]

    def daily_books(
        self,
        run_id: str,
        closes: Panel,
        *,
        portfolio: str,
        field_name: str = "close",
        rates: Panel | None = None,
    ) -> DailyBooks:
        """Value a portfolio at the close of every session of `closes`.

        What was booked between two sessions counts in the later one; what was booked after the
        last session is left out.

        Parameters
        ----------
        rates : Panel, optional
            Needed for books in several currencies: a row a currency, units of the base for one
            of it under `field_name`, on the sessions of `closes`.

        Raises
        ------
        MissingDataError
            If the portfolio has no entries, a held symbol no close in a session, or a currency
            no rate.
        InvalidInputError
            If `rates` has other sessions than `closes`.
        """
        builder = DailyBooksBuilder(base=self.base_currency)
        for close in self._closes(run_id, closes, portfolio, field_name, rates):
            builder.close(close.session, close.ledger, close.marks, close.rates)
        return builder.build()

    def currency_books(
        self,
        run_id: str,
        closes: Panel,
        *,
        portfolio: str,
        field_name: str = "close",
        rates: Panel | None = None,
    ) -> CurrencyBooks:
        """Value what a portfolio holds in each currency at every close; see `daily_books`."""
        builder = CurrencyBooksBuilder(base=self.base_currency)
        for close in self._closes(run_id, closes, portfolio, field_name, rates):
            builder.close(close.session, close.ledger, close.booked, close.marks, close.rates)
        return builder.build()

    def trial_balances(
        self, run_id: str, closes: Panel, *, portfolio: str
    ) -> tuple[tuple[date, TrialBalance], ...]:
        """Return the sums of what was booked for each session: every currency comes to zero."""
        return tuple(
            (close.session, trial_balance(entry for _, entry in close.booked))
            for close in self._closes(run_id, closes, portfolio, next(iter(closes.fields)), None)
        )

    def balance_between(
        self, run_id: str, *, portfolio: str, start: date = date.min, end: date = date.max
    ) -> TrialBalance:
        """Return the sums of what was booked for a portfolio on the days from `start` to `end`."""
        ledger = Ledger(self.instruments, method=self.method)
        entries = [
            (day, ledger.book(event, day=day))
            for day, event in self.events(run_id, portfolio=portfolio)
        ]
        return trial_balance(
            entry for day, entry in entries if entry is not None and start <= day <= end
        )

    def explain(
        self,
        run_id: str,
        closes: Panel,
        *,
        portfolio: str,
        field_name: str = "close",
        rates: Panel | None = None,
    ) -> Explanation:
        """Say of every session why equity changed; see `pnl.explain` for the parts.

        Parameters and errors as those of `daily_books`.
        """
        books = self.valued_books(
            run_id, closes, portfolio=portfolio, field_name=field_name, rates=rates
        )
        return explanation_of(books)

    def valued_books(
        self,
        run_id: str,
        closes: Panel,
        *,
        portfolio: str,
        benchmark: FloatArray | None = None,
        field_name: str = "close",
        rates: Panel | None = None,
    ) -> ValuedBooks:
        """Value and explain every session of `closes` in one pass over the books.

        Parameters
        ----------
        benchmark : ndarray of shape (n_sessions,), optional
            The benchmark's return on the same sessions.

        Other parameters and errors as those of `daily_books`.
        """
        builder = DailyBooksBuilder(base=self.base_currency)
        explainer = Explainer(base=self.base_currency)
        counter = TradedValue(self.instruments, base=self.base_currency)
        explained, traded = [], []
        for close in self._closes(run_id, closes, portfolio, field_name, rates):
            builder.close(close.session, close.ledger, close.marks, close.rates)
            explained.append(
                explainer.close(close.session, close.ledger, close.booked, close.marks, close.rates)
            )
            traded.append(counter.session((event for event, _ in close.booked), close.rates))
        return valued_books(builder.build(), explained, benchmark=benchmark, traded=traded)

    def portfolios(self, run_id: str) -> list[str]:
        """Return the portfolios that a run has entries of; `MissingDataError` if there is none."""
        found = sorted({event_book(event).portfolio for _, event in self.store.events(run_id)})
        if not found:
            known = ", ".join(self.store.runs()) or "none"
            raise MissingDataError(f"run {run_id!r} has no entries, there is {known}")
        return found

    def events(self, run_id: str, *, portfolio: str) -> list[tuple[date, LedgerEvent]]:
        """Return day and event of everything booked for a portfolio, in order.

        Raises
        ------
        MissingDataError
            If there is nothing.
        """
        events = [
            (day, event)
            for day, event in self.store.events(run_id)
            if event_book(event).portfolio == portfolio
        ]
        if not events:
            raise MissingDataError(
                f"portfolio {portfolio!r} of run {run_id!r} has no entries: data, a "
                "model or a control changed since it was traded: run `quantdesk flows run risk`"
            )
        return events

    def _closes(
        self,
        run_id: str,
        closes: Panel,
        portfolio: str,
        field_name: str,
        rates: Panel | None,
    ) -> Iterator[Close]:
        """Fold the portfolio's books session by session and yield each close.

        What was approved by hand since is booked first, and its marks take the closes' place.
        """
        approved = self.manual(portfolio).adjustments
        if approved:  # To find out that nothing is new folds the books.
            self.book_events(run_id, approved)
        ledger = Ledger(self.instruments, method=self.method)
        events = self.events(run_id, portfolio=portfolio)
        marked = self.manual(portfolio).marked(closes, field_name=field_name)
        return fold_closes(ledger, events, marked, field_name=field_name, rates=rates)

    def _book(
        self, run_id: str, events: Sequence[tuple[date | None, LedgerEvent]]
    ) -> BookingReport:
        ledger = self.ledger(run_id)
        try:
            records = [
                LedgerRecord(event, entry)
                for day, event in events
                if (entry := ledger.book(event, day=day)) is not None
            ]
            self.store.append(run_id, records)
        except BaseException:
            # The books in memory are ahead of the store: fold them again when next asked for.
            self._ledgers.pop(run_id, None)
            raise
        return BookingReport(
            booked=len(records),
            seen_before=len(events) - len(records),
            last_sequence=ledger.sequence,
        )
