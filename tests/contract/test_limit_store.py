"""The contract of the limit register's store, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from infra.database.engine import Database
from infra.database.limits import DatabaseLimitStore
from infra.database.tables.results import audit
from risk.limits import Limit, LimitState, Observation, Override, Scope, evaluate
from services.limit_register import LimitRegister

NOW = datetime(2022, 12, 28, 18, tzinfo=UTC)
DAY = date(2022, 12, 28)
WEIGHT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.12, hard=0.15, owner="risk")
BETA = Limit(metric="beta", scope=Scope.PORTFOLIO, warn=1.0, soft=1.1, hard=1.2, owner="risk")
RAISED = Override(hard=0.2, reason="merger", granted_by="cro", expires=date(2022, 12, 30))


@pytest.fixture
def store(fresh_database: Database) -> DatabaseLimitStore:
    return DatabaseLimitStore(fresh_database)


def register(store: DatabaseLimitStore, *seed: Limit) -> LimitRegister:
    return LimitRegister(store, ManualClock(NOW), seed or (WEIGHT, BETA))


def breach(reg: LimitRegister, value: float = 0.18):
    observed = [Observation("weight", Scope.SYMBOL, "AAPL", value)]
    return evaluate(reg.in_force(), observed, as_of=DAY)


def test_a_version_is_recorded_once_and_earlier_ones_stay(store: DatabaseLimitStore) -> None:
    assert register(store).version() == 1
    assert register(store).version() == 1
    tighter = replace(WEIGHT, hard=0.13)
    assert register(store, tighter).version() == 2
    assert store.limits(1) == [BETA, WEIGHT]
    assert store.limits(2) == [tighter]
    with pytest.raises(MissingDataError, match="version 9"):
        store.limits(9)


def test_override_raises_the_limit_until_it_expires(store: DatabaseLimitStore) -> None:
    reg = register(store)
    reg.grant("weight", Scope.SYMBOL, "*", override=RAISED, as_of=DAY)

    (limit,) = [row for row in reg.in_force() if row.metric == "weight"]

    assert limit.override == RAISED
    assert limit.hard_on(DAY) == 0.2
    assert limit.hard_on(date(2022, 12, 31)) == 0.15
    assert breach(reg)[0].state is LimitState.WARN


def test_an_override_that_no_longer_raises_anything_is_dropped(store: DatabaseLimitStore) -> None:
    register(store).grant("weight", Scope.SYMBOL, "*", override=RAISED, as_of=DAY)
    wider = register(store, replace(WEIGHT, hard=0.5))
    assert wider.in_force()[0].override is None


def test_breach_is_logged_once_and_stays_open_until_acknowledged(
    store: DatabaseLimitStore,
) -> None:
    reg = register(store)
    assert reg.log("main", breach(reg), as_of=DAY) == 1
    assert reg.log("main", breach(reg), as_of=DAY) == 0
    assert reg.log("main", breach(reg, 0.01), as_of=DAY) == 0
    (logged,) = store.breaches(open_only=True)
    assert (logged.metric, logged.name, logged.value, logged.state) == (
        "weight",
        "AAPL",
        0.18,
        "hard",
    )

    reg.acknowledge(logged.breach_id, by="ann", note="sold half")

    assert store.breaches(open_only=True) == []
    (closed,) = store.breaches(open_only=False)
    assert (closed.acknowledged_at, closed.acknowledged_by) == (NOW, "ann")
    with pytest.raises(ConflictError, match="acknowledged by ann already"):
        reg.acknowledge(logged.breach_id, by="bob", note="me too")
    # Logging the day again does not open it again.
    reg.log("main", breach(reg), as_of=DAY)
    assert store.breaches(open_only=True) == []


def test_grants_and_acknowledgements_are_audited(store: DatabaseLimitStore) -> None:
    reg = register(store)
    reg.log("main", breach(reg), as_of=DAY)
    reg.acknowledge(store.breaches(open_only=True)[0].breach_id, by="ann", note="sold")
    reg.grant("beta", Scope.PORTFOLIO, "*", override=replace(RAISED, hard=2.0), as_of=DAY)
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(audit.c.actor, audit.c.action)).all()
    assert [tuple(row) for row in rows] == [("ann", "acknowledge"), ("cro", "grant")]


def test_what_cannot_be_is_refused(store: DatabaseLimitStore) -> None:
    reg = register(store)
    with pytest.raises(MissingDataError, match="no limit on hhi"):
        reg.grant("hhi", Scope.PORTFOLIO, "*", override=RAISED, as_of=DAY)
    with pytest.raises(InvalidInputError, match="has expired by"):
        reg.grant("weight", Scope.SYMBOL, "*", override=RAISED, as_of=date(2023, 1, 5))
    with pytest.raises(InvalidInputError, match="does not raise"):
        reg.grant("weight", Scope.SYMBOL, "*", override=replace(RAISED, hard=0.1), as_of=DAY)
    with pytest.raises(InvalidInputError, match="who and a note"):
        reg.acknowledge("x", by="", note="")
    with pytest.raises(MissingDataError, match="no breach x"):
        reg.acknowledge("x", by="ann", note="n")
