"""Tests of trials of two versions in service, on models whose truth is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from infra.database.engine import open_database
from infra.database.predictions import DatabasePredictionLog
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from models.arms import Arm, Mode
from services.arm_trials import ArmTrials, split_rows
from services.paired_rows import paired_rows
from services.ports import ServedPrediction
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import SPEC, inputs

NOW = datetime(2014, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    """Version 1 says nothing, 2 is skilled and reigns, 3 has fewer trees."""
    registry = MemoryRegistry()
    training = Training(registry, code_version="c1")
    training.train(inputs(skill=0.5))
    training.train(inputs(skill=0.5, spec=replace(SPEC, trees=replace(SPEC.trees, trees=1))))
    return registry


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DatabasePredictionLog]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield DatabasePredictionLog(database)
    database.close()


@pytest.fixture
def trials(registry: MemoryRegistry, log: DatabasePredictionLog) -> ArmTrials:
    return ArmTrials(registry, log, ManualClock(NOW))


def serve(registry: MemoryRegistry, log: DatabasePredictionLog, *, sessions: int) -> None:
    """Log what both versions foretold, as a server would, and tell the outcomes."""
    standing = log.plan("price")
    assert standing is not None
    plan = standing.plan
    first, second = (registry.resolve("price", v) for v in (plan.control, plan.treatment))
    rows = split_rows(plan, paired_rows(registry, first, second).last(sessions))
    days: list[date] = rows.sessions.astype(object).tolist()
    outcomes = {}
    for i, symbol in enumerate(rows.symbols):
        for j, day in enumerate(days):
            outcomes[symbol, day] = float(rows.outcome[i, j])
            for arm, version, grid in (
                (Arm.CHAMPION, plan.control, rows.first),
                (plan.second_arm, plan.treatment, rows.second),
            ):
                if np.isfinite(grid[i, j]):
                    answer = ServedPrediction(
                        model="price", version=version, arm=arm, entity=symbol, session=day,
                        value=float(grid[i, j]), answered_at=NOW, plan_id=plan.plan_id,
                    )  # fmt: skip
                    log.append([answer])
    log.join("price", outcomes)


def test_a_skilled_champion_is_soon_told_from_the_baseline(trials: ArmTrials) -> None:
    shadow, split = trials.replay("price", treatment=1)

    assert shadow.test is not None
    assert shadow.test.decided_at is not None
    assert shadow.verdict.startswith("price v2 lightgbm is better on net return a period")
    assert (shadow.control, shadow.treatment) == ("price v2 lightgbm", "price v1 zero")
    # 504 sessions, one observation in two; 6 symbols have 6 x 504 answers each.
    assert len(shadow.days) == 252
    assert shadow.control_answers == shadow.treatment_answers == 6 * 504
    # Under a split an entity has one answer, of one version or the other.
    assert split.control_answers + split.treatment_answers == 6 * 504


def test_a_trial_in_service_says_what_the_replay_of_the_same_rows_says(
    trials: ArmTrials, registry: MemoryRegistry, log: DatabasePredictionLog
) -> None:
    trials.start("price", mode=Mode.SHADOW, treatment=1, by="test")
    serve(registry, log, sessions=504)

    assert registry.aliases("price")["shadow"] == 1
    state = trials.state("price")
    replayed, _ = trials.replay("price", treatment=1)

    assert state is not None
    assert state.void == ""
    assert state.verdict.test == replayed.test
    assert state.verdict.verdict == replayed.verdict
    trials.end("price", by="test")
    assert "shadow" not in registry.aliases("price")


def test_an_equal_version_is_a_tie_that_never_decides(
    registry: MemoryRegistry, trials: ArmTrials
) -> None:
    twin = registry.register(
        replace(registry.runs[-1], trial_key="twin"), format="lightgbm-text", input_key="twin"
    )
    best = registry.resolve("price", 2)
    registry.files[twin.run_id] = dict(registry.files[best.run_id])
    registry.trust(twin)

    shadow, _ = trials.replay("price", treatment=twin.version)

    assert shadow.test is not None
    assert shadow.test.p_values[-1] == 1.0
    assert "neither is shown to be better" in shadow.verdict


def test_too_few_outcomes_say_nothing_yet(
    trials: ArmTrials, registry: MemoryRegistry, log: DatabasePredictionLog
) -> None:
    trials.start("price", mode=Mode.SPLIT, treatment=1, by="test")
    before = trials.state("price")
    serve(registry, log, sessions=10)
    after = trials.state("price")

    assert before is not None
    assert before.verdict.verdict == "0 of at least 21 observations: too early to say"
    assert after is not None
    assert after.verdict.verdict == "5 of at least 21 observations: too early to say"
    assert after.verdict.test is None


def test_a_trial_is_void_once_another_champion_reigns(trials: ArmTrials) -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(inputs(skill=0.5))
    trials = ArmTrials(registry, trials._log, ManualClock(NOW))
    trials.start("price", mode=Mode.SHADOW, treatment=1, by="test")
    registry.move_alias("price", "champion", 1, expected=2, reason="test")

    state = trials.state("price")

    assert state is not None
    assert state.void.startswith("price v1 zero reigns by now")


def test_a_second_trial_the_champion_itself_and_unknown_versions_are_refused(
    trials: ArmTrials,
) -> None:
    with pytest.raises(InvalidInputError, match="cannot be tried against itself"):
        trials.start("price", mode=Mode.SPLIT, treatment="champion", by="test")
    with pytest.raises(MissingDataError, match="has no '99'"):
        trials.start("price", mode=Mode.SPLIT, treatment=99, by="test")
    trials.start("price", mode=Mode.SPLIT, treatment=1, by="test")
    with pytest.raises(ConflictError, match="runs since 2014-01-01"):
        trials.start("price", mode=Mode.SPLIT, treatment=1, by="test")

    assert trials.end("price", by="test").ended_by == "test"
    assert trials.state("price") is None
