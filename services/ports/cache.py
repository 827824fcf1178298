"""Bytes kept for a while; a cache that is down behaves as an empty one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """How the cache is doing, counted since this process opened it.

    Attributes
    ----------
    mode : str
        `embedded` (in process), `real` (a server answers) or `degraded` (a server is set but
        does not answer, so that every read is a miss).
    failures : int
        Calls that the server did not answer in time, and calls spared while it rested.
    """

    mode: str
    address: str
    hits: int
    misses: int
    failures: int
    detail: str = ""


class Cache(Protocol):
    """Keeps bytes for a while, by namespace and key.

    A cache that is down behaves as an empty one: reads miss, writes are lost, nothing raises.
    What was written before an outage is never served after a write or deletion that the
    outage swallowed.
    """

    async def get_many(self, namespace: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the value of each key, None where there is none."""
        ...

    async def set_many(
        self, namespace: str, values: Mapping[str, bytes], *, ttl_seconds: float
    ) -> None:
        """Keep the values for `ttl_seconds`."""
        ...

    async def delete_many(self, namespace: str, keys: Sequence[str]) -> None:
        """Forget the keys."""
        ...

    async def drop(self, namespace: str) -> None:
        """Forget every key of the namespace, in one step."""
        ...

    async def status(self) -> CacheStatus:
        """Ask the server how it is, and return the counts."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
