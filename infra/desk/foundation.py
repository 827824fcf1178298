"""What every service stands on: settings, clock, database, registry, cache, queue, one loop."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from basics.clock import Clock
from infra.settings import Settings
from services.ports import Alert, Cache, MessageQueue, ResultStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.database.alerts import DatabaseAlertStore
    from infra.database.engine import Database
    from infra.model_registry import MlflowRegistry
    from services.alerts import AlertLog

T = TypeVar("T")


class Foundation:
    """The means that every service shares."""

    def __init__(self, settings: Settings, clock: Clock, resources: ExitStack) -> None:
        self.settings = settings
        self.clock = clock
        self._resources = resources

    @cached_property
    def database(self) -> "Database":
        """What is booked, and the documents that were computed; its schema is current."""
        from infra.database.engine import open_database
        from infra.database.schema import ensure_schema

        database = open_database(self.settings.database, state_dir=self.settings.state_dir)
        self._resources.callback(database.close)
        ensure_schema(database)
        return database

    @cached_property
    def results(self) -> ResultStore:
        """The computed documents that pages, reports and the API show."""
        from infra.database.results import DatabaseResultStore

        return DatabaseResultStore(self.database, self.clock)

    @cached_property
    def models(self) -> "MlflowRegistry":
        """Registered models, their runs and the aliases by which they are served."""
        from infra.registry import open_registry

        folder = self.settings.state_dir / "mlflow"
        registry = open_registry(self.settings.mlflow, folder, clock=self.clock)
        # The database is opened when an alias first moves.
        registry.alone = lambda name: self.database.lock(name)  # noqa: PLW0108
        return registry

    @cached_property
    def cache(self) -> Cache:
        """What is kept for a while, in process or in Redis; used on the desk's own loop."""
        from infra.cache import open_cache

        cache, _ = open_cache(self.settings.cache), self._loop
        # Closed before the loop that it is used on, which is why the loop stands first.
        self._resources.callback(lambda: self.run(cache.close()))
        return cache

    @cached_property
    def queue(self) -> MessageQueue:
        """Where messages wait; to be used on the desk's own loop (`run`)."""
        from infra.messaging import open_queue

        queue = open_queue(self.settings.queue, state_dir=self.settings.state_dir)
        assert self._loop is not None  # Made before, so that it ends after the queue is closed.
        self._resources.callback(lambda: self.run(queue.close()))
        return queue

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the desk's one event loop and return its result.

        The loop has a thread of its own, so that a notebook, which has a loop already, may call.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="desk-loop", daemon=True)
        thread.start()

        def stop() -> None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

        self._resources.callback(stop)
        return loop

    @cached_property
    def alert_store(self) -> "DatabaseAlertStore":
        """Alerts as they were stored."""
        from infra.database.alerts import DatabaseAlertStore

        return DatabaseAlertStore(self.database)

    @cached_property
    def alerts(self) -> "AlertLog":
        """What was told, and who dealt with it."""
        from services.alerts import AlertLog

        return AlertLog(self.alert_store, self.clock)

    def send_alerts(self, alerts: "Sequence[Alert]") -> None:
        """Put alerts on the queue, where the desk's consumer stores each once."""
        from services.alerts import send_alerts

        self.run(send_alerts(self.queue, alerts))

    def take_alerts(self) -> int:
        """Store the alerts that wait in the queue; return how many were new."""
        from services.alerts import AlertConsumer

        return self.run(AlertConsumer(self.queue, self.alert_store, self.clock).drain())

    def tell(self, alerts: "Sequence[Alert]") -> int:
        """Send alerts and store what waits, for a process without a consumer of its own."""
        self.send_alerts(alerts)
        return self.take_alerts()

    @cached_property
    def code_commit(self) -> str:
        """The git commit of the running code, `unknown` outside a checkout."""
        from infra.lineage import code_commit

        return code_commit()
