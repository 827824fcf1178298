"""Tests of feature sets: identity, warm-up, missing fields."""

import re

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.definitions import features, meaning_of
from features.expressions import field
from features.operators import mean, returns
from features.sets import Feature, FeatureSet, feature_set, feature_set_names
from market.panel import Panel


def _panel(n_symbols: int = 4, n_sessions: int = 320) -> Panel:
    rng = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_symbols, n_sessions)), axis=1))
    close[1, :40] = np.nan
    sessions = np.datetime64("2020-01-01") + np.arange(n_sessions)
    return Panel(tuple(f"S{i}" for i in range(n_symbols)), sessions, {"close": close})


def _set(name: str = "mine", version: int = 1, *, window: int = 20) -> FeatureSet:
    close = field("close")
    return FeatureSet(name, version, (Feature("ratio", close / mean(close, window)),))


def test_the_hash_follows_name_version_and_formula() -> None:
    assert _set().content_hash == _set().content_hash
    different = [_set(version=2), _set(name="other"), _set(window=21)]
    assert len({each.content_hash for each in [_set(), *different]}) == 4


def test_the_demo_set_reads_close_alone() -> None:
    momentum = feature_set("close_momentum")
    assert momentum.fields == ("close",)
    assert momentum.label == "close_momentum@1"
    assert momentum.lookback == 250


@pytest.mark.parametrize("name", feature_set_names())
def test_every_feature_that_ships_says_what_to_see_in_it(name: str) -> None:
    for feature in feature_set(name).features:
        assert re.fullmatch(r"[A-Z0-9][^{}]{15,120}\.", feature.meaning), feature.name


def test_a_family_of_features_shares_one_sentence() -> None:
    found = features(
        {"return_5": returns(field("close"), 5), "momentum_12_1": field("close")},
        {"return_{n}": "Over {n} sessions.", "momentum_12_{n}": "Of {n}.", "momentum_12_1": "Own."},
    )

    assert [feature.meaning for feature in found] == ["Over 5 sessions.", "Own."]
    assert meaning_of("other", {"return_{n}": "Over {n} sessions."}) == ""
    alpha = feature_set("alpha158")
    assert alpha["MA30"].meaning == alpha["MA5"].meaning.replace("5", "30")


def test_a_set_with_complete_windows_waits_for_each_symbols_history() -> None:
    momentum, panel = feature_set("close_momentum"), _panel()

    result = momentum.compute(panel)

    for name in momentum.names:
        ready = momentum[name].lookback
        for i, listed in enumerate((0, 40, 0, 0)):
            known = np.isfinite(result[name][i])
            assert not known[: listed + ready].any(), name
            assert known[listed + ready :].all(), name


def test_values_by_hand() -> None:
    panel = Panel(
        ("A",), np.array(["2020-01-01", "2020-01-02"], "M8[D]"), {"close": np.array([[10.0, 11.0]])}
    )
    both = FeatureSet(
        "s", 1, (Feature("r", returns(field("close"), 1)), Feature("m", mean(field("close"), 2)))
    )

    result = both.compute(panel)

    np.testing.assert_allclose(result["r"], [[np.nan, 0.1]])
    np.testing.assert_allclose(result["m"], [[10.0, 10.5]])


def test_a_future_row_changes_no_earlier_value_of_any_set() -> None:
    panel = _panel()
    for name in feature_set_names():
        each = feature_set(name)
        if each.fields == ("close",) and not each.context_fields:
            whole = each.compute(panel).values[:, :, :290]
            assert each.compute(panel.window(0, 290)).values.tobytes() == whole.tobytes()


def test_a_missing_field_is_named() -> None:
    panel = _panel()
    needs_volume = FeatureSet("v", 1, (Feature("v", mean(field("volume"), 5)),))
    with pytest.raises(MissingDataError, match="no field 'volume'"):
        needs_volume.compute(panel)


def test_an_unknown_set_is_named_with_those_that_exist() -> None:
    with pytest.raises(MissingDataError, match="close_momentum"):
        feature_set("closemomentum")


def test_a_set_refuses_two_features_of_one_name() -> None:
    one = Feature("ratio", field("close"))
    with pytest.raises(InvalidInputError, match="names ratio twice"):
        FeatureSet("s", 1, (one, one))


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="holds no feature"):
        FeatureSet("s", 1, ())
