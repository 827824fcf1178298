"""Tests of the online store over the in-process cache."""

import asyncio

import numpy as np
import pytest

from basics.errors import InvalidInputError
from features.online import OnlineFeatures
from features.sets import feature_set
from features.trial import trial_panel
from infra.cache.memory import MemoryCache
from services.live_features import FeatureVectors

MOMENTUM = feature_set("close_momentum")


def test_the_newest_vectors_come_back_to_the_bit() -> None:
    panel = trial_panel(("close",), rng=np.random.default_rng(1), lookback=250)
    live = OnlineFeatures(MOMENTUM, panel)
    vectors = FeatureVectors(MemoryCache(max_entries=100), MOMENTUM, data="bars-1", ttl_seconds=60)

    async def round_trip() -> dict:
        await vectors.publish(live)
        return dict(await vectors.latest(["T0", "T5", "nobody"]))

    found = asyncio.run(round_trip())

    assert set(found) == {"T0", "T5"}
    assert found["T5"].session == panel.sessions[-1]
    assert found["T5"].values.tobytes() == live.values()[:, 5].tobytes()


def test_another_definition_sees_none_of_them() -> None:
    panel = trial_panel(("close",), rng=np.random.default_rng(1), lookback=250)
    cache = MemoryCache(max_entries=100)
    ours = FeatureVectors(cache, MOMENTUM, data="bars-1", ttl_seconds=60)
    others = FeatureVectors(cache, feature_set("alpha157"), data="bars-1", ttl_seconds=60)

    async def cross() -> dict:
        await ours.publish(OnlineFeatures(MOMENTUM, panel))
        return dict(await others.latest(["T0"]))

    assert asyncio.run(cross()) == {}
    with pytest.raises(InvalidInputError, match="cannot be kept as alpha157@1"):
        asyncio.run(others.publish(OnlineFeatures(MOMENTUM, panel)))


def test_a_life_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ttl_seconds"):
        FeatureVectors(MemoryCache(max_entries=1), MOMENTUM, data="bars-1", ttl_seconds=0)
