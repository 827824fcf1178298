"""Work that goes on beside the answers, for as long as the application runs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from basics.errors import UnavailableError

PAUSE_SECONDS = 1.0


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; when it fails say so, once for each cause, and begin again after a pause."""
    log = structlog.get_logger(__name__)
    told = ""
    while True:
        try:
            await work()
        except UnavailableError as error:
            if str(error) != told:
                told = str(error)
                log.warning("background work waits", work=name, cause=told)
        except Exception:  # One failure must not end the work for good.
            log.exception("background work failed", work=name)
        await asyncio.sleep(PAUSE_SECONDS)
