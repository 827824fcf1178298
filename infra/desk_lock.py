"""One process at a time does what must not be done twice: a lock on a file in the state folder.

The operating system drops the lock when its holder dies, so a killed process blocks nobody.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from basics.errors import UnavailableError

PAUSE_SECONDS = 0.005


@asynccontextmanager
async def desk_lock(
    path: Path, *, timeout_seconds: float, doing: str = "entering orders"
) -> AsyncIterator[None]:
    """Hold the lock of `path`; `doing` says what its holder does.

    Raises
    ------
    UnavailableError
        If another holds it for longer than `timeout_seconds`.
    """
    deadline = monotonic() + timeout_seconds
    # Each holder opens the file anew, so the lock also parts the tasks of one process.
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() >= deadline:
                    raise UnavailableError(
                        f"another process has been {doing} for {timeout_seconds:g} s "
                        f"({path}): try again, or stop it"
                    ) from None
                await asyncio.sleep(PAUSE_SECONDS)
        yield
