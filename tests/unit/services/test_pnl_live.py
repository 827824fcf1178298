"""Tests of `services.pnl_live`: booked first, shown after, and nothing lost by a restart."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError
from basics.instruments import Instrument
from basics.trading import Book, Fill
from infra.database.engine import Database, open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from services.accounting import Accounting
from services.pnl_live import SNAPSHOT_KIND, LivePnl

D = Decimal
RUN, DAY = "desk", date(2022, 1, 3)
NOON = datetime(2022, 1, 3, 12, tzinfo=UTC)
BOOK = Book("Fund", "Core", "momentum", "acc")
INSTRUMENTS = {"AAA": Instrument(symbol="AAA"), "EEE": Instrument(symbol="EEE", currency="EUR")}


def fill(n: int, quantity: int, price: str, symbol: str = "AAA") -> Fill:
    return Fill(
        venue="SIM", exec_id=str(n), cl_ord_id="o", book=BOOK, symbol=symbol,
        quantity=D(quantity), price=D(price), fee=D("0.35"), executed_at=NOON,
        currency=INSTRUMENTS[symbol].currency,
    )  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


def start(database: Database, clock: ManualClock) -> LivePnl:
    live = LivePnl(
        run_id=RUN,
        accounting=Accounting(store=DatabaseLedgerStore(database), instruments=INSTRUMENTS),
        results=DatabaseResultStore(database, clock),
        clock=clock,
    )
    live.start()
    return live


def test_a_snapshot_is_reconciled_to_the_ledger(database: Database) -> None:
    live = start(database, ManualClock(NOON))
    live.fills(DAY, [fill(1, 3, "10.01")])
    live.tick("AAA", 10.123456, event_time=NOON, sequence=1)

    taken = live.snapshot(desk_date=DAY)

    # The books value 3 x 10.123456 = 30.370368 as 30.37: the difference is shown.
    assert taken.total.pnl == pytest.approx(30.370368 - 30.03 - 0.35)
    assert taken.ledger_difference == pytest.approx(0.000368)


def test_a_restart_loses_nothing_and_counts_nothing_twice(database: Database) -> None:
    clock = ManualClock(NOON)
    live = start(database, clock)
    live.fills(DAY, [fill(1, 10, "10"), fill(2, 5, "7", "EEE")])
    live.set_rate("EUR", D("1.1"))
    live.tick("AAA", 11.0, event_time=NOON, sequence=7)
    live.tick("EEE", 8.0, event_time=NOON, sequence=3)
    before = live.snapshot(desk_date=DAY)
    live.fills(DAY, [fill(3, -4, "12")])  # After the last snapshot; the process dies here.

    again = start(database, clock)
    again.fills(DAY, [fill(3, -4, "12")])  # The venue delivers it once more.
    again.tick("AAA", 99.0, event_time=NOON, sequence=7)  # And an old tick.
    taken = again.snapshot(desk_date=DAY)

    # AAA: 4 sold at 12, 6 open at 11, two fees; EEE: 5 x 1 x 1.1 less its fee.
    assert taken.total.pnl == pytest.approx(4 * 2 + 6 * 1 - 0.70 + (5 - 0.35) * 1.1)
    assert taken.sequence == before.sequence + 1
    assert taken.counts["duplicate"] == 1


def test_snapshots_are_stored_at_most_once_an_interval(database: Database) -> None:
    clock = ManualClock(NOON)
    live = start(database, clock)
    live.fills(DAY, [fill(1, 1, "10")])
    live.tick("AAA", 10.0, event_time=NOON, sequence=1)
    live.snapshot(desk_date=DAY)

    clock.moment += timedelta(seconds=59)
    live.snapshot(desk_date=DAY)
    assert live.results.latest(SNAPSHOT_KIND, RUN).payload["sequence"] == 1
    clock.moment += timedelta(seconds=1)
    live.snapshot(desk_date=DAY)
    assert live.results.latest(SNAPSHOT_KIND, RUN).payload["sequence"] == 3


def test_live_profit_must_be_started() -> None:
    live = LivePnl(run_id=RUN, accounting=None, results=None, clock=ManualClock(NOON))  # type: ignore[arg-type]

    with pytest.raises(InvalidInputError, match="has not started"):
        live.tick("AAA", 1.0, event_time=NOON, sequence=1)
