"""Tests of tuning: the same seed the same trials, resumed, counted, blind to what the gate sees."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.labels import Labels
from models.kinds import KindSpec
from models.regime_kind import RegimeSpec
from models.tuning import InnerYears, Trial, falls_behind, inner_years
from services.ports.models import PARENT_TAG
from services.training import Training
from services.training_inputs import TrainingInputs
from services.tuning import Tuned, tune
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import SPEC, inputs


def _given(**change: object) -> TrainingInputs:
    # Years 2010 to 2013: one to learn from, inner years 2011 and 2012 of the market's four.
    spec = replace(SPEC, first_test_year=2013, **change)  # type: ignore[arg-type]
    return inputs(skill=0.5, spec=spec)


@pytest.fixture(autouse=True)
def _two_inner_years(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.tuning.INNER_YEARS", 2)


def _tune(registry: MemoryRegistry, *, trials: int = 7, seed: int = 3) -> Tuned:
    return tune(
        registry, _given(), trials=trials, seed=seed, training=Training(registry, code_version="c")
    )


def test_the_same_seed_tries_the_same_configurations() -> None:
    first, again, other = (_tune(MemoryRegistry(), seed=seed) for seed in (3, 3, 4))

    assert first.trials == again.trials
    assert [t.estimator for t in first.trials] != [t.estimator for t in other.trials]


def test_a_search_that_was_stopped_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, registry = _tune(MemoryRegistry()), MemoryRegistry()
    _tune(registry, trials=4)
    fitted: list[int] = []
    loss = InnerYears.loss
    monkeypatch.setattr(InnerYears, "loss", lambda *args: fitted.append(1) or loss(*args))

    resumed = _tune(registry)

    assert resumed.trials == whole.trials
    assert len(fitted) == sum(len(trial.losses) for trial in whole.trials[4:])


def test_every_trial_is_a_nested_run_that_the_gate_counts() -> None:
    registry = MemoryRegistry()
    tuned = _tune(registry)

    result = Training(registry, code_version="c").train(tuned.inputs)

    nested = [run for run in registry.runs if PARENT_TAG in run.tags]
    tried = {trial.estimator for trial in tuned.trials}
    assert len(nested) == len(tried) == 7
    assert {run.tags[PARENT_TAG] for run in nested} == {"run-1"}
    # The trials, the two rivals that are no baseline, and the baseline; the study is none itself.
    assert result.verdict.trials == 7 + 3
    assert any(f"over {7 + 3} trials" in rule.detail for rule in result.verdict.rules)


def test_the_best_is_the_least_loss_among_those_not_pruned() -> None:
    tuned = _tune(MemoryRegistry())

    whole = [trial for trial in tuned.trials if not trial.pruned]
    assert tuned.best.loss == min(trial.loss for trial in whole)
    assert all(len(trial.losses) == 2 for trial in whole)
    assert tuned.inputs.spec.candidate() == tuned.best.estimator


def test_a_trial_is_pruned_that_falls_behind_the_median_on_the_same_years() -> None:
    # The second year is the harder one for all: a trial's best year says nothing of the others'.
    others = [
        Trial(number=k, estimator=SPEC.trees, losses={1: 1.0 + k, 2: 5.0 + k, 3: 2.0}, pruned=False)
        for k in range(5)
    ]  # Means over two years: 3, 4, 5, 6, 7.

    assert falls_behind({1: 1.0, 2: 9.1}, others)  # 5.05 above 5.
    assert not falls_behind({1: 1.0, 2: 8.9}, others)
    assert not falls_behind({1: 99.0}, others)  # Never before the second year,
    assert not falls_behind({1: 99.0, 2: 99.0}, others[:4])  # nor with too few to compare.


def test_the_search_prunes_and_keeps_what_was_tried_as_nested_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.tuning.INNER_YEARS", 3)
    registry = MemoryRegistry()
    spec = replace(SPEC, first_test_year=2014)
    given = inputs(skill=0.5, spec=spec)

    tuned = tune(registry, given, trials=7, seed=4, training=Training(registry, code_version="c"))

    cut = [trial for trial in tuned.trials if trial.pruned]
    assert cut
    assert all(len(trial.losses) == 2 for trial in cut)
    kept = [run for run in registry.runs if run.metrics.get("pruned") == 1.0]
    assert len(kept) == len({trial.estimator for trial in cut})
    assert all(len(run.series["tuning_loss_by_year"]) == 2 for run in kept)


def test_what_the_gate_will_see_changes_nothing() -> None:
    given = _given()
    later = given.outcome.values.copy()
    start = int(np.searchsorted(given.features.sessions, np.datetime64("2013-01-01")))
    later[:, start:] *= -5.0
    outcome = Labels(given.outcome.name, later, given.outcome.start, given.outcome.end)
    blind = tune(
        MemoryRegistry(),
        replace(given, outcome=outcome),
        trials=3,
        seed=3,
        training=Training(MemoryRegistry(), code_version="c"),
    )

    assert blind.trials == _tune(MemoryRegistry(), trials=3).trials


def test_a_kind_without_trees_has_nothing_to_tune() -> None:
    spec: KindSpec = RegimeSpec()

    with pytest.raises(InvalidInputError, match="candidate is hidden_markov: its settings are"):
        tune(
            MemoryRegistry(),
            replace(_given(), spec=spec),
            trials=3,
            seed=1,
            training=Training(MemoryRegistry(), code_version="c"),
        )


def test_no_trial_and_too_short_a_history_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="trials must be at least 1, got 0"):
        _tune(MemoryRegistry(), trials=0)
    given = _given()
    with pytest.raises(MissingDataError, match="rows begin in 2010: tuning needs a year before"):
        inner_years(given.spec, given.spec.dataset(given.features, given.outcome),
                    first_test_year=2012)  # fmt: skip
