"""The contract of the `AlertStore` port, held by SQLite and by PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError
from infra.database.alerts import DatabaseAlertStore
from infra.database.engine import Database
from infra.database.tables.results import audit
from services.alerts import Alert, AlertLog, Severity

NOW = datetime(2022, 12, 28, 18, tzinfo=UTC)
DRIFT = Alert(
    kind="model.drift",
    severity=Severity.WARNING,
    scope="price",
    dedupe_key="2022-12-28",
    message="the features of price have drifted: index 0.31 above 0.25",
    figures={"psi": 0.31, "rows": 500, "feature": "roc_5", "before": None},
    raised_at=NOW,
)
BREACH = replace(
    DRIFT, kind="risk.limit_breached", severity=Severity.CRITICAL, scope="core", figures={}
)


@pytest.fixture
def store(fresh_database: Database) -> DatabaseAlertStore:
    return DatabaseAlertStore(fresh_database)


def test_an_alert_stands_once_as_it_first_arrived(store: DatabaseAlertStore) -> None:
    assert store.store([DRIFT, DRIFT], at=NOW) == 1
    again = replace(DRIFT, message="the same happening in other words")
    assert store.store([again, BREACH], at=NOW + timedelta(hours=1)) == 1

    stored = store.alert(DRIFT.alert_id)

    assert stored.alert == DRIFT
    assert (stored.stored_at, stored.acknowledged_at) == (NOW, None)
    assert store.store([], at=NOW) == 0


def test_alerts_come_newest_first_and_by_kind(store: DatabaseAlertStore) -> None:
    later = replace(DRIFT, dedupe_key="2022-12-29")
    for minutes, alert in enumerate((DRIFT, BREACH, later)):
        store.store([alert], at=NOW + timedelta(minutes=minutes))

    assert [s.alert for s in store.alerts()] == [later, BREACH, DRIFT]
    assert [s.alert for s in store.alerts(limit=1)] == [later]
    assert [s.alert for s in store.alerts(kind="model.drift")] == [later, DRIFT]
    assert [s.alert for s in store.alerts(kind="risk.")] == [BREACH]
    assert store.alerts(kind="model") == []


def test_an_acknowledged_alert_is_closed_by_one_and_audited(store: DatabaseAlertStore) -> None:
    store.store([DRIFT, BREACH], at=NOW)
    log = AlertLog(store, ManualClock(NOW))

    closed = log.acknowledge(DRIFT.alert_id, by="ann", note="retrained")

    assert (closed.acknowledged_at, closed.acknowledged_by, closed.note) == (
        NOW,
        "ann",
        "retrained",
    )
    assert [s.alert for s in log.alerts(open_only=True)] == [BREACH]
    with pytest.raises(ConflictError, match="acknowledged by ann already"):
        log.acknowledge(DRIFT.alert_id, by="bob", note="me too")
    # The same happening, sent again, does not open it again.
    assert store.store([DRIFT], at=NOW) == 0
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(audit.c.actor, audit.c.subject, audit.c.detail)).all()
    assert [tuple(row) for row in rows] == [
        ("ann", f"alert {DRIFT.alert_id}", {"note": "retrained"})
    ]


def test_what_cannot_be_is_refused(store: DatabaseAlertStore) -> None:
    log = AlertLog(store, ManualClock(NOW))
    with pytest.raises(MissingDataError, match="no alert alr-0"):
        log.alert("alr-0")
    with pytest.raises(MissingDataError, match="no alert alr-0"):
        log.acknowledge("alr-0", by="ann", note="gone")
    with pytest.raises(InvalidInputError, match="who and a note"):
        log.acknowledge("alr-0", by=" ", note="gone")
