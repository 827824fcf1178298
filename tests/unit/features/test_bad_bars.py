"""Tests of what every set makes of bars that are wrong: missing values, never infinite ones."""

from dataclasses import replace

import numpy as np
import pytest

from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.labels import forward_return, triple_barrier
from features.online import OnlineFeatures
from features.sets import feature_set, feature_set_names
from features.trial import trial_panel
from market.panel import Panel


def _spoilt(fields: tuple[str, ...], context: tuple[str, ...] = ()) -> Panel:
    """One symbol each with: zeros, a negative price, infinities, three bars, none at all."""
    panel = trial_panel(fields, rng=np.random.default_rng(9), context=context)
    arrays = {name: values.copy() for name, values in panel.fields.items()}
    for values in arrays.values():
        values[0, 100:105] = 0.0
        values[1, 150] = -5.0
        values[2, 120:123] = np.inf
        values[3, 3:] = np.nan
        values[4] = np.nan
    return replace(panel, fields=arrays)


@pytest.mark.parametrize("name", feature_set_names())
def test_no_set_ever_answers_infinity_or_without_a_bar(name: str) -> None:
    features = feature_set(name)
    panel = _spoilt(features.fields, features.context_fields)
    for around in panel.context.values():
        around[0, 110:112] = np.inf
        around[0, 114] = 0.0

    values = features.compute(panel).values

    assert not np.isinf(values).any()
    no_bar = np.logical_and.reduce([~np.isfinite(v) for v in panel.fields.values()])
    assert np.isnan(values[:, no_bar]).all()


@pytest.mark.parametrize("name", feature_set_names())
def test_wrong_bars_that_arrive_live_are_answered_as_in_batch(name: str) -> None:
    features, rng = feature_set(name), np.random.default_rng(9)
    panel = trial_panel(
        features.fields, rng=rng, lookback=features.lookback, context=features.context_fields
    )
    n = len(panel.sessions)
    begin = n - 12
    for values in panel.fields.values():
        values[0, begin + 1] = np.nan
        values[0, begin + 3] = 0.0
        values[1, begin + 2] = -5.0
        values[3, begin + 4] = np.inf
        values[4, : n - 3] = np.nan  # Three rows in all.
        values[5, begin : begin + 5] = np.nan  # A gap.
    batch = features.compute(panel).values
    live = OnlineFeatures(features, panel.window(0, begin))

    for t in range(begin, n):
        bars = {k: v[:, t] for k, v in (*panel.fields.items(), *panel.context.items())}
        found = live.update(panel.sessions[t], bars)
        assert not np.isinf(found).any()
        np.testing.assert_allclose(found, batch[:, :, t], rtol=1e-9, atol=1e-12)


def test_a_spoilt_symbol_leaves_the_others_alone() -> None:
    features = feature_set("alpha157")
    sound = trial_panel(features.fields, rng=np.random.default_rng(9))

    spoilt = features.compute(_spoilt(features.fields)).values

    assert spoilt[:, 5].tobytes() == features.compute(sound).values[:, 5].tobytes()


def test_a_feature_that_divides_by_zero_is_missing_there() -> None:
    bars = {"a": np.array([[1.0, 2.0, 3.0]]), "b": np.array([[1.0, 0.0, -2.0]])}
    panel = Panel(("A",), np.datetime64("2020-01-01") + np.arange(3), bars)
    ratio = FeatureSet("r", 1, (Feature("r", field("a") / field("b")),))

    np.testing.assert_array_equal(ratio.compute(panel)["r"], [[1.0, np.nan, -1.5]])


def test_labels_over_wrong_prices_are_unknown() -> None:
    panel = _spoilt(("close",))

    for labels in (forward_return(panel, horizon=2), triple_barrier(panel, horizon=5)):
        assert not np.isinf(labels.values).any()
        assert np.isnan(labels.values[3:5]).all()
