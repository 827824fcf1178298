"""The `Cache` port on Redis.

Each namespace has a generation, a counter in Redis. A value is stored behind the generation
it was written under, and counts only while that is the current one: so one increment drops a
namespace, for every process at once, and the read of the generation travels in the same round
trip as the values. After an outage that swallowed a write or a deletion the generation moves
on too, since what Redis still holds may be older than what was meant.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from redis.exceptions import RedisError

from infra.breaker import Breaker
from infra.redis_client import address_of, explain, open_client
from services.ports import CacheStatus

T = TypeVar("T")
GENERATION = struct.Struct(">q")


class RedisCache:
    """Answers within `timeout_seconds`, with a miss if Redis does not."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float,
        breaker_open_seconds: float,
        prefix: str = "quantdesk:cache",
    ) -> None:
        self._url = url
        self._client = open_client(url, timeout_seconds=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._breaker = Breaker("cache", open_seconds=breaker_open_seconds)
        self._prefix = prefix
        self._generations: dict[str, int] = {}
        self._outdated: set[str] = set()
        self._hits = self._misses = self._failures = 0

    async def get_many(self, namespace: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the value of each key, None where there is none."""
        names = [self._generation_key(namespace), *(self._key(namespace, key) for key in keys)]

        async def read() -> list[bytes | None]:
            counter, *values = await self._client.mget(names)
            current = self._generations[namespace] = int(counter or 0)
            return [_current(value, current) for value in values]

        found = await self._call(read)
        if found is None:
            found = [None] * len(keys)
        hits = len(found) - found.count(None)
        self._hits += hits
        self._misses += len(found) - hits
        return found

    async def set_many(
        self, namespace: str, values: Mapping[str, bytes], *, ttl_seconds: float
    ) -> None:
        """Keep the values for `ttl_seconds`."""
        ttl_ms = max(1, round(ttl_seconds * 1000))

        async def write() -> bool:
            if namespace not in self._generations:
                counter = await self._client.get(self._generation_key(namespace))
                self._generations[namespace] = int(counter or 0)
            tag = GENERATION.pack(self._generations[namespace])
            pipeline = self._client.pipeline(transaction=False)
            for key, value in values.items():
                pipeline.set(self._key(namespace, key), tag + value, px=ttl_ms)
            await pipeline.execute()
            return True

        if values and not await self._call(write):
            self._outdated.add(namespace)

    async def delete_many(self, namespace: str, keys: Sequence[str]) -> None:
        """Forget the keys."""

        async def delete() -> bool:
            await self._client.unlink(*(self._key(namespace, key) for key in keys))
            return True

        if keys and not await self._call(delete):
            self._outdated.add(namespace)

    async def drop(self, namespace: str) -> None:
        """Forget every key of the namespace, in every process."""

        async def move_on() -> bool:
            self._generations[namespace] = await self._client.incr(self._generation_key(namespace))
            return True

        if not await self._call(move_on):
            self._outdated.add(namespace)

    async def status(self) -> CacheStatus:
        """Ask Redis how it is, and return the counts."""

        async def ping() -> bool:
            await self._client.execute_command("PING")
            return True

        await self._call(ping)
        return CacheStatus(
            mode="real" if self._breaker.closed else "degraded",
            address=address_of(self._url),
            hits=self._hits,
            misses=self._misses,
            failures=self._failures,
            detail=self._breaker.detail,
        )

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    async def _call(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Return what `work` returns, or None if Redis does not answer in time."""
        if not self._breaker.allows():
            self._failures += 1
            return None
        try:
            # One bound for the call as a whole: connecting and answering have one each.
            async with asyncio.timeout(self._timeout_seconds):
                await self._outlive_the_outage()
                result = await work()
        except (RedisError, OSError, TimeoutError) as error:
            self._failures += 1
            self._breaker.failed(explain(error, self._url))
            return None
        self._breaker.succeeded()
        return result

    async def _outlive_the_outage(self) -> None:
        for namespace in tuple(self._outdated):
            self._generations[namespace] = await self._client.incr(self._generation_key(namespace))
            self._outdated.discard(namespace)

    def _generation_key(self, namespace: str) -> str:
        return f"{self._prefix}:generation:{namespace}"

    def _key(self, namespace: str, key: str) -> str:
        return f"{self._prefix}:value:{namespace}:{key}"


def _current(stored: bytes | None, generation: int) -> bytes | None:
    """Return the value unless it was written under another generation."""
    if stored is None or stored[: GENERATION.size] != GENERATION.pack(generation):
        return None
    return stored[GENERATION.size :]
