"""Tests of the labels that ship: each on its interval alone, each kind with one, proof included."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import RefusedError
from features.labels import Labels, forward_return
from features.leakage import prove_labels, prove_panel
from features.panel import FeaturePanel
from features.trial import trial_panel
from market.panel import Panel
from models.anomaly_kind import bar_features, planted_labels
from models.regime_kind import regime_features
from models.sizing_features import sizing_features
from models.variance import EWMA_LOOKBACK
from models.volatility import variance_ratio, volatility_features
from services.kind_training import TRAINABLE
from services.label_catalogue import LABELS, list_labels, trial_of_labels
from services.leak_proof import LeakProof
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs


def _closes(seed: int = 3) -> Panel:
    return trial_of_labels(np.random.default_rng(seed))


@pytest.mark.parametrize("name", LABELS)
def test_every_label_rests_on_its_interval_and_its_lookback_alone(name: str) -> None:
    made = LABELS[name].make(_closes())

    report = prove_labels(LABELS[name].make, _closes(), rng=np.random.default_rng(2))

    assert report.clean, str(report.leaks[0])
    # Two trials at each of three cut-offs, and one from a later beginning.
    assert report.trials == 7
    known = ~np.isnan(made.values)
    position = np.arange(made.values.shape[1])
    assert known.any()
    assert (made.start > position)[known].all()
    assert (made.end >= made.start)[known].all()
    assert (made.end < len(position))[known].all()
    assert (made.start[~known] == made.end[~known]).all()


def test_every_kind_of_model_learns_one_of_them() -> None:
    kinds = {kind for label in LABELS.values() for kind in label.kinds.split(", ") if kind}

    assert kinds == set(TRAINABLE)


def test_a_ratio_to_a_variance_that_remembers_more_than_it_states_is_caught() -> None:
    def forgetful(panel: Panel) -> Labels:
        return replace(variance_ratio(panel, horizon=5), lookback=100)

    report = prove_labels(forgetful, _closes(), rng=np.random.default_rng(2))

    assert {leak.trial for leak in report.leaks} == {"later beginning"}


def test_the_last_session_says_nothing_yet_of_what_was_planted() -> None:
    labels = planted_labels(np.array([[False, True, True]]), name="planted")

    np.testing.assert_array_equal(labels.values, [[0.0, 1.0, np.nan]])
    np.testing.assert_array_equal(labels.start, [[1, 2, -1]])
    np.testing.assert_array_equal(labels.end, labels.start)


def test_the_list_shows_what_each_rests_on() -> None:
    rows = {row.name: row for row in list_labels(np.random.default_rng(0))}

    assert rows["forward_return"].rests_on == "t+1 .. t+6"
    assert rows["variance_ratio"].lookback == EWMA_LOOKBACK
    assert not any(row.leaks for row in rows.values())


@pytest.mark.parametrize(
    "make",
    [regime_features, sizing_features, lambda p: volatility_features(p, ranges=True), bar_features],
    ids=["regime", "sizing", "volatility", "anomaly"],
)
def test_the_features_that_kinds_make_themselves_do_not_know_the_future(make) -> None:
    rng = np.random.default_rng(8)
    fields = ("open", "high", "low", "close", "volume")
    panel = trial_panel(fields, rng=rng, lookback=600)
    panel.fields["volume"][:] += 1.0
    two = Panel(("A", "B"), panel.sessions, {n: v[[0, 3]] for n, v in panel.fields.items()})

    report = prove_panel(make, two, rng=rng, cut_offs=1)

    assert report.clean, str(report.leaks[0])


def test_a_feature_function_that_peeks_or_remembers_too_much_is_caught() -> None:
    def made(panel: Panel, values: np.ndarray) -> FeaturePanel:
        return FeaturePanel(("x",), panel.symbols, panel.sessions, values[None], "x@1", "0")

    def peeks(panel: Panel) -> FeaturePanel:
        return made(panel, panel["close"] / np.nanmean(panel["close"]))

    def totals(panel: Panel) -> FeaturePanel:
        return made(panel, np.nancumsum(panel["close"], axis=1))

    peeking = prove_panel(peeks, _closes(), rng=np.random.default_rng(1))
    remembering = prove_panel(totals, _closes(), rng=np.random.default_rng(1), lookback=20)

    assert {leak.trial for leak in peeking.leaks} == {"future removed", "future changed"}
    assert {leak.trial for leak in remembering.leaks} == {"later beginning"}


def test_nothing_is_trained_on_a_label_or_features_that_leak() -> None:
    sound = inputs(skill=0.5)

    def early(panel: Panel) -> Labels:
        honest = forward_return(panel, horizon=5)
        return replace(honest, values=honest.values * np.nanmax(panel["close"]))

    def peeks(panel: Panel) -> FeaturePanel:
        values = np.nan_to_num(panel["close"]) / np.nanmax(panel["close"])
        return FeaturePanel(("x",), panel.symbols, panel.sessions, values[None], "x@1", "0")

    clean = LeakProof(label=LABELS["forward_return"].make, panel=_closes())
    for proof in (replace(clean, label=early), replace(clean, features=peeks)):
        registry = MemoryRegistry()
        with pytest.raises(RefusedError, match="may not be used"):
            Training(registry, code_version="c").train(replace(sound, proof=proof))
        assert registry.aliases("price") == {"champion": 1}  # The naive baseline alone.
    told: list[str] = []
    Training(MemoryRegistry(), code_version="c").train(
        replace(sound, proof=clean), progress=told.append
    )
    assert told[0] == "proving that nothing leaks"
