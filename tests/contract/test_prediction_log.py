"""The contract of the log of served predictions, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from basics.errors import ConflictError, MissingDataError
from infra.database.engine import Database
from infra.database.predictions import DatabasePredictionLog
from infra.database.tables.results import audit
from models.arms import Arm, ArmPlan, Mode, Unit
from services.ports import ServedPrediction, StandingPlan

NOW = datetime(2022, 12, 28, 21, tzinfo=UTC)
DAY = date(2022, 12, 28)
ROW = ServedPrediction(
    model="price", version=1, arm=Arm.CHAMPION, entity="AAPL", session=DAY, value=0.5,
    answered_at=NOW, plan_id="p1",
)  # fmt: skip
PLAN = StandingPlan(
    plan=ArmPlan(
        plan_id="p1", model="price", mode=Mode.SPLIT, control=1, treatment=2,
        share=0.25, unit=Unit.ENTITY_SESSION,
    ),
    started_at=NOW,
    started_by="desk",
)  # fmt: skip


@pytest.fixture
def store(fresh_database: Database) -> DatabasePredictionLog:
    return DatabasePredictionLog(fresh_database)


def test_the_first_answer_of_a_version_in_an_arm_is_kept(store: DatabasePredictionLog) -> None:
    other = replace(ROW, version=2, arm=Arm.SHADOW)

    assert store.append([ROW, other]) == 2
    assert store.append([replace(ROW, value=9.0), other]) == 0
    assert store.append([]) == 0

    assert list(store.rows("price")) == [ROW, other]
    assert list(store.rows("volatility")) == []


def test_rows_are_chosen_by_session_and_trial(store: DatabasePredictionLog) -> None:
    later = replace(ROW, session=DAY + timedelta(1), plan_id="p2")
    store.append([later, ROW])

    assert [row.session for row in store.rows("price")] == [ROW.session, later.session]
    assert list(store.rows("price", since=later.session)) == [later]
    assert list(store.rows("price", plan_id="p1")) == [ROW]


def test_an_outcome_is_told_once_to_every_answer_on_its_entity(
    store: DatabasePredictionLog,
) -> None:
    other = replace(ROW, version=2, arm=Arm.SHADOW)
    store.append([ROW, other, replace(ROW, entity="MSFT")])

    assert list(store.waiting("price")) == [("AAPL", DAY), ("MSFT", DAY)]
    assert store.join("price", {("AAPL", DAY): 0.01, ("AAPL", date(2020, 1, 1)): 1.0}) == 2
    assert store.join("price", {("AAPL", DAY): 0.99}) == 0
    assert store.join("price", {}) == 0

    assert list(store.waiting("price")) == [("MSFT", DAY)]
    assert [row.outcome for row in store.rows("price")] == [0.01, 0.01, None]


def test_what_is_old_is_removed(store: DatabasePredictionLog) -> None:
    store.append([ROW, replace(ROW, session=DAY - timedelta(1))])

    assert store.prune(before=DAY) == 1
    assert [row.session for row in store.rows("price")] == [DAY]


def test_one_trial_of_a_model_runs_at_a_time(store: DatabasePredictionLog) -> None:
    second = replace(PLAN, plan=replace(PLAN.plan, plan_id="p2"))
    other = replace(PLAN, plan=replace(PLAN.plan, plan_id="p3", model="volatility"))
    store.start(PLAN)
    store.start(other)

    with pytest.raises(ConflictError, match="trial p1 of price runs since 2022-12-28"):
        store.start(second)
    assert store.plan("price") == PLAN

    ended = store.end("price", by="boss", at=NOW + timedelta(1))
    store.start(replace(second, started_at=NOW + timedelta(2)))

    assert (ended.ended_by, ended.ended_at) == ("boss", NOW + timedelta(1))
    assert [plan.plan.plan_id for plan in store.plans("price")] == ["p1", "p2"]
    running = store.plan("price")
    assert running is not None
    assert running.plan.plan_id == "p2"


def test_a_trial_that_does_not_run_cannot_be_ended(store: DatabasePredictionLog) -> None:
    assert store.plan("price") is None
    with pytest.raises(MissingDataError, match="no trial of price runs"):
        store.end("price", by="boss", at=NOW)


def test_the_audit_knows_who_began_and_ended_a_trial(store: DatabasePredictionLog) -> None:
    store.start(PLAN)
    store.end("price", by="boss", at=NOW)

    with store.database.reading() as connection:
        rows = connection.execute(sa.select(audit.c.actor, audit.c.action, audit.c.subject)).all()

    assert rows == [
        ("desk", "start", "trial p1 of price"),
        ("boss", "end", "trial p1 of price"),
    ]
