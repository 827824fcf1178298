"""The contract of the `ControlStore` port, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from basics.errors import ConflictError
from infra.database.controls import DatabaseControlStore
from infra.database.engine import Database
from infra.database.tables.results import audit
from oms.controls import Override, TradingState, TradingSwitch, strictest

NOW = datetime(2022, 3, 1, 15, tzinfo=UTC)
SWITCH = TradingSwitch(scope="desk", kill_reason="feed", changed_by="ann", changed_at=NOW)
OVERRIDE = Override(
    override_id="o1",
    rule="SIZE_ABOVE_NOTIONAL",
    scope="manual",
    reason="index",
    granted_by="ann",
    granted_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


@pytest.fixture
def store(fresh_database: Database) -> DatabaseControlStore:
    return DatabaseControlStore(fresh_database)


def test_switch_of_a_scope_is_the_one_set_last(store: DatabaseControlStore) -> None:
    store.switch(SWITCH)
    store.switch(replace(SWITCH, kill_reason="", state=TradingState.REDUCING))
    other = replace(SWITCH, scope="abc")
    store.switch(other)

    assert store.switches() == [
        other,
        replace(SWITCH, kill_reason="", state=TradingState.REDUCING),
    ]


def test_overrides_come_oldest_first_and_keep_their_id(store: DatabaseControlStore) -> None:
    later = replace(OVERRIDE, override_id="o0", granted_at=NOW + timedelta(minutes=1))
    store.grant(later)
    store.grant(OVERRIDE)

    assert store.overrides() == [OVERRIDE, later]
    with pytest.raises(ConflictError):
        store.grant(OVERRIDE)
    assert store.overrides() == [OVERRIDE, later]


def test_every_change_is_told_to_the_audit(store: DatabaseControlStore) -> None:
    store.switch(SWITCH)
    store.grant(OVERRIDE)

    with store.database.reading() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.id)).mappings().all()
    assert [(row["actor"], row["action"], row["subject"]) for row in rows] == [
        ("ann", "orders.switch", "desk"),
        ("ann", "orders.override", "manual"),
    ]
    assert rows[0]["detail"]["kill_reason"] == "feed"


def test_strictest_of_the_scopes_holds() -> None:
    switches = [
        replace(SWITCH, kill_reason="", state=TradingState.REDUCING),
        replace(SWITCH, scope="manual", kill_reason="feed", state=TradingState.ACTIVE),
        replace(SWITCH, scope="other", state=TradingState.HALTED),
    ]

    assert strictest(switches, scopes={"desk", "manual"}) == (
        TradingState.REDUCING,
        "manual: feed",
    )
    assert strictest([], scopes={"desk"}) == (TradingState.ACTIVE, "")
