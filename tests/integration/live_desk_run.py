"""A live desk in a process that may be killed at any moment.

`python -m tests.integration.live_desk_run FOLDER FILLS` books one fill after another, some of
them again, sends marks between, and starts where an earlier process died.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from services.order_tickets import DESK
from tests.live_sample import NOON, accounting, database, fill, live_desk, mark


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)


async def run(folder: Path, fills: int) -> None:
    """Book what is not booked yet, a fill a turn."""
    opened = database(folder)
    books = accounting(opened)
    desk = live_desk(folder, opened, WallClock(), persist_seconds=0.001)
    done = books.store.last_sequence(DESK)
    desk.start()
    print("started", flush=True)  # noqa: T201 - the parent waits for it
    for n in range(max(done - 1, 0), fills):  # The last one is delivered again.
        symbol = ("AAA", "BBB", "CCC")[n % 3]
        books.book_fills(DESK, [fill(n, symbol, 40 if n % 2 else 20)])
        desk.offer([mark(symbol, 100.0 + n % 7, n)])
        desk.wake()
        await desk.turn()
        print(n, flush=True)  # noqa: T201 - the parent counts them
    desk.close()
    await desk.queue.close()


if __name__ == "__main__":
    assert NOON
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
