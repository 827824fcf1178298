"""Live profit: fills are booked first, then shown; snapshots are kept, so a restart loses nothing.

The ledger is the only book of fills. A restart folds it again, takes the marks of the last stored
snapshot and goes on: a fill that was booked is in the ledger whether or not a snapshot followed,
and one that is delivered again is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from basics.money import to_decimal
from basics.trading import Fill
from pnl.engine import PnlEngine
from pnl.engine_snapshot import PnlSnapshot
from pnl.valuation import profit_at
from services.accounting import Accounting, BookingReport
from services.book_closes import MARK_DIGITS
from services.ports import ResultStore

SNAPSHOT_KIND = "pnl.live"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class LivePnl:
    """The live profit of one run.

    Attributes
    ----------
    interval_seconds : float
        Least time between two stored snapshots.
    rates : dict of str to Decimal
        Units of the base currency for one of each other, as last set.
    """

    run_id: str
    accounting: Accounting
    results: ResultStore
    clock: Clock
    interval_seconds: float = 60.0
    rates: dict[str, Decimal] = field(default_factory=dict)
    _engine: PnlEngine | None = None
    _stored_at: datetime | None = None

    def start(self) -> None:
        """Take over the ledger's positions and the marks of the last stored snapshot."""
        engine = PnlEngine(self.accounting.instruments, base=self.accounting.base_currency)
        engine.hold(self.accounting.ledger(self.run_id).positions(flat=True))
        try:
            stored = self.results.latest(SNAPSHOT_KIND, self.run_id)
        except MissingDataError:
            pass  # The first start of this run.
        else:
            engine.restore(
                _marks_of(stored.payload["marks"]), sequence=int(stored.payload["sequence"])
            )
            self.rates = {c: Decimal(rate) for c, rate in stored.payload["rates"].items()}
            for currency, rate in self.rates.items():
                engine.set_rate(currency, float(rate))
        self._engine = engine

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
        self.engine.mark(symbol, price, event_time_ns=_nanoseconds(event_time), sequence=sequence)

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Set the worth of a currency in units of the base."""
        self.engine.set_rate(currency, float(rate))
        self.rates[currency] = rate

    def fills(self, session: date, fills: Sequence[Fill]) -> BookingReport:
        """Book fills durably, then move the live figures by them."""
        report = self.accounting.book_session(self.run_id, session, fills)
        ledger = self.accounting.ledger(self.run_id)
        touched = sorted({(fill.book, fill.symbol) for fill in fills})
        self.engine.hold(ledger.position(book, symbol) for book, symbol in touched)
        return report

    def snapshot(self, *, desk_date: date) -> PnlSnapshot:
        """Publish the whole state, reconciled to the ledger; store it when the interval is over."""
        now = self.clock.now()
        engine = self.engine
        taken = engine.snapshot(as_of_ns=_nanoseconds(now), booked_total=self._booked_total())
        due = self._stored_at is None or now - self._stored_at >= timedelta(
            seconds=self.interval_seconds
        )
        if due:
            self.results.put(
                SNAPSHOT_KIND, self.run_id, desk_date, self._document(taken), {"run": self.run_id}
            )
            self._stored_at = now
        return taken

    def _booked_total(self) -> Decimal:
        ledger = self.accounting.ledger(self.run_id)
        marks = {
            symbol: to_decimal(price, digits=MARK_DIGITS)
            for symbol, price in self.engine.marks().items()
        }
        accounts = [
            (symbol, position, balances) for _, symbol, position, balances in ledger.accounts()
        ]
        return profit_at(
            accounts, marks, ledger.instruments,
            rates=self.rates, base=self.accounting.base_currency,
        )  # fmt: skip

    def _document(self, taken: PnlSnapshot) -> dict[str, Any]:
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(taken)
        return document | {"rates": {c: str(rate) for c, rate in self.rates.items()}}


def _marks_of(stored: Mapping[str, Sequence[Any]]) -> dict[str, tuple[float, int, int]]:
    return {symbol: (float(p), int(at), int(n)) for symbol, (p, at, n) in stored.items()}


def _nanoseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise InvalidInputError(f"a moment must be timezone-aware, got {moment}")
    # By integers: a float of nanoseconds since 1970 has lost its last hundreds.
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
