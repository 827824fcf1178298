"""Tests of what models in service say of a panel, and of outcomes joined to it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from basics.clock import ManualClock
from infra.database.engine import open_database
from infra.database.predictions import DatabasePredictionLog
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from market.panel import Panel
from models.arms import Arm, Mode
from models.price import PriceSpec
from services.arm_trials import ArmTrials
from services.in_service import answer_panel, in_service
from services.model_outcomes import Ground, join_outcomes, realised
from services.predictions import Predictions
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs

NOW = datetime(2014, 1, 1, tzinfo=UTC)
INPUTS = inputs(skill=0.5)
NEWEST = INPUTS.features.window(len(INPUTS.features.sessions) - 2, len(INPUTS.features.sessions))


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    """Version 1 says nothing, 2 is skilled and reigns."""
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(INPUTS)
    return registry


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DatabasePredictionLog]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield DatabasePredictionLog(database)
    database.close()


def test_the_champion_answers_every_cell_as_it_would_each_row_alone(
    registry: MemoryRegistry, log: DatabasePredictionLog
) -> None:
    serving = in_service(Predictions(registry), log, "price")

    told = answer_panel(serving, NEWEST, at=NOW)

    assert {(row.arm, row.version, row.plan_id) for row in told} == {(Arm.CHAMPION, 2, "")}
    assert len(told) == 6 * 2
    for row in told:
        i, j = NEWEST.symbols.index(row.entity), 0 if row.session == told[0].session else 1
        features = dict(zip(NEWEST.names, NEWEST.values[:, i, j].tolist(), strict=True))
        assert row.value == serving.model.values(serving.model.matrix([features]))[0]


def test_a_split_divides_the_cells_and_the_shadow_doubles_them(
    registry: MemoryRegistry, log: DatabasePredictionLog
) -> None:
    trials = ArmTrials(registry, log, ManualClock(NOW))
    for mode, count in ((Mode.SPLIT, 12), (Mode.SHADOW, 24)):
        plan = trials.start("price", mode=mode, treatment=1, by="test").plan
        told = answer_panel(in_service(Predictions(registry), log, "price"), NEWEST, at=NOW)
        trials.end("price", by="test")

        assert len(told) == count
        assert {row.plan_id for row in told} == {plan.plan_id}
        own = [row for row in told if row.arm is plan.second_arm]
        assert {row.version for row in own} == {1}
        if mode is Mode.SPLIT:
            assert all(plan.arm_of(row.entity, row.session) is row.arm for row in told)


def test_a_version_on_trial_that_is_corrupt_leaves_the_champion_alone(
    log: DatabasePredictionLog,
) -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(INPUTS)
    trials = ArmTrials(registry, log, ManualClock(NOW))
    trials.start("price", mode=Mode.SPLIT, treatment=1, by="test")
    registry.files[registry.resolve("price", 1).run_id]["model.json"] = b"{}"

    serving = in_service(Predictions(registry), log, "price")

    assert serving.treatment is None
    assert "changed or cut short" in serving.hindrance
    assert {row.version for row in answer_panel(serving, NEWEST, at=NOW)} == {2}


def test_a_version_trained_on_other_features_does_not_ride_along(
    log: DatabasePredictionLog,
) -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(INPUTS)
    best = registry.resolve("price", 2)
    run = replace(registry.runs[-1], trial_key="o", tags={**best.tags, "feature_hash": "other"})
    other = registry.register(run, format=best.format, input_key="other")
    registry.move_alias("price", "challenger", other.version, expected=None, reason="test")

    serving = in_service(Predictions(registry), log, "price", ride_along=True)

    assert serving.treatment is not None
    assert {row.version for row in answer_panel(serving, NEWEST, at=NOW)} == {2}


def test_an_outcome_is_joined_when_its_sessions_have_passed(log: DatabasePredictionLog) -> None:
    days = np.arange("2022-01-03", "2022-01-09", dtype="datetime64[D]")
    closes = Panel(("A", "B"), days, {"close": np.array([[1, 1, 2, 4, 4, 4], [1.0] * 6])})
    price = PriceSpec(horizon=2, entry_lag=1)
    outcomes = realised("price", Ground(closes=closes, price=price, side=lambda: closes["close"]))
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(INPUTS)
    one = answer_panel(in_service(Predictions(registry), log, "price"), NEWEST, at=NOW)[0]
    log.append([replace(one, entity=e, session=date(2022, 1, d)) for e in "AZ" for d in (3, 6)])

    told = join_outcomes(log, "price", closes, outcomes)

    # A: 4 / 1 - 1 = 3 from the close of the 4th to that of the 6th; B stays; the mean is 1.5.
    assert told == 1
    known = [(r.entity, r.session.day, r.outcome) for r in log.rows("price") if r.outcome]
    assert known == [("A", 3, 1.5)]
    # On the 6th nothing is known yet, and Z is no symbol of the panel.
    assert len(log.waiting("price")) == 3
    assert join_outcomes(log, "price", closes, outcomes) == 0
