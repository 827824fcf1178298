"""The `MessageQueue` port on a SQLite file, for the processes of one machine.

A file of its own, so that publishing never waits for the desk's books. One thread owns the
connection; the event loop never blocks on the disk.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from basics.errors import UnavailableError
from services.ports import Message, QueueStatus, TopicStatus

T = TypeVar("T")
POLL_SECONDS = 0.02
BUSY_SECONDS = 5.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    body BLOB NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    leased_until REAL NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS ix_messages_next ON messages (topic, dead, leased_until, id);
"""
# What was never handed out or whose lease ran out, oldest first, becomes ours for a while.
CLAIM = """
UPDATE messages SET leased_until = :until, deliveries = deliveries + 1
WHERE id = (
    SELECT id FROM messages WHERE topic = :topic AND dead = 0 AND leased_until <= :now
    ORDER BY id LIMIT 1
)
RETURNING id, body, deliveries
"""
COUNT = """
SELECT topic, sum(NOT dead AND leased_until <= :now), sum(NOT dead AND leased_until > :now),
       sum(dead)
FROM messages GROUP BY topic ORDER BY topic
"""


class SqliteQueue:
    """Keeps messages in the file at `path`, which is made on first use."""

    def __init__(self, path: Path, *, max_length: int, max_deliveries: int) -> None:
        self._path = path
        self._max_length = max_length
        self._max_deliveries = max_deliveries
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> Sequence[str]:
        """Append the messages, all or none, and return their ids."""

        def append(connection: sqlite3.Connection) -> list[str]:
            count = "SELECT count(*) FROM messages WHERE topic = ? AND dead = 0"
            length = connection.execute(count, (topic,)).fetchone()[0]
            if length + len(bodies) > self._max_length:
                raise UnavailableError(
                    f"topic {topic!r} holds {length} of at most {self._max_length} messages: "
                    "its consumer is behind"
                )
            insert = "INSERT INTO messages (topic, body) VALUES (?, ?)"
            rows = (connection.execute(insert, (topic, body)).lastrowid for body in bodies)
            return [str(row) for row in rows]

        return await self._run(append)

    async def claim(
        self, topic: str, *, lease_seconds: float, wait_seconds: float = 0.0
    ) -> Message | None:
        """Return the next message, or None after waiting `wait_seconds` for one."""
        deadline = time.monotonic() + wait_seconds
        while True:
            message = await self._run(lambda c: self._claim(c, topic, lease_seconds))
            if message is not None or time.monotonic() >= deadline:
                return message
            await asyncio.sleep(POLL_SECONDS)

    async def acknowledge(self, message: Message) -> None:
        """Remove a message whose effect is committed."""
        await self._run(
            lambda c: c.execute("DELETE FROM messages WHERE id = ? AND dead = 0", (message.id,))
        )

    async def dead_letters(self, topic: str, *, limit: int = 100) -> Sequence[Message]:
        """Return the messages that were set aside, oldest first."""
        query = (
            "SELECT id, body, deliveries FROM messages WHERE topic = ? AND dead = 1 "
            "ORDER BY id LIMIT ?"
        )
        rows = await self._run(lambda c: c.execute(query, (topic, limit)).fetchall())
        return [_message(topic, row) for row in rows]

    async def status(self) -> QueueStatus:
        """Return how many messages each topic holds."""
        rows = await self._run(lambda c: c.execute(COUNT, {"now": time.time()}).fetchall())
        return QueueStatus(
            mode="embedded",
            address=self._path.name,
            topics=[
                TopicStatus(topic=topic, waiting=waiting, claimed=claimed, dead=dead)
                for topic, waiting, claimed, dead in rows
            ],
        )

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _claim(
        self, connection: sqlite3.Connection, topic: str, lease_seconds: float
    ) -> Message | None:
        # Wall time, since the processes that share the file share no monotonic clock.
        now = time.time()
        values = {"topic": topic, "now": now, "until": now + lease_seconds}
        while (row := connection.execute(CLAIM, values).fetchone()) is not None:
            message = _message(topic, row)
            if message.deliveries <= self._max_deliveries:
                return message
            aside = "UPDATE messages SET dead = 1, deliveries = deliveries - 1 WHERE id = ?"
            connection.execute(aside, (message.id,))
        return None

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one write transaction on the thread that owns the connection."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, work)

    def _commit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise UnavailableError(f"queue {self._path}: {error}") from error
        return result

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(SCHEMA)
            self._connection = connection
        return self._connection


def _message(topic: str, row: tuple[int, bytes, int]) -> Message:
    return Message(id=str(row[0]), topic=topic, body=row[1], deliveries=row[2])
