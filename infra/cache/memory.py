"""The `Cache` port in this process."""

from collections.abc import Mapping, Sequence

from cachebox import VTTLCache

from services.ports import CacheStatus


class MemoryCache:
    """Keeps at most `max_entries`; when full, what expires first goes first."""

    def __init__(self, *, max_entries: int) -> None:
        self._entries: VTTLCache[tuple[str, int, str], bytes] = VTTLCache(max_entries)
        self._generations: dict[str, int] = {}
        self._hits = self._misses = 0

    async def get_many(self, namespace: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the value of each key, None where there is none."""
        generation = self._generations.get(namespace, 0)
        found = [self._entries.get((namespace, generation, key)) for key in keys]
        hits = sum(value is not None for value in found)
        self._hits += hits
        self._misses += len(found) - hits
        return found

    async def set_many(
        self, namespace: str, values: Mapping[str, bytes], *, ttl_seconds: float
    ) -> None:
        """Keep the values for `ttl_seconds`."""
        generation = self._generations.get(namespace, 0)
        for key, value in values.items():
            self._entries.insert((namespace, generation, key), value, ttl=ttl_seconds)

    async def delete_many(self, namespace: str, keys: Sequence[str]) -> None:
        """Forget the keys."""
        generation = self._generations.get(namespace, 0)
        for key in keys:
            self._entries.pop((namespace, generation, key), None)

    async def drop(self, namespace: str) -> None:
        """Forget every key of the namespace; its entries leave as they expire."""
        self._generations[namespace] = self._generations.get(namespace, 0) + 1

    async def status(self) -> CacheStatus:
        """Return the counts."""
        return CacheStatus(
            mode="embedded",
            address="memory",
            hits=self._hits,
            misses=self._misses,
            failures=0,
            detail=f"{len(self._entries)} entries of at most {self._entries.maxsize}",
        )

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
