"""Tests of what a kind in service reads: computed once for each state of data and code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from infra.feature_cache import DiskFeatureCache
from infra.provenance import KIND_MODULES, code_of_kind, training_code
from market.panel import Panel
from services.feature_store import FeatureStore
from services.kind_service import KindService
from services.kind_training import TRAINABLE, KindTraining
from services.market_data import MarketData
from services.tail_training import TailTraining
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry


class Index:
    """One series whose closes can be corrected; counts how often it was read."""

    def __init__(self) -> None:
        self.close = 100 * np.exp(0.01 * np.random.default_rng(1).normal(size=(1, 400))).cumsum(1)
        self.reads = 0

    def version(self, dataset: str) -> str:
        return f"{dataset} {self.close.sum()}"

    def panel(self, dataset: str, *, fields: Sequence[str], **only: Any) -> Panel:
        del dataset, only
        self.reads += 1
        days = np.datetime64("2020-01-01") + np.arange(400)
        return Panel(("SPX",), days, dict.fromkeys(fields, self.close))


def test_what_a_kind_reads_is_computed_once_for_each_state_of_data_and_code(tmp_path: Path) -> None:
    index, registry = Index(), MemoryRegistry()
    market = cast("MarketData", index)
    store = FeatureStore(market=market, cache=DiskFeatureCache(tmp_path))
    kinds = KindTraining(
        market=market, features=store, registry=registry,
        training=Training(registry, code_version="c"),
        tail=TailTraining(registry, code_version="c"), fills=list,
    )  # fmt: skip
    code = "c1"
    service = KindService(
        kinds, market=market, features=store, registry=registry, code=lambda kind: f"{kind} {code}"
    )

    first, version = service.watched("regime")
    newest = service.newest("regime")
    again, _ = service.watched("regime")

    assert index.reads == 1
    assert version == index.version("indices")
    assert first is not None
    assert again is not None
    assert first.values.tobytes() == again.values.tobytes()
    assert newest.values.tobytes() == first.values[:, :, -1:].tobytes()
    code = "c2"
    service.watched("regime")
    assert index.reads == 2
    index.close = index.close * 1.5
    corrected, _ = service.watched("regime")
    assert index.reads == 3
    assert corrected is not None


def test_the_code_of_every_kind_is_known() -> None:
    assert set(KIND_MODULES) == set(TRAINABLE)
    assert code_of_kind("regime") == training_code("models.regime_kind")
    assert code_of_kind("regime") != code_of_kind("sizing")
