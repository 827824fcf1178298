"""A small trading run for the tests of its resumption; as a program it may kill itself.

`python -m tests.integration.trading_run STATE_DIR N` sends itself SIGKILL at the N-th statement
that the database is given.
"""

import asyncio
import itertools
import os
import signal
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from basics.instruments import Instrument
from basics.trading import Book
from infra.database.engine import Database, open_database
from infra.database.orders import DatabaseOrderJournal
from infra.database.tables.base import complete_metadata
from infra.setting_groups import DatabaseSettings, VenueSettings
from infra.venues import build_simulated_venue
from market.panel import Panel
from oms.controls import ControlLimits
from services.strategy_book import StrategyPlan
from services.trading import TradingRequest, TradingResult, TradingSimulation

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
SESSIONS = np.arange("2022-01-03", "2022-03-14", dtype="datetime64[D]")
SESSIONS = SESSIONS[np.is_busday(SESSIONS)]


def request(**changes: object) -> TradingRequest:
    """Return ten traded sessions of two strategies on random prices."""
    rng = np.random.default_rng(7)
    shape = (len(SYMBOLS), len(SESSIONS))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=1))
    volume = rng.uniform(1e6, 2e6, shape)
    plans = [
        StrategyPlan(
            book=Book("fund", "portfolio", name, f"account-{name}"),
            capital=Decimal(1_000_000),
            scores=rng.normal(size=shape),
            cap=0.4,
            long_only=name == "long",
        )
        for name in ("spread", "long")
    ]
    terms: dict[str, object] = {
        "run_id": "run-1",
        "panel": Panel(SYMBOLS, SESSIONS, {"close": close, "volume": volume}),
        "strategies": plans,
        "start": SESSIONS[-10].item(),
        "end": SESSIONS[-1].item(),
        "instruments": {symbol: Instrument(symbol=symbol) for symbol in SYMBOLS},
    }
    return TradingRequest(**(terms | changes))


def database(state_dir: Path) -> Database:
    """Return an SQLite database in `state_dir`, its tables made without the migrations."""
    opened = open_database(DatabaseSettings(), state_dir=state_dir)
    with opened.transaction() as connection:
        complete_metadata().create_all(connection)
    return opened


def simulation(opened: Database, **terms: object) -> TradingSimulation:
    """Return a simulation that books into `opened`."""
    wide = ControlLimits(
        margin_rate=Decimal("0.1"),
    )
    defaults: dict[str, object] = {"limits": lambda _book: wide, "risk_limits": ()}
    return TradingSimulation(
        venue=build_simulated_venue(VenueSettings()),
        journal=DatabaseOrderJournal(opened),
        **(defaults | terms),
    )


def run(state_dir: Path, **changes: object) -> tuple[TradingResult, list[tuple[object, ...]]]:
    """Run to the end; return the result and every fill in the database."""
    opened = database(state_dir)
    try:
        result = asyncio.run(simulation(opened).run(request(**changes)))
        fills = DatabaseOrderJournal(opened).fills(result.run_id)
        return result, [(f.exec_id, f.quantity, f.price, f.fee, f.executed_at) for f in fills]
    finally:
        opened.close()


def die_at_statement(opened: Database, number: int) -> None:
    """Arrange for this process to be killed at the `number`-th statement from now on."""
    count = itertools.count(1)

    @sa.event.listens_for(opened.engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run and die."""
    opened = database(Path(sys.argv[1]))
    die_at_statement(opened, int(sys.argv[2]))
    asyncio.run(simulation(opened).run(request(end=date(2022, 3, 11))))


if __name__ == "__main__":
    main()
