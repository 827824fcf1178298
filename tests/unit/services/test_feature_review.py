"""Tests of what a feature was worth: rank IC by hand and against scipy, coverage, years."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from basics.errors import MissingDataError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.operators import delay
from infra.feature_cache import DiskFeatureCache
from infra.feature_chart import write_feature_chart
from market.panel import Panel
from services.feature_review import FeatureReview, rank_ic, review_feature
from services.feature_store import FeatureStore


class Bars:
    """Eight symbols over two years; `hint` is the return that comes, made known too early."""

    def version(self, dataset: str) -> str:
        return dataset

    def panel(self, dataset: str, *, fields: Sequence[str], **_: object) -> Panel:
        del dataset
        rng = np.random.default_rng(8)
        close = 20 * np.exp(np.cumsum(rng.normal(0, 0.02, (8, 500)), axis=1))
        hint = np.full_like(close, np.nan)
        hint[:, :-2] = close[:, 2:] / close[:, 1:-1]
        arrays = {"close": close, "hint": hint}
        sessions = np.busday_offset("2019-01-01", np.arange(500), roll="forward")
        symbols = tuple(f"S{i}" for i in range(8))
        return Panel(symbols, sessions, {n: arrays[n] for n in fields}, frozenset({"hint"}))


HINTS = FeatureSet(
    "hints", 1, (Feature("hint", field("hint")), Feature("late", delay(field("close"), 100)))
)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(market=Bars(), cache=DiskFeatureCache(tmp_path))


def _review(store: FeatureStore, name: str = "hint") -> FeatureReview:
    return review_feature(store, HINTS, name, dataset="made_up", horizon=1)


def test_a_feature_that_knows_the_return_has_a_rank_ic_of_one(store: FeatureStore) -> None:
    review = _review(store)

    assert review.ic_mean == pytest.approx(1.0)
    assert [(y.year, round(y.ic_mean, 9)) for y in review.years] == [(2019, 1.0), (2020, 1.0)]
    # The last two sessions have no label yet.
    assert sum(year.sessions for year in review.years) == 498


def test_what_is_simulated_is_said(store: FeatureStore) -> None:
    assert _review(store).simulated == ("hint",)


def test_coverage_counts_the_bars_past_the_lookback(store: FeatureStore) -> None:
    assert _review(store).coverage == pytest.approx(498 / 500)
    assert _review(store, "late").coverage == 1.0


def test_rank_ic_equals_scipys_over_the_symbols_that_have_both() -> None:
    rng = np.random.default_rng(3)
    feature, label = rng.normal(size=(2, 12, 30)).round(1)
    feature[rng.random(feature.shape) < 0.2] = np.nan

    result = rank_ic(feature, label)

    for t in range(30):
        both = ~np.isnan(feature[:, t])
        expected = stats.spearmanr(feature[both, t], label[both, t]).statistic
        assert result[t] == pytest.approx(expected)


def test_four_symbols_or_a_flat_feature_have_no_rank_ic() -> None:
    assert np.isnan(rank_ic(np.arange(4.0)[:, None], np.arange(4.0)[:, None])).all()
    assert np.isnan(rank_ic(np.ones((6, 1)), np.arange(6.0)[:, None])).all()


def test_the_chart_is_one_page_that_calls_nobody(store: FeatureStore, tmp_path: Path) -> None:
    write_feature_chart(_review(store), tmp_path / "chart.html")

    page = (tmp_path / "chart.html").read_text(encoding="utf-8")
    assert "rank IC by year on made_up; hint simulated" in page
    assert 'src="http' not in page


def test_an_unknown_feature_is_named(store: FeatureStore) -> None:
    with pytest.raises(MissingDataError, match="no feature 'hnit'"):
        _review(store, "hnit")
