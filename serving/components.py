"""The components of the API in the order in which they come up."""

from collections.abc import Sequence

from anyio.to_thread import run_sync

from basics.errors import QuantDeskError
from infra.bootstrap import Desk
from services.ports import Cache, MessageQueue
from services.predictions import Predictions
from serving.startup import Component, Mode, Started

CHAMPION = "champion"


def components(
    desk: Desk, cache: Cache, queue: MessageQueue, predictions: Predictions
) -> list[Component]:
    """Return database, cache, queue, models, orders: each needs none that comes after it."""

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

    came_up: list[Started] = []

    async def start_models() -> Started:
        if not came_up or came_up[0].mode == "degraded":
            came_up[:] = [await run_sync(_load_champions, desk, predictions)]
            return came_up[0]
        return await run_sync(_ask_registry, desk, predictions)

    async def start_orders() -> Started:
        return await run_sync(_load_market, desk)

    return [
        Component("database", start_database, required=True, watched=True),
        Component("cache", start_cache, watched=True),
        Component("queue", start_queue, watched=True),
        Component("models", start_models, watched=True),
        Component("orders", start_orders),
    ]


def _ping(desk: Desk) -> None:
    desk.database.ping()


def _load_champions(desk: Desk, predictions: Predictions) -> Started:
    """Load every champion, so that the first request does not wait for it."""
    loaded, refused = [], []
    for name in desk.models.names():
        if CHAMPION not in desk.models.aliases(name):
            continue
        try:
            loaded.append(predictions.served(name, CHAMPION).version.label)
        except QuantDeskError as error:
            refused.append(str(error))
    if refused:
        return Started("degraded", "; ".join(refused))
    if not loaded:
        return Started("degraded", "no model has a champion yet: run `quantdesk demo`")
    return _served(desk, loaded)


def _ask_registry(desk: Desk, predictions: Predictions) -> Started:
    """Tell whether the registry answers, and what serves from memory: one question to it."""
    loaded = predictions.loaded
    try:
        desk.models.names()
    except QuantDeskError as error:
        return Started("degraded", f"{', '.join(loaded)} from memory: {error}")
    return _served(desk, loaded)


def _served(desk: Desk, loaded: Sequence[str]) -> Started:
    if desk.models.hindrance:
        return Started("degraded", f"{', '.join(loaded)} from the mirror: {desk.models.hindrance}")
    return Started("real" if desk.settings.mlflow.url else "embedded", ", ".join(loaded))


def _load_market(desk: Desk) -> Started:
    """Load the market that orders trade on, so that the first order does not wait for it."""
    entry = desk.order_entry
    moment = entry.market().moment
    return Started("embedded", f"simulated venue {entry.venue.name}, prices of {moment:%Y-%m-%d}")


def _mode(name: str) -> Mode:
    return "embedded" if name == "embedded" else "real" if name == "real" else "degraded"
