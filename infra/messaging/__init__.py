"""The queue: in a SQLite file, or in Redis Streams where several machines share it."""

from pathlib import Path
from typing import TYPE_CHECKING

from infra.setting_groups import QueueSettings

if TYPE_CHECKING:
    from services.ports import MessageQueue

QUEUE_FILE = "queue.db"


def open_queue(settings: QueueSettings, *, state_dir: Path) -> "MessageQueue":
    """Return the queue that the settings name; nothing is connected yet."""
    if settings.url is None:
        from infra.messaging.sqlite import SqliteQueue

        return SqliteQueue(
            state_dir / QUEUE_FILE,
            max_length=settings.max_length,
            max_deliveries=settings.max_deliveries,
        )
    from infra.messaging.redis import RedisQueue

    return RedisQueue(
        settings.url.get_secret_value(),
        max_length=settings.max_length,
        max_deliveries=settings.max_deliveries,
        timeout_seconds=settings.timeout_seconds,
        breaker_open_seconds=settings.breaker_open_seconds,
    )
