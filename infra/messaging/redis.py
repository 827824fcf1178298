"""The `MessageQueue` port on Redis Streams: one stream a topic, one consumer group.

Expired messages are claimed one at a time: a batch claim would raise the delivery count of
every message in it, and one poisonous message would send the innocent to the dead letters.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import RedisError, ResponseError

from basics.errors import UnavailableError
from infra.breaker import Breaker
from infra.redis_client import address_of, explain, open_client
from services.ports import Message, QueueStatus, TopicStatus

T = TypeVar("T")
GROUP = "desk"
# The length is checked and the messages appended in one step of the server.
PUBLISH = """
local length = redis.call('XLEN', KEYS[1])
if length + #ARGV > tonumber(KEYS[2]) then return length end
local ids = {}
for i, body in ipairs(ARGV) do ids[i] = redis.call('XADD', KEYS[1], '*', 'body', body) end
return ids
"""


class RedisQueue:
    """Keeps messages in Redis; a call is refused at once while the server is known to be gone."""

    def __init__(
        self,
        url: str,
        *,
        max_length: int,
        max_deliveries: int,
        timeout_seconds: float,
        breaker_open_seconds: float,
        prefix: str = "quantdesk:queue",
    ) -> None:
        self._url = url
        self._client = open_client(url, timeout_seconds=timeout_seconds)
        self._waiting_client = open_client(url, timeout_seconds=None)
        self._timeout_seconds = timeout_seconds
        self._breaker = Breaker("queue", open_seconds=breaker_open_seconds)
        self._max_length = max_length
        self._max_deliveries = max_deliveries
        self._prefix = prefix
        self._consumer = secrets.token_hex(8)
        self._groups: set[str] = set()

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> Sequence[str]:
        """Append the messages, all or none, and return their ids."""
        if not bodies:
            return []

        async def append() -> Any:  # noqa: ANN401 - ids, or the length that forbids them
            return await self._client.execute_command(
                "EVAL", PUBLISH, 2, self._stream(topic), str(self._max_length), *bodies
            )

        answer = await self._call(append)
        if isinstance(answer, int):
            raise UnavailableError(
                f"topic {topic!r} holds {answer} of at most {self._max_length} messages: "
                "its consumer is behind"
            )
        return [str(id_.decode()) for id_ in answer]

    async def claim(
        self, topic: str, *, lease_seconds: float, wait_seconds: float = 0.0
    ) -> Message | None:
        """Return the next message, or None after waiting `wait_seconds` for one."""
        deadline = time.monotonic() + wait_seconds
        while True:
            message = await self._call(partial(self._reclaim, topic, lease_seconds))
            if message is None:
                # Wake at least once a lease, since what expires is not announced.
                wait = max(0.0, min(deadline - time.monotonic(), lease_seconds))
                message = await self._call(partial(self._read, topic, wait), extra_seconds=wait)
            if message is not None or time.monotonic() >= deadline:
                return message

    async def acknowledge(self, message: Message) -> None:
        """Remove a message whose effect is committed."""

        async def remove() -> None:
            pipeline = self._client.pipeline(transaction=True)
            pipeline.xack(self._stream(message.topic), GROUP, message.id)
            pipeline.xdel(self._stream(message.topic), message.id)
            await pipeline.execute()

        await self._call(remove)

    async def dead_letters(self, topic: str, *, limit: int = 100) -> Sequence[Message]:
        """Return the messages that were set aside, oldest first."""
        entries = await self._call(lambda: self._client.xrange(self._dead(topic), count=limit))
        return [
            Message(
                id=fields[b"id"].decode(),
                topic=topic,
                body=fields[b"body"],
                deliveries=int(fields[b"deliveries"]),
            )
            for _, fields in entries
        ]

    async def status(self) -> QueueStatus:
        """Return how many messages each topic holds; degraded if the server does not answer."""
        try:
            topics = await self._call(self._count)
        except UnavailableError as error:
            return QueueStatus(
                mode="degraded", address=address_of(self._url), topics=(), detail=str(error)
            )
        return QueueStatus(mode="real", address=address_of(self._url), topics=topics)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()
        await self._waiting_client.aclose()

    async def _reclaim(self, topic: str, lease_seconds: float) -> Message | None:
        """Take over the oldest message whose lease ran out; set aside what is out of tries."""
        stream, lease_ms = self._stream(topic), round(lease_seconds * 1000)
        await self._make_group(stream)
        while True:
            expired = await self._client.xpending_range(
                stream, GROUP, min="-", max="+", count=1, idle=lease_ms
            )
            if not expired:
                return None
            id_, deliveries = expired[0]["message_id"], expired[0]["times_delivered"]
            ours = await self._client.xclaim(stream, GROUP, self._consumer, lease_ms, [id_])
            if not ours or ours[0][0] is None:
                await self._forget_if_deleted(stream, id_)
                continue
            body = ours[0][1][b"body"]
            if deliveries < self._max_deliveries:
                return Message(id=id_.decode(), topic=topic, body=body, deliveries=deliveries + 1)
            await self._set_aside(topic, id_, body, deliveries)

    async def _make_group(self, stream: str) -> None:
        """Make the consumer group once, however many consumers try."""
        if stream in self._groups:
            return
        try:
            await self._client.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._groups.add(stream)

    async def _forget_if_deleted(self, stream: str, id_: bytes) -> None:
        """Drop a note of work on a message that is gone; another consumer's is left alone."""
        if not await self._client.xrange(stream, id_, id_):
            await self._client.xack(stream, GROUP, id_)

    async def _set_aside(self, topic: str, id_: bytes, body: bytes, deliveries: int) -> None:
        pipeline = self._client.pipeline(transaction=True)
        fields: dict[Any, Any] = {"id": id_, "body": body, "deliveries": deliveries}
        pipeline.xadd(self._dead(topic), fields, maxlen=self._max_length)
        pipeline.xack(self._stream(topic), GROUP, id_)
        pipeline.xdel(self._stream(topic), id_)
        await pipeline.execute()

    async def _read(self, topic: str, wait_seconds: float) -> Message | None:
        """Take the next message that was never handed out, waiting on a client of its own."""
        waits = wait_seconds > 0
        answer = await (self._waiting_client if waits else self._client).xreadgroup(
            GROUP,
            self._consumer,
            {self._stream(topic): ">"},
            count=1,
            block=max(1, round(wait_seconds * 1000)) if waits else None,
        )
        if not answer:
            return None
        id_, fields = answer[0][1][0]
        return Message(id=id_.decode(), topic=topic, body=fields[b"body"], deliveries=1)

    async def _count(self) -> list[TopicStatus]:
        start = len(f"{self._prefix}:live:")
        names = [key async for key in self._client.scan_iter(f"{self._prefix}:live:*", count=1000)]
        topics = []
        for topic in sorted(name[start:].decode() for name in names):
            length = await self._client.xlen(self._stream(topic))
            groups = await self._client.xinfo_groups(self._stream(topic))
            claimed = sum(group["pending"] for group in groups)
            dead = await self._client.xlen(self._dead(topic))
            topics.append(
                TopicStatus(topic=topic, waiting=length - claimed, claimed=claimed, dead=dead)
            )
        return topics

    async def _call(self, work: Callable[[], Awaitable[T]], *, extra_seconds: float = 0.0) -> T:
        """Return what `work` returns within the time-out, or say that the server is gone."""
        if not self._breaker.allows():
            raise UnavailableError(self._breaker.detail)
        try:
            async with asyncio.timeout(self._timeout_seconds + extra_seconds):
                result = await work()
        except (RedisError, OSError, TimeoutError) as error:
            self._groups.clear()  # An emptied server has lost them.
            self._breaker.failed(explain(error, self._url))
            raise UnavailableError(self._breaker.detail) from error
        self._breaker.succeeded()
        return result

    def _stream(self, topic: str) -> str:
        return f"{self._prefix}:live:{topic}"

    def _dead(self, topic: str) -> str:
        return f"{self._prefix}:dead:{topic}"
