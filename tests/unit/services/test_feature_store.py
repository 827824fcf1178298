"""Tests of the feature store over bars in hand and a cache on disk."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.operators import mean
from infra.feature_cache import DiskFeatureCache
from infra.feature_export import export_features
from market.panel import Panel
from services.feature_store import FeatureStore


class Bars:
    """Two symbols whose closes can be corrected."""

    def __init__(self) -> None:
        self.close = np.array([[1.0, 2.0, 3.0, 4.0], [8.0, 6.0, 4.0, 2.0]])
        self.reads = 0

    def version(self, dataset: str) -> str:
        return f"{dataset}-{self.close.tobytes().hex()}"

    def panel(
        self,
        dataset: str,
        *,
        fields: Sequence[str],
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> Panel:
        del dataset, start, as_of
        self.reads += 1
        sessions = np.datetime64("2020-01-01") + np.arange(4)
        rows = [i for i, s in enumerate("AB") if symbols is None or s in symbols]
        arrays = {name: self.close[rows] for name in fields}
        panel = Panel(tuple("AB"[i] for i in rows), sessions, arrays)
        return panel if end is None else panel.until(np.datetime64(end))


MEANS = FeatureSet("means", 1, (Feature("mean_2", mean(field("close"), 2)),))


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(market=Bars(), cache=DiskFeatureCache(tmp_path))


def test_unchanged_bars_are_computed_once(store: FeatureStore) -> None:
    first, second = store.panel(MEANS, "equities"), store.panel(MEANS, "equities")

    assert store.market.reads == 1
    assert first.values.tobytes() == second.values.tobytes()


def test_a_correction_is_seen(store: FeatureStore) -> None:
    store.panel(MEANS, "equities")
    store.market.close = store.market.close * 10

    assert store.panel(MEANS, "equities")["mean_2"][0, 1] == 15.0


def test_a_start_cuts_what_is_shown_and_not_what_is_looked_back_on(store: FeatureStore) -> None:
    shown = store.panel(MEANS, "equities", start=date(2020, 1, 3))

    assert shown.sessions[0] == np.datetime64("2020-01-03")
    np.testing.assert_array_equal(shown["mean_2"], [[2.5, 3.5], [5.0, 3.0]])


def test_an_end_is_part_of_what_is_cached(store: FeatureStore) -> None:
    store.panel(MEANS, "equities")

    assert len(store.panel(MEANS, "equities", end=date(2020, 1, 2)).sessions) == 2


def test_an_unknown_set_is_named(store: FeatureStore) -> None:
    with pytest.raises(MissingDataError, match="no feature set 'mean'"):
        store.panel("mean", "equities")


def test_a_streamed_universe_holds_what_one_panel_would(
    store: FeatureStore, tmp_path: Path
) -> None:
    panels = store.stream(MEANS, "equities", symbols=["A", "B"], symbols_at_once=1)

    rows = export_features(panels, tmp_path / "out")

    whole = store.panel(MEANS, "equities")
    found = pl.read_parquet(tmp_path / "out" / "*.parquet")
    assert rows == len(found) == 8
    np.testing.assert_allclose(
        found.sort("symbol", "session")["mean_2"], whole["mean_2"].ravel(), rtol=1e-6
    )


def test_a_set_that_looks_across_symbols_is_not_streamed(store: FeatureStore) -> None:
    with pytest.raises(InvalidInputError, match="looks across symbols"):
        next(store.stream("close_momentum", "equities", symbols=["A"]))


def test_an_export_is_not_written_over(store: FeatureStore, tmp_path: Path) -> None:
    export_features([store.panel(MEANS, "equities")], tmp_path / "out")

    with pytest.raises(ConflictError, match="already holds an export"):
        export_features([], tmp_path / "out")
