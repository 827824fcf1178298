"""Wires the live desk: the manual book, and every portfolio whose profit is stored."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from basics.clock import Clock
from basics.instruments import Instrument
from basics.money import to_decimal
from infra.experiment import load_experiment
from infra.night_market import LakeNightMarket
from infra.policy import load_multi_asset_stress, load_stress
from infra.settings import Settings
from market.simulated.multi_asset import SimulatedAssets
from risk.score import Calibration, Level
from services.accounting import Accounting
from services.book_closes import RATE_DIGITS
from services.desk_books import DeskBooks
from services.experiment import Experiment
from services.limit_register import LimitRegister
from services.live_desk import LiveDesk
from services.live_portfolio import LivePortfolio, booked_before, booked_until
from services.live_risk import LiveRisk
from services.multi_asset import MultiAssetBooks, risk_inputs_of
from services.multi_asset_live import MultiAssetRisk
from services.night_market import NightMarket, NightVerdict
from services.order_entry import OrderEntry
from services.order_tickets import DESK
from services.pnl_live import LivePnl
from services.portfolios import ON_SIMULATED_MARKETS
from services.ports import MessageQueue, OrderJournal, ResultStore, StoredResult
from services.risk import LOOKBACK, PROFILE_KIND

PERFORMANCE_KIND = "pnl.performance"


class Parts(Protocol):
    """What the live desk is made of: the services of an open desk."""

    @property
    def settings(self) -> Settings:
        """Everything that an operator may set."""
        ...

    @property
    def clock(self) -> Clock:
        """The desk's clock."""
        ...

    def multi_asset_books(self, experiment: Experiment) -> MultiAssetBooks | None:
        """Return the portfolio of every kind of instrument; None before it trades."""
        ...

    @property
    def results(self) -> ResultStore:
        """Stored documents."""
        ...

    @property
    def night_market(self) -> LakeNightMarket:
        """What the night believes of the market."""
        ...

    @property
    def order_entry(self) -> OrderEntry:
        """The market of the last session."""
        ...

    @property
    def order_journal(self) -> OrderJournal:
        """Open orders."""
        ...

    @property
    def desk_books(self) -> DeskBooks:
        """Books what the journal says was filled."""
        ...

    @property
    def limit_register(self) -> LimitRegister:
        """Limits in force, and the breach log."""
        ...

    def accounting(self, instruments: Mapping[str, Instrument]) -> Accounting:
        """Return books for what may be traded."""
        ...


def build_live_desk(desk: Parts, queue: MessageQueue) -> LiveDesk:
    """Return the live desk over the lake's last session; nothing is started."""
    wiring = _Wiring(desk, desk.night_market())
    live = desk.settings.live
    return LiveDesk(
        portfolios={name: wiring.portfolio(name, run) for name, run in _runs(desk).items()},
        queue=queue,
        poll_seconds=live.poll_seconds,
        pause_seconds=live.pause_seconds,
        max_pending=live.max_pending_marks,
    )


def is_current(desk: Parts, live: LiveDesk) -> bool:
    """Return whether `live` still is what would be built: same sessions, same runs."""
    moment = desk.order_entry.market().moment.date()
    now = {name: p.pnl.run_id for name, p in live.portfolios.items()}
    return _runs(desk) == now and all(p.desk_date == moment for p in live.portfolios.values())


def _runs(desk: Parts) -> dict[str, str]:
    """Return the run of each portfolio that is kept live."""
    runs = {desk.settings.orders.portfolio: DESK}
    for scope in desk.results.scopes(PERFORMANCE_KIND):
        run = desk.results.latest(PERFORMANCE_KIND, scope).lineage.get("run_id")
        if run is not None:
            runs.setdefault(scope, run)
    return runs


@dataclass(frozen=True, slots=True)
class _Wiring:
    desk: Parts
    market: NightMarket

    def portfolio(self, name: str, run_id: str) -> LivePortfolio:
        """Return one portfolio; what cannot be kept live says why as it starts."""
        if name in ON_SIMULATED_MARKETS:
            books = self.desk.multi_asset_books(load_experiment(self.desk.settings.params_file))
            if books is not None and books.run_id == run_id:
                return self._multi_asset(books)
        desk, live = self.desk, self.desk.settings.live
        now = desk.order_entry.market()
        profile = _last_profile(desk, name)
        manual = run_id == DESK
        # Books of its own: a fold in memory must not be shared between threads.
        accounting = desk.accounting(now.instruments)
        own = replace(desk.desk_books, accounting=accounting)
        return LivePortfolio(
            name=name,
            desk_date=now.moment.date(),
            pnl=self._pnl(run_id, accounting),
            risk=LiveRisk(name, calibrated(self.market, profile)),
            register=desk.limit_register,
            limits=desk.limit_register.in_force,
            clock=desk.clock,
            capital=desk.settings.orders.capital,
            closes={symbol: (float(price), now.moment) for symbol, price in now.prices.items()},
            booked_by_then=booked_before(now.moment) if manual else booked_until(now.moment.date()),
            hysteresis=live.hysteresis,
            book=_Bookkeeper(desk.order_journal, own, now.moment.date()) if manual else None,
            orders=(lambda: desk.order_journal.orders(DESK, open_only=True)) if manual else None,
            peak=_peak(profile),
            level=None if profile is None else Level(profile.payload["level"]),
            profile_seconds=live.profile_seconds,
        )

    def _pnl(self, run_id: str, accounting: Accounting) -> LivePnl:
        live = self.desk.settings.live
        return LivePnl(
            run_id=run_id,
            accounting=accounting,
            results=self.desk.results,
            clock=self.desk.clock,
            interval_seconds=live.persist_seconds,
            stale_after_seconds=live.stale_after_seconds,
        )

    def _multi_asset(self, books: MultiAssetBooks) -> LivePortfolio:
        """Return the portfolio of every kind of instrument, on its simulated market."""
        desk, live = self.desk, self.desk.settings.live
        policy, name = desk.settings.policy_dir, books.plan.portfolio
        accounting = desk.accounting(books.market.instruments)
        pnl = self._pnl(books.run_id, accounting)
        moment = desk.order_entry.market().moment
        closes = _closes(books.market, moment)
        pnl.rates = {
            currency: to_decimal(closes[currency][0], digits=RATE_DIGITS)
            for currency in books.market.rates.symbols
        }
        profile = _last_profile(desk, name)
        return LivePortfolio(
            name=name,
            desk_date=books.market.sessions[-1].item(),
            pnl=pnl,
            risk=MultiAssetRisk(
                inputs=risk_inputs_of(books, accounting, previous=None),
                scenarios=(*load_stress(policy), *load_multi_asset_stress(policy)),
                lookback=LOOKBACK,
                prices=lambda: dict(pnl.engine.marks()),  # Not before it has started.
                rates=lambda: {currency: float(rate) for currency, rate in pnl.rates.items()},
                seed=desk.settings.seed,
                learnt=lambda market: calibrated(market, profile),
            ),
            register=desk.limit_register,
            limits=desk.limit_register.in_force,
            clock=desk.clock,
            capital=Decimal(books.plan.capital),
            closes=closes,
            booked_by_then=booked_until(moment.date()),
            hysteresis=live.hysteresis,
            peak=_peak(profile),
            level=None if profile is None else Level(profile.payload["level"]),
            profile_seconds=live.profile_seconds,
            market=books.market.label,
        )


def _closes(market: SimulatedAssets, moment: datetime) -> dict[str, tuple[float, datetime]]:
    """Return the last closes of instruments and exchange rates."""
    found = {}
    for panel in (market.closes, market.rates):
        for symbol, price in zip(panel.symbols, panel["close"][:, -1].tolist(), strict=True):
            if math.isfinite(price):
                found[symbol] = (price, moment)
    return found


@dataclass(slots=True)
class _Bookkeeper:
    """Books the desk's own orders, once whenever the journal was told something."""

    journal: OrderJournal
    books: DeskBooks
    day: date
    version: int = -1

    def __call__(self) -> None:
        # Asked for first: what is reported meanwhile is booked at the next call.
        version = self.journal.version(DESK)
        if version != self.version:
            self.books.book_orders(today=self.day)
            self.version = version


def calibrated(market: NightMarket, profile: StoredResult | None) -> NightMarket:
    """Return the market with what a stored profile learnt of the portfolio's history."""
    if profile is None:
        return market
    known: Mapping[str, Any] = profile.payload["calibration"]
    tails = [tail for tail in profile.payload["tails"] if tail["horizon_days"] == 1]
    return replace(
        market,
        calibration=msgspec.convert(known, Calibration, strict=False),
        verdict=NightVerdict(
            of=profile.desk_date,
            best=_marked(tails, "best"),
            in_confidence_set=_marked(tails, "in_confidence_set"),
        ),
    )


def _marked(tails: Sequence[Mapping[str, Any]], mark: str) -> frozenset[tuple[str, float]]:
    return frozenset((tail["method"], float(tail["confidence"])) for tail in tails if tail[mark])


def _last_profile(desk: Parts, portfolio: str) -> StoredResult | None:
    if portfolio not in desk.results.scopes(PROFILE_KIND):
        return None
    return desk.results.latest(PROFILE_KIND, portfolio)


def _peak(profile: StoredResult | None) -> float:
    """Return the highest equity that the last profile knew."""
    if profile is None:
        return 0.0
    drawdown = float(profile.payload["measures"]["drawdown"])
    return float(profile.payload["equity"]) / (1.0 - drawdown)
