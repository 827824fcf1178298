"""Tests of live features: every feature of the catalogue equals its batch value."""

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError
from features.definitions import Feature, FeatureSet
from features.expressions import field
from features.functions import feature_function
from features.live_state import live_state_of
from features.online import OnlineFeatures
from features.operators import mean
from features.sets import feature_set, feature_set_names
from features.trial import trial_of, trial_panel
from market.panel import Panel


def _bars(panel: Panel, t: int) -> dict[str, np.ndarray]:
    return {name: values[:, t] for name, values in panel.fields.items()}


def _around(panel: Panel, t: int) -> dict[str, np.ndarray]:
    return {name: values[:, t] for name, values in panel.context.items()}


def _batch(features: FeatureSet, panel: Panel, t: int, newest: dict[str, np.ndarray]) -> np.ndarray:
    """Compute the set anew over the history up to `t`, whose bars are `newest`."""
    changed = {k: np.column_stack([panel[k][:, :t], v]) for k, v in newest.items()}
    around = {k: v[:, : t + 1] for k, v in panel.context.items()}
    again = Panel(panel.symbols, panel.sessions[: t + 1], changed, context=around)
    return features.compute(again).values[:, :, -1]


def _same(features: FeatureSet, found: np.ndarray, batch: np.ndarray, t: int) -> None:
    """Hold every feature against its batch value; what stands for zero may be off by 1e-12."""
    for k, feature in enumerate(features.names):
        np.testing.assert_allclose(
            found[k], batch[k], rtol=1e-9, atol=1e-12, err_msg=f"{feature} at {t}"
        )


@pytest.mark.parametrize("name", feature_set_names())
def test_every_feature_equals_its_batch_value_bar_by_bar(name: str) -> None:
    features = feature_set(name)
    rng = np.random.default_rng(11)
    panel = trial_of(features, rng=rng)
    n = len(panel.sessions)
    batch = features.compute(panel).values
    begin = n - features.lookback - 30 if features.lookback < 100 else n - 60
    live = OnlineFeatures(features, panel.window(0, begin))

    for t in range(begin, n):
        _same(
            features,
            live.update(panel.sessions[t], _bars(panel, t) | _around(panel, t)),
            batch[:, :, t],
            t,
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


@pytest.mark.parametrize("name", feature_set_names())
def test_every_feature_equals_its_batch_value_tick_by_tick(name: str) -> None:
    features, rng = feature_set(name), np.random.default_rng(12)
    panel = trial_of(features, rng=rng)
    n = len(panel.sessions)
    live = OnlineFeatures(features, panel.window(0, n - 9))

    for t in range(n - 9, n):
        final = _bars(panel, t)
        live.update(panel.sessions[t], {k: np.full(6, np.nan) for k in final} | _around(panel, t))
        for _ in range(3):
            forming = {k: v * rng.uniform(0.5, 2.0, 6) for k, v in final.items()}
            rows = rng.permutation(6)[:2]
            before = live.values()
            found = live.revise({k: v[rows] for k, v in forming.items()}, rows=rows)
            _same(features, found, live.values()[:, rows], t)
            if not features.plan.whole:
                others = np.setdiff1d(np.arange(6), rows)
                np.testing.assert_array_equal(live.values()[:, others], before[:, others])
        _same(features, live.revise(forming), _batch(features, panel, t, forming), t)
        for row in range(6):
            live.revise({k: v[[row]] for k, v in final.items()}, rows=np.array([row]))
        _same(features, live.values(), _batch(features, panel, t, final), t)


def test_nothing_drifts_over_ten_years_of_sessions_and_a_split() -> None:
    alpha, rng = feature_set("alpha157"), np.random.default_rng(8)
    names = ("MA60", "STD60", "RSQR60", "RESI20", "IMAX60", "CORR60", "CNTD30", "SUMD60", "WVMA20")
    features = FeatureSet("few", 1, tuple(alpha[name] for name in names))
    panel = trial_panel(features.fields, rng=rng, lookback=2_200)
    for values in panel.fields.values():
        values[0, 1_000:] *= 1e-3  # What is ten thousand times larger leaves no trace behind.
        values[5, 1_500:1_560] = values[5, 1_500]  # Nor does a window without any spread.
    n = len(panel.sessions)
    live = OnlineFeatures(features, panel.window(0, 5))
    batch = features.compute(panel).values

    for t in range(5, n):
        found = live.update(panel.sessions[t], _bars(panel, t))
        if t % 13 == 0 or t == n - 1:
            _same(features, found, batch[:, :, t], t)


def test_every_operator_says_what_its_live_update_rests_on() -> None:
    nodes = [node for name in feature_set_names() for node in feature_set(name).plan.nodes]
    said = {node.operator.name: live_state_of(node.operator) for node in nodes}

    assert {said[name] for name in ("mean", "total", "std", "slope", "highest_at", "ema")} == {
        "constant"
    }
    assert {said[name] for name in ("correlation", "beta", "delay", "decayed")} == {"constant"}
    assert {said[name] for name in ("quantile", "rank", "mean_deviation")} == {"window"}
    assert {said[name] for name in ("/", "cross_rank", "field", "log")} == {"session"}


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
