"""One portfolio as it stands now: profit, risk and breaches, taken whole under one sequence."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from basics.clock import Clock
from basics.trading import Fill
from oms.controls import working_orders
from oms.orders import Order
from pnl.events import LedgerEvent
from risk.limits import Limit, Scope
from risk.score import Level
from services.limit_register import LimitRegister
from services.limit_watch import LimitWatch
from services.live_observations import Whole
from services.live_profile import LiveHoldings
from services.live_risk import LiveRiskReading
from services.live_state import OBSERVED, LiveState, Mark, RiskOfBook
from services.pnl_live import LivePnl
from services.ports import Alert


def booked_until(session: date) -> Callable[[date, LedgerEvent], bool]:
    """Return what stood in the books at the close of a session, at which it may have traded."""
    return lambda day, _event: day <= session


def booked_before(close: datetime) -> Callable[[date, LedgerEvent], bool]:
    """Return what stood in the books at a close at whose prices orders are executed afterwards.

    The desk's own orders trade at the last closes all day long: a fill of that very moment is
    of the day that began there.
    """

    def booked(day: date, event: LedgerEvent) -> bool:
        return event.executed_at < close if isinstance(event, Fill) else day < close.date()

    return booked


@dataclass(slots=True, kw_only=True)
class LivePortfolio:
    """Feeds fills, marks and working orders into the profit and the risk of one portfolio.

    Attributes
    ----------
    capital : Decimal
        What the book began with, where no payment of capital is booked.
    closes : mapping of str to (price, moment)
        Of the desk date: marks to begin with, and what the day's profit counts from.
    booked_by_then : callable
        Whether an event of the ledger, given with the day it is booked on, stood in the books at
        those closes.
    book : callable or None
        Brings the ledger up to the order journal, where this process does.
    orders : callable or None
        Returns the open orders.
    limits : callable
        Returns the limits in force.
    peak : float
        Highest equity known from before.
    level : Level or None
        Of the score, as last published.
    profile_seconds : float
        Least time between two full risk profiles.
    market : str
        Whether its prices are observed or simulated.
    """

    name: str
    desk_date: date
    pnl: LivePnl
    risk: RiskOfBook
    register: LimitRegister | None
    limits: Callable[[], Sequence[Limit]]
    clock: Clock
    capital: Decimal
    closes: Mapping[str, tuple[float, datetime]]
    booked_by_then: Callable[[date, LedgerEvent], bool]
    hysteresis: float = 0.05
    book: Callable[[], object] | None = None
    orders: Callable[[], Sequence[Order]] | None = None
    peak: float = 0.0
    level: Level | None = None
    profile_seconds: float = 5.0
    market: str = OBSERVED
    state: LiveState | None = None
    _watch: LimitWatch = field(init=False)
    _opening: float = 0.0
    _working: dict[str, tuple[float, float]] = field(default_factory=dict)
    _limits: Sequence[Limit] = ()
    _told: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Take over ledger, closes and the last stored state."""
        self._watch = LimitWatch(portfolio=self.name, hysteresis=self.hysteresis)
        self.pnl.start(self.closes)
        self._opening = self.pnl.profit_of(self.booked_by_then, self.closes)
        stored = self.pnl.stored
        if "watch" in stored:
            self._watch.restore(stored["watch"])
            self.peak = max(self.peak, float(stored["peak"]))
            self.level = Level(stored["level"]) if stored.get("level") else self.level
        self.told()

    def told(self) -> None:
        """Note that what the last turn had to tell is on the queue.

        Until then a restart tells it again, under the same ids.
        """
        self._told = self._watch.kept()

    @property
    def symbols(self) -> Collection[str]:
        """Everything that may tick: instruments, and currencies by name."""
        return self.pnl.engine.number

    def take(self, marks: Iterable[Mark]) -> None:
        """Take in marks, in order; what is wrong with one is counted."""
        engine, given = self.pnl.engine, list(marks)
        if given:
            ticks = [(engine.number.get(m.symbol, -1), m.event_time_ns, m.sequence) for m in given]
            engine.mark_many(np.array(ticks, dtype=np.int64), np.array([m.price for m in given]))
            self.pnl.follow_rates()

    def turn(self, *, look: bool = True, force: bool = False, store: bool = False) -> list[Alert]:
        """Publish the state and return what there is to tell.

        Nothing is published while nothing has changed, unless `force` or `store` says so.

        Parameters
        ----------
        look : bool
            Look for new fills, orders and limits, which asks the database.
        store : bool
            Store the state, whenever the last one was stored.

        Raises
        ------
        MissingDataError
            If something is held that has no mark.
        """
        booked = self._look() if look or self.state is None else 0
        moved = self.risk.update(self.pnl.engine.values(), self._working, self._worth())
        if self.state is not None and not (booked or moved or force or store):
            self.pnl.keep(desk_date=self.desk_date, beside=self._beside())
            return []
        taken = self.pnl.snapshot(desk_date=self.desk_date, beside=self._beside(), store=store)
        equity = self.pnl.equity(taken, capital=self.capital)
        self.peak = max(self.peak, equity)
        reading, cash = self._read(equity), self.pnl.cash_of_day()
        self.state = LiveState(
            sequence=taken.sequence,
            portfolio=self.name,
            run_id=self.pnl.run_id,
            desk_date=self.desk_date,
            as_of=self.clock.now(),
            equity=equity,
            peak=self.peak,
            day_pnl=taken.total.pnl - self._opening + cash.total,
            pnl=taken,
            risk=reading,
            fx_on_cash=cash.fx,
            exchanges=cash.exchanges,
            cash_booked=cash.booked,
            market=self.market,
            profile=None if self.state is None or reading is None else self.state.profile,
        )
        return [] if reading is None else self._judge(reading)

    def measure(self) -> bool:
        """Take the full risk profile, if what is shown is of an older state and the time has come.

        Returns
        -------
        bool
            Whether the state now shows another profile.
        """
        state, now = self.state, self.clock.now()
        if state is None or state.risk is None:
            return False
        last = state.profile
        if last is not None and (
            last.sequence == state.sequence
            or now - last.as_of < timedelta(seconds=self.profile_seconds)
        ):
            return False
        profile = self.risk.profile(
            state.risk,
            self._holdings(),
            limits=self._limits,
            desk_date=self.desk_date,
            at=now,
            sequence=state.sequence,
        )
        self.state = replace(state, profile=profile)
        return True

    def _holdings(self) -> LiveHoldings:
        engine, terms = self.pnl.engine, self.pnl.accounting.instruments
        return LiveHoldings(
            values=engine.values(),
            quantities={s: u / float(terms[s].multiplier) for s, u in engine.units().items()},
            strategies=engine.values_by_strategy(),
        )

    def _look(self) -> int:
        """Book what the journal has and the ledger has not; take over what anyone booked."""
        if self.book is not None:
            self.book()
        if self.orders is not None:
            working = working_orders(self.orders())
            self._working = {s: (float(w.to_buy), float(w.to_sell)) for s, w in working.items()}
        self._limits = self.limits()
        return self.pnl.catch_up()

    def _worth(self) -> dict[str, float]:
        """Return what one unit of each symbol with working orders is worth."""
        marks, terms = self.pnl.engine.marks(), self.pnl.accounting.instruments
        return {s: marks[s] * float(terms[s].multiplier) for s in self._working if s in marks}

    def _read(self, equity: float) -> LiveRiskReading | None:
        if not equity > 0:
            return None
        reading = self.risk.read(
            equity=equity,
            drawdown=max(0.0, 1.0 - equity / self.peak),
            limits=self._limits,
            as_of=self.desk_date,
            previous=self.level,
            whole=self._whole(),
        )
        self.level = reading.level
        return reading

    def _whole(self) -> Whole:
        """Return the fund and the account that hold all of the portfolio, where one does."""
        books = self.pnl.engine.books
        names = ((Scope.FUND, {b.fund for b in books}), (Scope.ACCOUNT, {b.account for b in books}))
        return [(scope, one.pop()) for scope, one in names if len(one) == 1]

    def _judge(self, reading: LiveRiskReading) -> list[Alert]:
        alerts = self._watch.judge(reading.limits, as_of=self.desk_date, at=self.clock.now())
        if alerts and self.register is not None:
            self.register.log(self.name, reading.limits, as_of=self.desk_date)
        return alerts

    def _beside(self) -> dict[str, Any]:
        """Return what a restart needs beside the snapshot."""
        return {
            "watch": self._told,
            "peak": self.peak,
            "level": None if self.level is None else self.level.value,
        }
