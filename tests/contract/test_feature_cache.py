"""The contract of the feature cache, on a fake in memory and on the disk."""

from pathlib import Path

import numpy as np
import pytest

from features.panel import FeaturePanel
from infra.feature_cache import DiskFeatureCache
from services.ports import FeatureCache


class MemoryFeatureCache:
    def __init__(self) -> None:
        self._panels: dict[str, FeaturePanel] = {}

    def load(self, key: str) -> FeaturePanel | None:
        return self._panels.get(key)

    def save(self, key: str, panel: FeaturePanel) -> None:
        self._panels.setdefault(key, panel)


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureCache:
    return MemoryFeatureCache() if request.param == "memory" else DiskFeatureCache(tmp_path / "f")


def _panel(value: float = 1.0) -> FeaturePanel:
    sessions = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
    values = np.array([[[value, np.nan]], [[0.1 + 0.2, -0.0]]])
    return FeaturePanel(("a", "b"), ("S",), sessions, values, "set@1", "hash", frozenset({"high"}))


def test_what_was_saved_comes_back_to_the_byte(cache: FeatureCache) -> None:
    cache.save("key", _panel())

    loaded = cache.load("key")

    assert loaded is not None
    assert loaded.values.tobytes() == _panel().values.tobytes()
    assert (loaded.names, loaded.symbols, loaded.feature_set) == (("a", "b"), ("S",), "set@1")
    assert (loaded.content_hash, loaded.simulated) == ("hash", {"high"})
    np.testing.assert_array_equal(loaded.sessions, _panel().sessions)


def test_an_unknown_key_is_none(cache: FeatureCache) -> None:
    assert cache.load("key") is None


def test_the_first_panel_of_a_key_stays(cache: FeatureCache) -> None:
    cache.save("key", _panel(1.0))
    cache.save("key", _panel(2.0))

    loaded = cache.load("key")

    assert loaded is not None
    assert loaded["a"][0, 0] == 1.0


def test_a_torn_file_counts_as_none_and_is_written_again(tmp_path: Path) -> None:
    cache = DiskFeatureCache(tmp_path)
    cache.save("key", _panel())
    array = tmp_path / "key" / "values.npy"
    array.write_bytes(array.read_bytes()[:-8])

    assert cache.load("key") is None
    cache.save("key", _panel())
    assert cache.load("key") is not None


def test_only_the_newest_panels_are_kept(tmp_path: Path) -> None:
    cache = DiskFeatureCache(tmp_path, max_panels=2)

    for k in range(4):
        cache.save(f"key{k}", _panel(k))

    assert [cache.load(f"key{k}") is not None for k in range(4)] == [False, False, True, True]
    assert len(list(tmp_path.iterdir())) == 2
