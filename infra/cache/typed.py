"""Typed values over the `Cache` port: one namespace, one type, one time to live."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from services.ports import Cache

T = TypeVar("T")


class TypedCache(Generic[T]):
    """Keeps values of one type, as msgpack.

    What cannot be decoded, because another version of the program wrote it, is a miss.
    """

    def __init__(self, cache: Cache, namespace: str, kind: type[T], *, ttl_seconds: float) -> None:
        self._cache = cache
        self._namespace = namespace
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()
        self._ttl_seconds = ttl_seconds

    async def get_many(self, keys: Sequence[str]) -> list[T | None]:
        """Return the value of each key, None where there is none."""
        return [self._decode(value) for value in await self._cache.get_many(self._namespace, keys)]

    async def set_many(self, values: Mapping[str, T]) -> None:
        """Keep the values."""
        encoded = {key: self._encoder.encode(value) for key, value in values.items()}
        await self._cache.set_many(self._namespace, encoded, ttl_seconds=self._ttl_seconds)

    async def drop(self) -> None:
        """Forget every value."""
        await self._cache.drop(self._namespace)

    def _decode(self, value: bytes | None) -> T | None:
        if value is None:
            return None
        try:
            return self._decoder.decode(value)
        except msgspec.DecodeError:
            return None
