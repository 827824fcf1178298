"""Live profit: fills are booked first, then shown; snapshots are kept, so a restart loses nothing.

The ledger is the only book of fills. A restart folds it again, takes the marks of the last stored
snapshot and goes on: a fill that was booked is in the ledger whether or not a snapshot followed,
and one that is delivered again is passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument, InstrumentKind
from basics.money import to_decimal
from basics.trading import Fill
from pnl.engine import PnlEngine
from pnl.engine_snapshot import PnlSnapshot
from pnl.events import LedgerEvent
from pnl.ledger import Ledger
from pnl.postings import Account
from pnl.standing_fills import standing_fills
from pnl.valuation import profit_at, to_base
from services.accounting import Accounting, BookingReport
from services.book_closes import MARK_DIGITS, RATE_DIGITS
from services.live_cash import CashOfDay, Free, cash_in, cash_of_day, free_balances
from services.ports import JsonDocument, ResultStore

SNAPSHOT_KIND = "pnl.live"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class LivePnl:
    """The live profit of one run.

    Attributes
    ----------
    interval_seconds : float or None
        Least time between two stored snapshots; None stores none, for a replay.
    rates : dict of str to Decimal
        Units of the base currency for one of each other, as last set. A currency that is given
        before the start ticks under its own name, like an instrument.
    stored : mapping
        The document of the last stored snapshot, with what was kept beside it.
    """

    run_id: str
    accounting: Accounting
    results: ResultStore
    clock: Clock
    interval_seconds: float | None = 60.0
    stale_after_seconds: float = 300.0
    rates: dict[str, Decimal] = field(default_factory=dict)
    stored: JsonDocument = field(default_factory=dict)
    _engine: PnlEngine | None = None
    _closing: dict[str, Decimal] = field(default_factory=dict)
    _opening: Free = field(default_factory=dict)
    _stored_at: datetime | None = None
    _sequence: int = 0
    _kept: int = -1

    def start(self, closes: Mapping[str, tuple[float, datetime]] | None = None) -> None:
        """Take over the ledger's positions and the marks of the last stored snapshot.

        Parameters
        ----------
        closes : mapping of str to (price, moment), optional
            Marks to begin with, where the snapshot knows none that is later.
        """
        base, self._closing = self.accounting.base_currency, dict(self.rates)
        quoted = {
            currency: Instrument(symbol=currency, kind=InstrumentKind.FX, currency=base)
            for currency in self.rates
        }
        engine = PnlEngine(
            {**self.accounting.instruments, **quoted},
            base=self.accounting.base_currency,
            stale_after_ns=round(self.stale_after_seconds * 1e9),
        )
        self._engine = engine
        for currency, rate in self.rates.items():
            engine.set_rate(currency, float(rate))
        self._take_over_everything()
        self._opening = free_balances(self.accounting.ledger(self.run_id))
        marks = {s: (price, nanoseconds(at), 0) for s, (price, at) in (closes or {}).items()}
        try:
            self.stored = self.results.latest(SNAPSHOT_KIND, self.run_id).payload
        except MissingDataError:
            engine.restore(marks, sequence=0)  # The first start of this run.
            self.follow_rates()
            return
        for symbol, kept in _marks_of(self.stored["marks"]).items():
            if symbol not in marks or kept[1] >= marks[symbol][1]:
                marks[symbol] = kept
        engine.restore(marks, sequence=int(self.stored["sequence"]), counts=self.stored["counts"])
        for currency, kept_rate in self.stored["rates"].items():
            if currency not in quoted:
                self.set_rate(currency, Decimal(kept_rate))
        self.follow_rates()

    @property
    def engine(self) -> PnlEngine:
        """The engine in memory.

        Raises
        ------
        InvalidInputError
            If `start` was not called.
        """
        if self._engine is None:
            raise InvalidInputError("live profit has not started: call start() first")
        return self._engine

    def tick(self, symbol: str, price: float, *, event_time: datetime, sequence: int) -> None:
        """Take in a price; see `pnl.engine` for late, duplicate and wrong ones."""
        self.engine.mark(symbol, price, event_time_ns=nanoseconds(event_time), sequence=sequence)

    def follow_rates(self) -> None:
        """Take over the marks of currencies as their rates."""
        marks = self.engine.marks() if self._closing else {}
        for currency in self._closing.keys() & marks.keys():
            rate = to_decimal(marks[currency], digits=RATE_DIGITS)
            if rate > 0 and rate != self.rates[currency]:
                self.set_rate(currency, rate)

    def cash_of_day(self) -> CashOfDay:
        """Return what the cash of no instrument earned since the closes; see `services.live_cash`.

        The closes' cash is that of `profit_of`, that of the start before it was asked.
        """
        return cash_of_day(
            self._opening,
            free_balances(self.accounting.ledger(self.run_id)),
            closing=self._closing,
            rates=self.rates,
            base=self.accounting.base_currency,
        )

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Set the worth of a currency in units of the base."""
        self.engine.set_rate(currency, float(rate))
        self.rates[currency] = rate

    def fills(self, session: date, fills: Sequence[Fill]) -> BookingReport:
        """Book fills durably, then move the live figures by them."""
        report = self.accounting.book_session(self.run_id, session, fills)
        self.catch_up()
        return report

    def catch_up(self) -> int:
        """Move the live figures by what was booked since, whoever booked it; return how many."""
        # In this order: what is booked between the two calls is taken over by the next.
        booked = self.accounting.store.events(self.run_id, after=self._sequence)
        ledger = self.accounting.ledger(self.run_id)
        if ledger.sequence < self._sequence or not all(isinstance(e, Fill) for _, e in booked):
            # The run was taken away and traded anew, or fills were corrected, split or settled.
            return self._take_over_everything()
        fills = [event for _, event in booked if isinstance(event, Fill)]
        touched = sorted({(fill.book, fill.symbol) for fill in fills})
        self.engine.hold(ledger.position(book, symbol) for book, symbol in touched)
        self.engine.trade(fills)
        self._sequence += len(booked)
        return len(booked)

    def profit_of(
        self,
        belongs: Callable[[date, LedgerEvent], bool],
        closes: Mapping[str, tuple[float, datetime]],
    ) -> float:
        """Return what the positions had earned once the events that belong were booked.

        By the Decimal books at the closes, so that it is the same whenever it is asked.

        Raises
        ------
        MissingDataError
            If something was held then that has no close, or whose currency has no rate.
        """
        ledger = Ledger(self.accounting.instruments, method=self.accounting.method)
        for day, event in self.accounting.store.events(self.run_id):
            if belongs(day, event):
                ledger.book(event, day=day)
        self._opening = free_balances(ledger)
        marks = {s: to_decimal(price, digits=MARK_DIGITS) for s, (price, _) in closes.items()}
        return float(self._profit(ledger, marks))

    def equity(self, taken: PnlSnapshot, *, capital: Decimal) -> float:
        """Return what the run is worth: cash of no instrument, and all that positions earned.

        Parameters
        ----------
        capital : Decimal
            What the book began with, where no payment of capital is booked.
        """
        free = free_balances(self.accounting.ledger(self.run_id))
        paid_in = any(account is Account.CAPITAL for account, _ in free)
        base = to_base(cash_in(free), self.rates, base=self.accounting.base_currency)
        return float(base if paid_in else base + capital) + taken.total.pnl

    def snapshot(
        self, *, desk_date: date, beside: JsonDocument | None = None, store: bool = False
    ) -> PnlSnapshot:
        """Publish the whole state, reconciled to the ledger; store it when the interval is over.

        Parameters
        ----------
        beside : mapping, optional
            Kept with the stored snapshot, and in `stored` after a restart.
        store : bool
            Store it whenever the last one was stored: the process ends.
        """
        now = self.clock.now()
        engine = self.engine
        taken = engine.snapshot(as_of_ns=nanoseconds(now), booked_total=self._booked_total())
        self.keep(desk_date=desk_date, beside=beside, store=store)
        return taken

    def keep(
        self, *, desk_date: date, beside: JsonDocument | None = None, store: bool = False
    ) -> None:
        """Store the snapshot published last, once, when the interval is over.

        To be asked while nothing happens too: what came last must not wait for what comes next.
        """
        taken, now = self.engine.published, self.clock.now()
        if self.interval_seconds is None or taken is None or taken.sequence == self._kept:
            return
        due = self._stored_at is None or now - self._stored_at >= timedelta(
            seconds=self.interval_seconds
        )
        if due or store:
            document = self._document(taken) | dict(beside or {})
            self.results.put(SNAPSHOT_KIND, self.run_id, desk_date, document, {"run": self.run_id})
            self._stored_at, self._kept = now, taken.sequence

    def _take_over_everything(self) -> int:
        events = self.accounting.store.events(self.run_id)
        ledger = self.accounting.ledger(self.run_id)
        self.engine.hold(ledger.positions(flat=True))
        self.engine.retrade(standing_fills((event for _, event in events), ledger.instruments))
        self._sequence = len(events)
        return len(events)

    def _booked_total(self) -> Decimal:
        marks = {
            symbol: to_decimal(price, digits=MARK_DIGITS)
            for symbol, price in self.engine.marks().items()
        }
        return self._profit(self.accounting.ledger(self.run_id), marks)

    def _profit(self, ledger: Ledger, marks: Mapping[str, Decimal]) -> Decimal:
        accounts = [
            (symbol, position, balances) for _, symbol, position, balances in ledger.accounts()
        ]
        return profit_at(
            accounts, marks, ledger.instruments,
            rates=self.rates, base=self.accounting.base_currency,
        )  # fmt: skip

    def _document(self, taken: PnlSnapshot) -> dict[str, Any]:
        import msgspec

        document: dict[str, Any] = {
            field.name: msgspec.to_builtins(getattr(taken, field.name))
            for field in fields(taken)
            if field.name != "by_fill"
        }
        # Without the orders: the ledger has them all.
        document["by_fill"] = msgspec.to_builtins(taken.by_fill.few)
        return document | {"rates": {c: str(rate) for c, rate in self.rates.items()}}


def _marks_of(stored: Mapping[str, Sequence[Any]]) -> dict[str, tuple[float, int, int]]:
    return {symbol: (float(p), int(at), int(n)) for symbol, (p, at, n) in stored.items()}


def nanoseconds(moment: datetime) -> int:
    """Return the nanoseconds since 1970, exactly."""
    if moment.tzinfo is None:
        raise InvalidInputError(f"a moment must be timezone-aware, got {moment}")
    # By integers: a float of nanoseconds since 1970 has lost its last hundreds.
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
