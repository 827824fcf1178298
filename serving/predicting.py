"""Predictions with a cache before the model: by version, and by the hash of the feature vector."""

import hashlib
import time
from collections.abc import Sequence

import numpy as np
from anyio.to_thread import run_sync

from basics.arrays import FloatArray
from infra.cache.typed import TypedCache
from services.ports import Cache
from services.predictions import FeatureRow, Predictions, ServedModel

NAMESPACE = "predictions"
# How long an alias is believed without asking the registry: a promotion is seen after at most
# this time.
ALIAS_SECONDS = 1.0
# More rows than this are predicted beside the event loop.
ROWS_AT_ONCE = 64


class CachedPredictor:
    """Predicts, telling equal rows to the same version from the cache."""

    def __init__(self, predictions: Predictions, cache: Cache, *, ttl_seconds: float) -> None:
        self._predictions = predictions
        self._values = TypedCache(cache, NAMESPACE, float, ttl_seconds=ttl_seconds)
        self._serving: dict[tuple[str, str | int], tuple[float, ServedModel]] = {}

    async def predict(
        self, name: str, alias_or_version: str | int, rows: Sequence[FeatureRow]
    ) -> tuple[ServedModel, list[tuple[float, bool]]]:
        """Return the model, and for each row its value and whether the cache had it.

        Raises
        ------
        MissingDataError, RefusedError, InvalidInputError
            As `services.predictions` says.
        """
        model = await self._model(name, alias_or_version)
        x = model.matrix(rows)
        keys = [_key(model, row) for row in x]
        found = await self._values.get_many(keys)
        absent = [i for i, value in enumerate(found) if value is None]
        fresh = await self._compute(model, x[absent]) if absent else []
        made = dict(zip(absent, fresh, strict=True))
        await self._values.set_many({keys[i]: value for i, value in made.items()})
        return model, [
            (made[i], False) if value is None else (value, True) for i, value in enumerate(found)
        ]

    async def _model(self, name: str, alias_or_version: str | int) -> ServedModel:
        asked = (name, alias_or_version)
        now = time.monotonic()
        known = self._serving.get(asked)
        if known is not None and now < known[0]:
            return known[1]
        model = await run_sync(self._predictions.served, name, alias_or_version)
        if known is not None and known[1].version.version != model.version.version:
            # Another version was promoted: what the former said is of no use any more.
            await self._values.drop()
        self._serving[asked] = (now + ALIAS_SECONDS, model)
        return model

    async def _compute(self, model: ServedModel, x: FloatArray) -> list[float]:
        if len(x) <= ROWS_AT_ONCE:
            values = model.predictor.predict(x)
        else:
            values = await run_sync(model.predictor.predict, x)
        return [float(value) for value in values]


def _key(model: ServedModel, row: FloatArray) -> str:
    version = model.version
    # One NaN is as good as another, and -0.0 equals 0.0: equal vectors get equal keys.
    vector = np.where(np.isnan(row), np.nan, row) + 0.0
    digest = hashlib.blake2b(vector.tobytes(), digest_size=16).hexdigest()
    return f"{version.name}:{version.version}:{version.feature_hash[:16]}:{digest}"
