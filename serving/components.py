"""The components of the API in the order in which they come up."""

from anyio.to_thread import run_sync

from infra.bootstrap import Desk
from services.ports import Cache, MessageQueue
from serving.startup import Component, Mode, Started


def components(desk: Desk, cache: Cache, queue: MessageQueue) -> list[Component]:
    """Return database, cache, queue: each needs none that comes after it."""

    async def start_database() -> Started:
        # In a thread, since the first use opens the database and may migrate it.
        await run_sync(_ping, desk)
        mode: Mode = "embedded" if desk.database.dialect == "sqlite" else "real"
        return Started(mode, desk.database.address)

    async def start_cache() -> Started:
        status = await cache.status()
        return Started(_mode(status.mode), status.detail or status.address)

    async def start_queue() -> Started:
        status = await queue.status()
        return Started(_mode(status.mode), status.detail or status.address)

    return [
        Component("database", start_database, required=True),
        Component("cache", start_cache),
        Component("queue", start_queue),
    ]


def _ping(desk: Desk) -> None:
    desk.database.ping()


def _mode(name: str) -> Mode:
    return "embedded" if name == "embedded" else "real" if name == "real" else "degraded"
