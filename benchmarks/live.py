"""The live desk: from the mark that breaches a limit to its alert in the database.

A book of 500 symbols on 1,000 sessions of drawn returns, its ledger, queue and database on disk, as
an embedded desk has them. The consumer waits on the queue as in the desk's process.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np

from basics.instruments import Instrument
from basics.trading import Book, Fill
from benchmarks.harness import Row, publish
from infra.clock import SystemClock
from infra.database.alerts import DatabaseAlertStore
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.limits import DatabaseLimitStore
from infra.database.results import DatabaseResultStore
from infra.database.schema import ensure_schema
from infra.isolation import PROJECT_ROOT
from infra.messaging.sqlite import SqliteQueue
from infra.policy import load_stress
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from risk.joint import Draws
from risk.limits import Limit, Scope
from services.accounting import Accounting
from services.alerts import AlertConsumer
from services.limit_register import LimitRegister
from services.live_desk import LiveDesk
from services.live_portfolio import LivePortfolio, booked_until
from services.live_risk import LiveRisk
from services.live_state import Mark
from services.night_market import NightMarket, night_market_of
from services.pnl_live import LivePnl
from services.risk_inputs import History, RiskInputs

SEED = 20221228
SYMBOLS, SESSIONS, BREACHES, TICKS, PROFILES = 500, 1_000, 40, 200, 20
DAY = date(2022, 12, 28)
BOOK = Book("Fund", "bench", "bench", "account")
LIMIT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.01, soft=0.012, hard=0.015, owner="risk")


def main() -> None:
    """Run every claim and publish the table."""
    with tempfile.TemporaryDirectory(prefix="qd-bench-") as folder:
        opened = open_database(DatabaseSettings(), state_dir=Path(folder))
        ensure_schema(opened)
        latencies, turn, full = asyncio.run(_measure(Path(folder), opened))
        opened.close()
    publish("live", [
        Row("risk.alert_latency", f"mark that breaches to alert stored, worst of {BREACHES}, "
            f"{SYMBOLS} positions", max(latencies), "s", "limit", 1.0),
        Row("risk.alert_latency_median", "the same, median", statistics.median(latencies), "s",
            "limit", 1.0),
        Row("live.turn", f"a tick to a published state: profit by every key, risk, limits, "
            f"{SYMBOLS} positions, median", turn * 1e3, "ms", "limit", 100.0),
        Row("live.profile", f"the full live profile of {SYMBOLS} positions x {SESSIONS} scenarios: "
            "13 estimators x 3, decomposition, stresses with parts, median", full * 1e3, "ms",
            "limit", 100.0),
    ])  # fmt: skip


async def _measure(folder: Path, opened: Database) -> tuple[list[float], float, float]:
    queue = SqliteQueue(folder / "queue.db", max_length=10_000, max_deliveries=3)
    portfolio = _portfolio(opened)
    desk = LiveDesk(portfolios={"bench": portfolio}, queue=queue)
    desk.start()
    consumer = AlertConsumer(queue, DatabaseAlertStore(opened), SystemClock())
    tasks = [asyncio.create_task(desk.run()), asyncio.create_task(consumer.run())]
    sequence = iter(range(1, 1_000_000))

    def mark(symbol: str, price: float) -> None:
        n = next(sequence)
        desk.offer([Mark(symbol, price, time.time_ns(), n)])

    latencies = []
    for n in range(BREACHES):
        symbol, known = f"S{n:03}", len(consumer.store.alerts(limit=1000))
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        mark(symbol, 1_000.0)  # Ten times its price: from 0.2% of equity past every threshold.
        await _until(lambda known=known: len(consumer.store.alerts(limit=1000)) > known)
        latencies.append(time.perf_counter() - began)
        mark(symbol, 100.0)
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    turns = []
    for n in range(TICKS):
        mark("S400", 100.0 + 0.01 * n)
        began = time.perf_counter()
        await desk.turn()
        turns.append(time.perf_counter() - began)
    portfolio.profile_seconds, profiles = 1e-9, []
    for n in range(PROFILES):
        portfolio.take([Mark("S400", 90.0 + n, time.time_ns(), next(sequence))])
        portfolio.turn()
        began = time.perf_counter()
        assert portfolio.measure()
        profiles.append(time.perf_counter() - began)
    await queue.close()
    return latencies, statistics.median(turns), statistics.median(profiles)


async def _until(done: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(done):
        await asyncio.sleep(0.002)


def _portfolio(opened: Database) -> LivePortfolio:
    clock = SystemClock()
    names = [f"S{n:03}" for n in range(SYMBOLS)]
    instruments = {s: Instrument(symbol=s, sector=f"sector {n % 11}") for n, s in enumerate(names)}
    accounting = Accounting(store=DatabaseLedgerStore(opened), instruments=instruments)
    moment = datetime(2022, 12, 28, 15, tzinfo=UTC)
    accounting.book_fills("bench", [
        Fill(venue="SIM", exec_id=s, cl_ord_id=s, book=BOOK, symbol=s, quantity=Decimal(20),
             price=Decimal(100), executed_at=moment)
        for s in names
    ])  # fmt: skip
    register = LimitRegister(DatabaseLimitStore(opened), clock, [LIMIT])
    return LivePortfolio(
        name="bench",
        desk_date=DAY,
        pnl=LivePnl(
            run_id="bench",
            accounting=accounting,
            results=DatabaseResultStore(opened, clock),
            clock=clock,
            interval_seconds=10.0,
        ),
        risk=LiveRisk("bench", _market(names)),
        register=register,
        limits=register.in_force,
        clock=clock,
        capital=Decimal(1_000_000),
        closes=dict.fromkeys(names, (100.0, moment)),
        booked_by_then=booked_until(DAY),
    )


def _market(names: list[str]) -> NightMarket:
    generator = np.random.default_rng(SEED)
    common = generator.standard_normal(SESSIONS) * 0.008
    returns = common + generator.standard_normal((len(names), SESSIONS)) * 0.015
    sessions = np.arange(np.datetime64(DAY) - SESSIONS + 1, np.datetime64(DAY) + 1)
    panel = Panel(tuple(names), sessions, {"close": 100 * np.cumprod(1 + returns, axis=1)})
    inputs = RiskInputs(
        scope="every symbol", as_of=DAY, holdings={}, prices=panel,
        equity=History(sessions[-1:], np.ones(1)), sectors={},
        daily_notional=dict.fromkeys(names, 1e7),
    )  # fmt: skip
    return night_market_of(
        inputs, load_stress(PROJECT_ROOT / "policy"), lookback=SESSIONS - 1, draws=Draws(seed=SEED)
    )


if __name__ == "__main__":
    main()
