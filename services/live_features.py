"""The newest feature vector of each symbol, kept in the cache for a while.

The namespace carries the set's content hash and the state of the data, so that a model is never
handed vectors of another definition, or of other bars, than it asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from features.definitions import FeatureSet
from features.online import OnlineFeatures
from services.ports import Cache

# A session as days since 1970, and when the bar changed as microseconds since then; then the
# values. All little-endian.
HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """One symbol's features at the close, or the last tick, of a session.

    Attributes
    ----------
    values : ndarray of shape (n_features,)
        In the set's order; NaN for what is not defined.
    updated : int
        When the bars under it last changed, microseconds since 1970; 0 if they are the lake's.
    """

    symbol: str
    session: np.datetime64
    values: FloatArray
    updated: int = 0

    @property
    def day(self) -> date:
        """The session as a date."""
        day: date = self.session.astype("datetime64[D]").item()
        return day


class FeatureVectors:
    """Keeps the newest vectors of one set over one state of a dataset.

    Parameters
    ----------
    data : str
        The dataset and its version.
    ttl_seconds : float
        How long a vector is worth serving.
    """

    def __init__(
        self, cache: Cache, features: FeatureSet, *, data: str, ttl_seconds: float
    ) -> None:
        if ttl_seconds <= 0:
            raise InvalidInputError(f"ttl_seconds must be positive, got {ttl_seconds}")
        self._cache = cache
        self._features = features
        self._namespace = f"features-{features.name}-{features.content_hash[:16]}-{data}"
        self._ttl_seconds = ttl_seconds

    async def publish(
        self, live: OnlineFeatures, *, rows: IntArray | None = None, updated: IntArray | None = None
    ) -> None:
        """Keep the vectors of the symbols `rows` (all if left out) as `live` has them now.

        Parameters
        ----------
        updated : int64 ndarray of shape (n_symbols,), optional
            When the bars under each symbol's vector last changed.

        Raises
        ------
        InvalidInputError
            If `live` computes another set.
        """
        if live.features.content_hash != self._features.content_hash:
            raise InvalidInputError(
                f"vectors of {live.features.label} cannot be kept as {self._features.label}"
            )
        stamps = np.zeros(len(live.symbols), np.int64) if updated is None else updated
        places = np.arange(len(live.symbols)) if rows is None else rows
        columns = np.ascontiguousarray(live.values(rows=rows).T, "<f8")
        day = live.session.astype("datetime64[D]").astype("<i8").tobytes()
        vectors = {
            live.symbols[place]: day + stamps[place].astype("<i8").tobytes() + row.tobytes()
            for place, row in zip(places, columns, strict=True)
        }
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
        return HEAD_BYTES + 8 * len(self._features.features)

    def _vector(self, symbol: str, payload: bytes) -> FeatureVector:
        day, updated = np.frombuffer(payload, "<i8", 2)
        values = np.frombuffer(payload, "<f8", offset=HEAD_BYTES).astype(np.float64)
        return FeatureVector(symbol, np.datetime64(int(day), "D"), values, int(updated))
