"""A small live desk on real files: three stocks, a manual book, its journal, queue and ledger."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

from basics.clock import Clock
from basics.instruments import Instrument
from basics.trading import Book, Fill, Lineage
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.limits import DatabaseLimitStore
from infra.database.orders import DatabaseOrderJournal
from infra.database.results import DatabaseResultStore
from infra.database.schema import ensure_schema
from infra.messaging.sqlite import SqliteQueue
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from risk.joint import draws_from
from risk.limits import Limit, Scope
from risk.shocks import Shock
from risk.stress import Basis, StressScenario
from services.accounting import Accounting
from services.limit_register import LimitRegister
from services.live_desk import LiveDesk
from services.live_portfolio import LivePortfolio, booked_before
from services.live_risk import LiveRisk
from services.live_state import Mark
from services.night_market import NightMarket, night_market_of
from services.order_tickets import DESK
from services.pnl_live import LivePnl
from services.risk_inputs import History, RiskInputs

D = Decimal
SEED = 3
DAY, NOON = date(2022, 1, 3), datetime(2022, 1, 3, 12, tzinfo=UTC)
CLOSE = datetime(2022, 1, 2, 21, tzinfo=UTC)
BOOK = Book("Fund", "manual", "manual", "acc")
SYMBOLS = ("AAA", "BBB", "CCC")
SECTORS = {"AAA": "Energy", "BBB": "Energy", "CCC": "Health"}
INSTRUMENTS = {s: Instrument(symbol=s, sector=SECTORS[s]) for s in SYMBOLS}
LIMITS = (
    Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.2, hard=0.3, owner="risk"),
    Limit(
        metric="value_at_risk_99", scope=Scope.PORTFOLIO, warn=0.1, soft=0.2, hard=0.3,
        owner="risk",
    ),
)  # fmt: skip
CRASH = StressScenario(
    name="crash", title="Crash", description="", basis=Basis.REVALUATION,
    shock=Shock(market_return=-0.2),
)  # fmt: skip
SLIDE = StressScenario(
    name="slide", title="Slide", description="", basis=Basis.REVALUATION,
    window=(date(2021, 3, 1), date(2021, 4, 30)),
)  # fmt: skip
REVERSE = StressScenario(
    name="reverse", title="Reverse", description="", basis=Basis.REVALUATION, reverse_loss=0.1,
)  # fmt: skip
SCENARIOS = (CRASH, SLIDE, REVERSE)


def prices() -> Panel:
    """Return closes that end at 100 for every symbol."""
    rng = np.random.default_rng(5)
    path = np.exp(np.cumsum(rng.standard_t(5, size=(3, 400)) * 0.01, axis=1))
    sessions = np.arange(np.datetime64(DAY) - 400, np.datetime64(DAY))
    return Panel(SYMBOLS, sessions, {"close": 100 * path / path[:, -1:]})


def market() -> NightMarket:
    panel = prices()
    return night_market_of(
        RiskInputs(
            scope="every symbol",
            as_of=panel.sessions[-1].item(),
            holdings={},
            prices=panel,
            equity=History(panel.sessions[-1:], np.ones(1)),
            sectors=SECTORS,
            daily_notional=dict.fromkeys(SYMBOLS, 1e7),
        ),
        SCENARIOS,
        lookback=350,
        draws=draws_from(np.random.default_rng(SEED)),
    )


def fill(n: int, symbol: str, quantity: int, price: str = "100") -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id=f"o{n}", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), fee=D("0.35"), executed_at=NOON,
        lineage=Lineage(model_version="v1", arm="champion"),
    )  # fmt: skip


def mark(symbol: str, price: float, n: int) -> Mark:
    """Return the `n`-th mark, n seconds past noon."""
    return Mark(symbol, price, int(NOON.timestamp()) * 10**9 + n * 10**9, n)


def database(folder: Path) -> Database:
    opened = open_database(DatabaseSettings(), state_dir=folder)
    ensure_schema(opened)
    return opened


def accounting(opened: Database) -> Accounting:
    return Accounting(store=DatabaseLedgerStore(opened), instruments=INSTRUMENTS)


def portfolio(opened: Database, clock: Clock, *, persist_seconds: float = 10.0) -> LivePortfolio:
    journal = DatabaseOrderJournal(opened)
    register = LimitRegister(DatabaseLimitStore(opened), clock, LIMITS)
    return LivePortfolio(
        name="manual",
        desk_date=DAY,
        pnl=LivePnl(
            run_id=DESK,
            accounting=accounting(opened),
            results=DatabaseResultStore(opened, clock),
            clock=clock,
            interval_seconds=persist_seconds,
        ),
        risk=LiveRisk("manual", market()),
        register=register,
        limits=register.in_force,
        clock=clock,
        capital=D(100_000),
        closes=dict.fromkeys(SYMBOLS, (100.0, CLOSE)),
        booked_by_then=booked_before(CLOSE),
        orders=lambda: journal.orders(DESK, open_only=True),
    )


def live_desk(
    folder: Path, opened: Database, clock: Clock, *, persist_seconds: float = 10.0
) -> LiveDesk:
    """Return a desk of the manual book, not started; its queue is in the folder."""
    queue = SqliteQueue(folder / "queue.db", max_length=1000, max_deliveries=3)
    one = portfolio(opened, clock, persist_seconds=persist_seconds)
    return LiveDesk(portfolios={"manual": one}, queue=queue, poll_seconds=0.02, pause_seconds=0.0)
