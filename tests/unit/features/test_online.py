"""Tests of live features: every feature of the catalogue equals its batch value."""

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.functions import feature_function
from features.online import OnlineFeatures
from features.operators import mean
from features.sets import feature_set, feature_set_names
from features.trial import trial_panel
from market.panel import Panel


def _bars(panel: Panel, t: int) -> dict[str, np.ndarray]:
    return {name: values[:, t] for name, values in panel.fields.items()}


@pytest.mark.parametrize("name", feature_set_names())
def test_every_feature_equals_its_batch_value_bar_by_bar(name: str) -> None:
    features = feature_set(name)
    rng = np.random.default_rng(11)
    panel = trial_panel(features.fields, rng=rng, lookback=features.lookback)
    n = len(panel.sessions)
    batch = features.compute(panel).values
    begin = n - features.lookback - 30 if features.lookback < 100 else n - 60
    live = OnlineFeatures(features, panel.window(0, begin))

    for t in range(begin, n):
        found = live.update(panel.sessions[t], _bars(panel, t))
        for k, feature in enumerate(features.names):
            np.testing.assert_allclose(
                found[k], batch[k, :, t], rtol=1e-9, atol=1e-12, err_msg=f"{feature} at {t}"
            )


def test_a_symbol_that_is_listed_while_the_desk_runs_starts_then() -> None:
    features = feature_set("alpha157")
    panel = trial_panel(features.fields, rng=np.random.default_rng(2))
    listed = len(panel.sessions) // 5  # Of the second symbol.
    batch = features.compute(panel).values
    live = OnlineFeatures(features, panel.window(0, listed - 3))

    for t in range(listed - 3, listed + 10):
        found = live.update(panel.sessions[t], _bars(panel, t))
        np.testing.assert_allclose(found, batch[:, :, t], rtol=1e-9, atol=1e-12)


def test_ticks_revise_the_newest_session_and_leave_no_trace() -> None:
    features = feature_set("alpha157")
    panel = trial_panel(features.fields, rng=np.random.default_rng(3))
    n = len(panel.sessions)
    live = OnlineFeatures(features, panel.window(0, n - 1))
    final = _bars(panel, n - 1)

    live.update(panel.sessions[-1], {name: np.full(6, np.nan) for name in final})
    live.revise({name: values * 1.5 for name, values in final.items()})
    settled = live.revise(final)

    np.testing.assert_array_equal(settled, features.compute(panel).values[:, :, -1])


def test_a_users_function_runs_live_on_its_lookback() -> None:
    @feature_function(field("close"), lookback=4)
    def swing(close: np.ndarray) -> np.ndarray:
        out = np.full_like(close, np.nan)
        out[:, 4:] = close[:, 4:] - close[:, :-4]
        return out

    mine = FeatureSet("mine", 1, (Feature("swing", mean(swing, 3)),))
    panel = trial_panel(("close",), rng=np.random.default_rng(4))
    live = OnlineFeatures(mine, panel.window(0, 200))

    found = live.update(panel.sessions[200], _bars(panel, 200))

    np.testing.assert_allclose(found[0], mine.compute(panel).values[0, :, 200], rtol=1e-12)


def test_a_session_that_is_not_new_is_refused() -> None:
    panel = trial_panel(("close",), rng=np.random.default_rng(4))
    live = OnlineFeatures(feature_set("close_momentum"), panel)
    with pytest.raises(ConflictError, match="is not after"):
        live.update(panel.sessions[-1], _bars(panel, -1))


def test_a_missing_or_misshapen_field_is_named() -> None:
    panel = trial_panel(("close",), rng=np.random.default_rng(4))
    live = OnlineFeatures(feature_set("close_momentum"), panel)
    later = panel.sessions[-1] + 1
    with pytest.raises(InvalidInputError, match=r"field close needs one value .* got nothing"):
        live.update(later, {"volume": np.ones(6)})
    with pytest.raises(InvalidInputError, match=r"got shape \(5,\)"):
        live.update(later, {"close": np.ones(5)})
