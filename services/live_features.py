"""The online store: the newest feature vector of each symbol, kept in the cache for a while.

The namespace carries the set's content hash, so that a model is never handed vectors of another
definition than the one it was trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from features.definitions import FeatureSet
from features.online import OnlineFeatures
from services.ports import Cache

# A session as days since 1970, then the values, all little-endian.
SESSION_BYTES = 8


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """One symbol's features at the close, or the last tick, of a session.

    Attributes
    ----------
    values : ndarray of shape (n_features,)
        In the set's order; NaN for what is not defined.
    """

    symbol: str
    session: np.datetime64
    values: FloatArray


class FeatureVectors:
    """Keeps the newest vectors of one set.

    Parameters
    ----------
    ttl_seconds : float
        How long a vector is worth serving.
    """

    def __init__(self, cache: Cache, features: FeatureSet, *, ttl_seconds: float) -> None:
        if ttl_seconds <= 0:
            raise InvalidInputError(f"ttl_seconds must be positive, got {ttl_seconds}")
        self._cache = cache
        self._features = features
        self._namespace = f"features-{features.name}-{features.content_hash[:16]}"
        self._ttl_seconds = ttl_seconds

    async def publish(self, live: OnlineFeatures) -> None:
        """Keep the vector of every symbol as `live` has it now.

        Raises
        ------
        InvalidInputError
            If `live` computes another set.
        """
        if live.features.content_hash != self._features.content_hash:
            raise InvalidInputError(
                f"vectors of {live.features.label} cannot be kept as {self._features.label}"
            )
        day = live.session.astype("datetime64[D]").astype("<i8").tobytes()
        columns = np.ascontiguousarray(live.values().T, "<f8")
        vectors = {s: day + row.tobytes() for s, row in zip(live.symbols, columns, strict=True)}
        await self._cache.set_many(self._namespace, vectors, ttl_seconds=self._ttl_seconds)

    async def latest(self, symbols: Sequence[str]) -> Mapping[str, FeatureVector]:
        """Return the vectors of the symbols that have a fresh one."""
        found = await self._cache.get_many(self._namespace, symbols)
        return {
            symbol: self._vector(symbol, payload)
            for symbol, payload in zip(symbols, found, strict=True)
            if payload is not None and len(payload) == self._size
        }

    @property
    def _size(self) -> int:
        return SESSION_BYTES + 8 * len(self._features.features)

    def _vector(self, symbol: str, payload: bytes) -> FeatureVector:
        day = int(np.frombuffer(payload, "<i8", 1)[0])
        values = np.frombuffer(payload, "<f8", offset=SESSION_BYTES).astype(np.float64)
        return FeatureVector(symbol, np.datetime64(day, "D"), values)
