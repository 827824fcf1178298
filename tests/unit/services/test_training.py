"""Tests of training, registration and promotion on a small market with a known truth."""

import json
from dataclasses import replace
from datetime import date
from io import BytesIO

import numpy as np
import polars as pl
import pytest

from basics.errors import MissingDataError, RefusedError
from models.predictors import LinearPredictor, linear_contributions
from services.model_documents import read_manifest
from services.promotion import GATE_TAG, Promotion
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import SPEC, inputs


def _training(registry: MemoryRegistry) -> Training:
    return Training(registry, code_version="c1", environment={"python": "3.11"})


def test_a_true_signal_takes_the_place_of_the_baseline() -> None:
    registry = MemoryRegistry()

    result = _training(registry).train(inputs(skill=0.5))

    assert result.verdict.promoted, result.verdict.summary
    assert result.baseline.estimator == "zero"
    assert result.champion.version == result.version.version == 2
    assert registry.aliases("price") == {"champion": 2}
    assert next(iter(result.importances)) == "signal"


def test_noise_leaves_the_baseline_on_its_throne() -> None:
    registry = MemoryRegistry()

    result = _training(registry).train(inputs(skill=0.0))

    assert not result.verdict.promoted
    assert result.champion == result.baseline
    assert registry.aliases("price") == {"champion": 1, "challenger": 2}
    assert result.verdict.summary.startswith("zero stays champion")
    assert not result.champion_predictions[np.isfinite(result.champion_predictions)].any()


def test_predictions_stand_only_where_a_fold_tested() -> None:
    result = _training(MemoryRegistry()).train(inputs(skill=0.5))

    known = np.isfinite(result.predictions).any(axis=0)
    assert result.sessions[known].min() == np.datetime64("2011-01-01")
    assert result.sessions[known].max() == np.datetime64("2013-12-31")
    assert [fold.test_first.year for fold in result.folds] == [2011, 2012, 2013]
    assert all(fold.train_last < fold.test_first for fold in result.folds)


def test_the_same_inputs_train_once() -> None:
    registry = MemoryRegistry()
    first = _training(registry).train(inputs(skill=0.5))

    again = _training(registry).train(inputs(skill=0.5))

    assert (first.reused, again.reused) == (False, True)
    assert again.version.version == first.version.version
    assert again.verdict == first.verdict
    assert again.predictions.tobytes() == first.predictions.tobytes()
    assert list(again.importances.items()) == list(first.importances.items())


def test_training_again_gives_the_same_bytes() -> None:
    registry = MemoryRegistry()
    training = _training(registry)
    training.train(inputs(skill=0.5))

    again = training.train(inputs(skill=0.5), retrain=True)

    assert not again.reused
    assert len(registry.versions("price")) == 2


def test_another_model_from_the_same_inputs_is_refused() -> None:
    registry = MemoryRegistry()
    training = _training(registry)
    first = training.train(inputs(skill=0.5))
    files = registry.files[first.version.run_id]
    files["model.txt"] += b"\n"
    registry.trust(first.version)

    with pytest.raises(RefusedError, match="another model than the one registered"):
        training.train(inputs(skill=0.5), retrain=True)


@pytest.mark.parametrize("step", ["record", "register", "move_alias", "annotate"])
def test_a_process_killed_at_any_step_ends_the_same_after_the_next_run(step: str) -> None:
    calm = MemoryRegistry()
    expected = _training(calm).train(inputs(skill=0.5))
    registry = _Killed(step)

    for _ in range(10):
        try:
            result = _training(registry).train(inputs(skill=0.5))
            break
        except KeyboardInterrupt:
            continue

    assert registry.kills > 0
    assert result.version.version == expected.version.version
    assert result.verdict == expected.verdict
    assert registry.aliases("price") == calm.aliases("price")
    assert registry.trials("price") == calm.trials("price")


def test_a_rollback_is_not_undone_by_the_next_run() -> None:
    registry = MemoryRegistry()
    training = _training(registry)
    training.train(inputs(skill=0.5))

    before = Promotion(registry).rollback("price")
    result = training.train(inputs(skill=0.5))

    assert before.estimator == "zero"
    assert result.champion.version == 1
    assert registry.resolve("price", 2).tags[GATE_TAG] == "promoted"


def test_a_second_candidate_is_judged_against_the_reigning_champion() -> None:
    registry = MemoryRegistry()
    training = _training(registry)
    training.train(inputs(skill=0.5))
    weaker = replace(SPEC, trees=replace(SPEC.trees, trees=2))

    result = training.train(inputs(skill=0.5, spec=weaker))

    assert result.verdict.champion == "price v2 lightgbm"
    assert not result.verdict.promoted
    assert not result.verdict.baseline_wins
    # Baseline, momentum, ridge, and the trees twice.
    assert result.verdict.trials >= 5
    assert result.champion.version == 2
    assert np.array_equal(
        result.champion_predictions,
        training.train(inputs(skill=0.5)).predictions,
        equal_nan=True,
    )


def test_simulated_columns_are_never_evidence() -> None:
    result = _training(MemoryRegistry()).train(inputs(skill=0.5, simulated=True))

    assert not result.verdict.promoted
    assert "rests on observed data: no (the features read volume" in result.verdict.summary


def test_what_is_traded_later_decides_nothing() -> None:
    registry = MemoryRegistry()
    cut = replace(inputs(skill=0.5), gate_until=date(2013, 1, 1))

    result = _training(registry).train(cut)

    # Two years of sessions, the label of the last ones still within the data.
    assert result.verdict.evidence[0].sessions == 731
    assert [year.year for year in result.years["lightgbm"]] == [2011, 2012, 2013]


def test_the_manifest_says_what_a_server_must_know() -> None:
    registry = MemoryRegistry()
    version = _training(registry).train(inputs(skill=0.5)).version

    manifest = read_manifest(registry.read(version, "manifest.json"))

    assert manifest.feature_names == ("signal", "noise")
    assert manifest.file == "model.txt"
    assert len(manifest.example) == 2
    assert "less its mean" in manifest.target


def test_a_history_too_short_leaves_the_champion_alone() -> None:
    registry = MemoryRegistry()
    early = replace(SPEC, first_test_year=2010)

    with pytest.raises(MissingDataError, match="training window before 2010-01-01 is empty"):
        _training(registry).train(inputs(skill=0.5, spec=early))

    assert registry.aliases("price") == {"champion": 1}


def test_the_first_champion_cannot_be_rolled_back() -> None:
    registry = MemoryRegistry()
    _training(registry).train(inputs(skill=0.0))

    with pytest.raises(RefusedError, match="none came before it"):
        Promotion(registry).rollback("price")


def test_a_verdict_against_a_champion_that_is_gone_is_stale() -> None:
    registry = MemoryRegistry()
    training = _training(registry)
    result = training.train(inputs(skill=0.5))
    other = training.train(
        inputs(skill=0.5, spec=replace(SPEC, trees=replace(SPEC.trees, trees=2)))
    )
    registry.move_alias("price", "champion", 1, expected=2, reason="by hand")
    registry.annotate("price", other.version.version, "note", "x")
    untagged = replace(result.version, tags={}, version=other.version.version)

    outcome = Promotion(registry).settle(untagged, result.verdict, champion_version=2)

    assert outcome == "stale"
    assert registry.aliases("price")["champion"] == 1


class _Killed(MemoryRegistry):
    """Dies once after and once before one of its steps."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.kills = 0
        original = getattr(self, step)

        def dying(*args: object, **kwargs: object) -> object:
            self.kills += 1
            if self.kills == 1:
                raise KeyboardInterrupt
            made = original(*args, **kwargs)
            if self.kills == 2:
                raise KeyboardInterrupt
            return made

        setattr(self, step, dying)


def test_a_run_keeps_its_loss_on_every_session_and_by_month() -> None:
    registry = MemoryRegistry()

    result = _training(registry).train(inputs(skill=0.5))

    run = next(run for run in registry.runs if run.estimator == "lightgbm")
    table = pl.read_parquet(BytesIO(run.files["losses.parquet"]))
    assert table.columns == ["session", "lightgbm", "zero", "momentum", "ridge"]
    assert table["lightgbm"].mean() == pytest.approx(result.verdict.evidence[0].candidate_loss)
    months = dict(run.series["loss_by_month"])
    first = 41 * 12  # January 2011, in months since January 1970: no gap between the years.
    assert list(months) == list(range(first, first + len(months)))
    january = table.filter(pl.col("session") < date(2011, 2, 1))["lightgbm"].mean()
    assert months[first] == pytest.approx(january)


def test_a_run_keeps_all_that_a_data_scientist_looks_for() -> None:
    registry = MemoryRegistry()
    training = Training(
        registry,
        code_version="c1",
        environment={"commit": "abc"},
        data_tags=lambda version: {"dvc.data": f"md5 of {version}"},
    )

    training.train(inputs(skill=0.5))

    run = next(run for run in registry.runs if run.estimator == "lightgbm")
    assert {
        "dvc.data": "md5 of d1",
        "data_version": "d1",
        "feature_hash": "hash",
        "code_version": "c1",
        "seed": "1",
        "environment.commit": "abc",
    }.items() <= run.tags.items()
    assert {
        "model/model.txt",
        "model/manifest.json",
        "model/card.md",
        "model/MLmodel",
        "model/input_example.json",
        "losses.parquet",
        "contributions.parquet",
        "plots/loss_over_time.png",
        "plots/rank_ic_by_year.png",
        "plots/importance.png",
        "plots/coverage_by_year.png",
    } <= run.files.keys()
    described = json.loads(run.files["model/MLmodel"])
    assert described["flavors"] == {}  # No loader is named: nothing to import.
    assert [column["name"] for column in json.loads(described["signature"]["inputs"])] == [
        "signal",
        "noise",
    ]


def test_the_terms_of_a_linear_model_sum_to_what_it_says() -> None:
    model = LinearPredictor(
        feature_names=("a", "b"), centre=(1.0, 0.0), scale=(2.0, 1.0), weights=(3.0, -1.0),
        intercept=0.5,
    )  # fmt: skip
    x = np.array([[3.0, 2.0], [1.0, 0.0]])

    terms = linear_contributions(model, x)

    assert terms.tolist() == [[3.0, -2.0, 0.5], [0.0, 0.0, 0.5]]
    assert terms.sum(axis=1).tolist() == model.predict(x).tolist()
