"""A prediction stream that kills itself, run again and again until it has answered everything.

`python -m tests.integration.stream_run STATE_DIR` forks a consumer for each of the points at which
one can die, and prints how each ended. What waits in the queue is left as the killed one had it.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.bootstrap import open_desk
from infra.settings import Settings

MODEL, FEATURE_SET, LEASE_SECONDS = "pulse", "close_momentum", 0.4
# Where a message's way can be cut: the part, its method, and whether after it or before.
KILLS = (
    ("online", "take", True),
    ("events", "commit", False),
    ("events", "commit", True),
    ("queue", "acknowledge", True),
)


def consume(state: Path, kill: tuple[str, str, bool] | None) -> dict[str, int]:
    """Answer what waits; die at the second passage of `kill`: part, method, after or before."""
    with open_desk(Settings(state_dir=state)) as desk:
        stream = desk.prediction_stream(MODEL, FEATURE_SET, tell=lambda _: None)
        stream.lease_seconds = LEASE_SECONDS
        if kill is not None:
            part, method, late = kill
            owner = stream.source if part == "online" else stream
            _dying(getattr(owner, part), method, late=late)
        desk.run(stream.drain())
        counts = stream.counts
    return {"events": counts.events, "known": counts.known, "refused": counts.refused}


def _dying(part: Any, method: str, *, late: bool) -> None:
    original: Callable[..., Any] = getattr(type(part), method)
    passages = 0

    def die() -> None:
        nonlocal passages
        passages += 1
        if passages == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    async def dying_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _around(die, late=late):
            return await original(self, *args, **kwargs)

    def dying(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _around(die, late=late):
            return original(self, *args, **kwargs)

    wrapped = dying_async if asyncio.iscoroutinefunction(original) else dying
    setattr(type(part), method, wrapped)


@contextmanager
def _around(die: Callable[[], None], *, late: bool) -> Iterator[None]:
    if not late:
        die()
    yield
    if late:
        die()


def main(state: Path) -> None:
    """Fork a consumer for each point of death, then one that lives; print how each ended."""
    ended = []
    for kill in (*KILLS, None):
        child = os.fork()
        if child == 0:
            consume(state, kill)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended.append(-os.waitstatus_to_exitcode(status))
    print(json.dumps(ended))  # noqa: T201 - the program's own output


if __name__ == "__main__":
    main(Path(sys.argv[1]))
