"""The contract of the store of live bars, on a fake in memory and on the disk."""

from pathlib import Path

import numpy as np
import pytest

from basics.errors import ConflictError, UnavailableError
from infra.live_bars import DiskLiveBars
from market.live_bars import LiveBars, no_live_bars
from services.ports import LiveBarStore


class MemoryLiveBars:
    def __init__(self) -> None:
        self._kept: dict[str, LiveBars] = {}

    def load(self, dataset: str) -> LiveBars | None:
        return self._kept.get(dataset)

    def save(self, dataset: str, bars: LiveBars) -> None:
        stored = self._kept.get(dataset)
        if bars.revision != (0 if stored is None else stored.revision) + 1:
            raise ConflictError("another process took bars")
        self._kept[dataset] = bars


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LiveBarStore:
    return MemoryLiveBars() if request.param == "memory" else DiskLiveBars(tmp_path / "live")


def _bars(close: float = 1.5, before: LiveBars | None = None) -> LiveBars:
    bars = no_live_bars(("A", "B"), ("close",)) if before is None else before
    return bars.taking(np.datetime64("2022-05-02"), {"B": {"close": close}}, now_microseconds=7)


def test_what_was_saved_comes_back_to_the_byte(store: LiveBarStore) -> None:
    store.save("equities", _bars())

    found = store.load("equities")

    assert found is not None
    assert (found.symbols, found.revision) == (("A", "B"), 1)
    assert found.fields["close"].tobytes() == _bars().fields["close"].tobytes()
    assert found.sessions.tolist() == _bars().sessions.tolist()
    assert found.updated.tolist() == [0, 7]


def test_nothing_is_kept_of_another_dataset(store: LiveBarStore) -> None:
    store.save("equities", _bars())

    assert store.load("macro") is None


def test_the_next_revision_replaces_and_any_other_conflicts(store: LiveBarStore) -> None:
    first = _bars()
    store.save("equities", first)
    store.save("equities", _bars(2.5, first))

    with pytest.raises(ConflictError, match="another process took bars"):
        store.save("equities", _bars(3.5, first))
    found = store.load("equities")
    assert found is not None
    assert found.fields["close"][1, -1] == 2.5


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    DiskLiveBars(tmp_path).save("equities", _bars())
    file = tmp_path / "equities.npz"
    file.write_bytes(file.read_bytes()[:40])

    with pytest.raises(UnavailableError, match=r"equities\.npz cannot be read"):
        DiskLiveBars(tmp_path).load("equities")
