"""A live desk killed again and again loses no fill, doubles none and tells each breach once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from basics.clock import ManualClock
from infra.database.alerts import DatabaseAlertStore
from infra.isolation import PROJECT_ROOT
from services.alerts import AlertConsumer
from services.order_tickets import DESK
from tests.live_sample import NOON, accounting, database, fill, live_desk

FILLS = 60


def run(folder: Path, *, die_after: int | None) -> None:
    """Let the desk work until it has taken `die_after` fills, then kill it; to the end if None."""
    command = [sys.executable, "-m", "tests.integration.live_desk_run", str(folder), str(FILLS)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line, _ in enumerate(process.stdout):
            if line == die_after:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == (0 if die_after is None else -signal.SIGKILL)


def test_a_killed_desk_resumes_with_nothing_lost_or_counted_twice(tmp_path: Path) -> None:
    for die_after in (13, 17):
        run(tmp_path, die_after=die_after)
    run(tmp_path, die_after=None)

    opened = database(tmp_path)
    asyncio.run(check(tmp_path, opened))
    opened.close()


async def check(folder: Path, opened) -> None:  # type: ignore[no-untyped-def]
    """Hold what stands against the same fills booked in one go."""
    desk = live_desk(folder, opened, ManualClock(NOON))
    desk.start()
    state = desk.state()
    other = accounting(opened)
    other.book_fills("in one go", [fill(n, ("AAA", "BBB", "CCC")[n % 3], 40 if n % 2 else 20)
                                   for n in range(FILLS)])  # fmt: skip

    held = {p.symbol: p.quantity for p in other.ledger("in one go").positions()}
    assert {p.symbol: p.quantity for p in other.ledger(DESK).positions()} == held
    marks = desk.portfolios["manual"].pnl.engine.marks()
    # The last mark of each symbol: fill 57 (AAA), 58 (BBB), 59 (CCC).
    assert marks == {"AAA": 101.0, "BBB": 102.0, "CCC": 103.0}
    expected = sum(float(q) * (marks[s] - 100) for s, q in held.items()) - 0.35 * FILLS
    assert state.pnl.total.pnl == pytest.approx(expected)
    assert len(state.pnl.by_fill["order"]) == FILLS
    assert state.pnl.ledger_difference == pytest.approx(0.0, abs=0.01)

    consumer = AlertConsumer(desk.queue, DatabaseAlertStore(opened), ManualClock(NOON))
    await consumer.drain()
    told = Counter(stored.alert.message for stored in consumer.store.alerts())
    raised = [s.alert for s in consumer.store.alerts(kind="risk.limit_breached")]
    # Each symbol passed soft, then hard, on its way up, once.
    assert Counter((a.dedupe_key.split("|")[3], a.figures["state"]) for a in raised) == {
        (symbol, state): 1 for symbol in ("AAA", "BBB", "CCC") for state in ("soft", "hard")
    }
    assert max(told.values()) == 1
    await desk.queue.close()
