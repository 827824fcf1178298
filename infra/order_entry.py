"""Wires order entry to the lake's last session, the simulated venue and the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from basics.clock import Clock
from basics.errors import MissingDataError
from basics.trading import Book
from infra.control_policy import ControlPolicy
from infra.desk_lock import desk_lock
from infra.reference import ReferenceTables
from infra.settings import Settings
from infra.venues import build_simulated_venue
from market.calendars import exchange_calendar
from market.liquidity import ImpactModel
from market.panel import Panel
from services.desk_market import SessionMarket, last_session_market, measured_market
from services.execution_plans import ExecutionPlan, ExecutionTerms, plan_execution
from services.limit_register import LimitRegister
from services.market_data import MarketData
from services.night_market import NightMarket
from services.order_entry import OrderEntry
from services.ports import ControlStore, OrderJournal
from services.trading import close_at_2100_utc
from services.universe import equities

EXCHANGE = "XNYS"
HISTORY = timedelta(days=400)  # Holds the sessions that risk looks at.


@dataclass(frozen=True, slots=True)
class OrderRules:
    """What binds every order: its own form and size, and what the book may become.

    Attributes
    ----------
    night : callable
        Returns the night's estimates, on which the book's risk is measured.
    """

    policy: ControlPolicy
    register: LimitRegister
    night: Callable[[], NightMarket]


def build_order_entry(
    settings: Settings,
    *,
    market_data: MarketData,
    journal: OrderJournal,
    controls: ControlStore,
    rules: OrderRules,
    clock: Clock,
) -> OrderEntry:
    """Return the order entry of the manual book."""
    own = settings.orders
    return OrderEntry(
        book=Book(own.fund, own.portfolio, own.strategy, own.account),
        capital=own.capital,
        venue=build_simulated_venue(settings.venue),
        journal=journal,
        controls=controls,
        market=LakeMarket(
            market_data,
            own.dataset,
            night=rules.night,
            abroad=ReferenceTables.of(settings).currencies,
        ),
        register=rules.register,
        limits=rules.policy.limits,
        risk_limits=rules.register.in_force,
        restricted=rules.policy.restricted,
        clock=clock,
        exclusive=lambda: desk_lock(
            settings.state_dir / "desk.lock", timeout_seconds=own.lock_timeout_seconds
        ),
    )


class LakeMarket:
    """The market of a dataset's last session, read again when the data changes."""

    def __init__(
        self,
        market_data: MarketData,
        dataset: str,
        *,
        night: Callable[[], NightMarket] | None = None,
        abroad: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._data = market_data
        self._abroad = abroad
        self._night = night
        self._dataset = dataset
        self._version = ""
        self._market: SessionMarket | None = None

    def __call__(self) -> SessionMarket:
        """Return the market of now; `MissingDataError` before any data came in."""
        version = self._data.version(self._dataset)
        if self._market is None or version != self._version:
            self._market = self._read()
            self._version = version
        return self._market

    def _read(self) -> SessionMarket:
        known = {state.dataset.name: state.last_session for state in self._data.catalog()}
        last = known.get(self._dataset)
        if last is None:
            raise MissingDataError(
                f"the lake has no session of {self._dataset}: run `quantdesk demo` or import data"
            )
        panel = self._panel(last - HISTORY)
        market = last_session_market(
            panel,
            instruments=equities(panel.symbols, self._data.sectors),
            session_close=close_at_2100_utc,
        )
        if self._night is None:  # Nobody asks for risk.
            return market
        try:
            return measured_market(market, self._night())
        except MissingDataError:
            return market  # Too short a history for the night: its own few sessions must do.

    def _panel(self, start: date) -> Panel:
        """Return what the desk trades: orders, limits and cash of it are in dollars."""
        fields = ("close", "volume")
        panel = self._data.panel(self._dataset, fields=fields, start=start)
        abroad = self._abroad().keys() & set(panel.symbols)
        if not abroad:
            return panel
        traded = sorted(set(panel.symbols) - abroad)
        return self._data.panel(self._dataset, fields=fields, start=start, symbols=traded)


def next_session_plan(
    terms: ExecutionTerms, settings: Settings, *, market_data: MarketData
) -> ExecutionPlan:
    """Plan `terms` over the exchange session after the lake's last one."""
    market = LakeMarket(market_data, settings.orders.dataset)()
    sessions = exchange_calendar(EXCHANGE).table
    coming = sessions.filter(pl.col("session") > market.moment.date()).row(0, named=True)
    return plan_execution(
        terms,
        quote=market.quotes.get(terms.symbol),
        opens=coming["open_time"],
        closes=coming["close_time"],
        impact=ImpactModel(half_spread=settings.venue.half_spread),
    )
