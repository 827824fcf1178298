"""Alerts through a real queue file into a real database file."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError
from infra.database.alerts import DatabaseAlertStore
from infra.database.engine import open_database
from infra.database.schema import upgrade_database
from infra.messaging.sqlite import SqliteQueue
from infra.setting_groups import DatabaseSettings
from services.alerts import TOPIC, Alert, AlertConsumer, Severity, send_alerts

NOW = datetime(2022, 12, 28, 18, tzinfo=UTC)
ALERT = Alert(
    kind="risk.limit_breached",
    severity=Severity.CRITICAL,
    scope="core",
    dedupe_key="weight AAPL 1",
    message="weight of AAPL is 0.18, above the hard limit of 0.15",
    figures={"value": 0.18, "hard": 0.15},
    raised_at=NOW,
)


@pytest.fixture
async def consumer(tmp_path: Path) -> AsyncIterator[AlertConsumer]:
    queue = SqliteQueue(tmp_path / "queue.db", max_length=100, max_deliveries=2)
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield AlertConsumer(queue, DatabaseAlertStore(database), ManualClock(NOW))
    await queue.close()
    database.close()


@pytest.mark.anyio
async def test_an_alert_arrives_as_it_was_sent_and_once(consumer: AlertConsumer) -> None:
    await send_alerts(consumer.queue, [ALERT, replace(ALERT, dedupe_key="weight MSFT 1"), ALERT])

    assert await consumer.drain() == 2

    stored = consumer.store.alert(ALERT.alert_id)
    assert (stored.alert, stored.stored_at) == (ALERT, NOW)
    assert await consumer.take() is None


@pytest.mark.anyio
async def test_a_consumer_that_died_after_its_commit_doubles_nothing(
    consumer: AlertConsumer,
) -> None:
    await send_alerts(consumer.queue, [ALERT])
    # Claimed and stored by a process that then died: its lease has run out.
    assert await consumer.queue.claim(TOPIC, lease_seconds=0.0)
    consumer.store.store([ALERT], at=NOW)

    assert await consumer.drain() == 0
    assert len(consumer.store.alerts()) == 1


@pytest.mark.anyio
async def test_what_is_no_alert_holds_up_no_alert(consumer: AlertConsumer) -> None:
    nameless = b'{"kind": "UPPER", "severity": "info"}'
    await consumer.queue.publish(TOPIC, [b"{", nameless])
    await send_alerts(consumer.queue, [ALERT])

    assert await consumer.drain() == 1
    assert consumer.malformed == 2


@pytest.mark.anyio
async def test_a_running_consumer_takes_what_comes_later(consumer: AlertConsumer) -> None:
    task = asyncio.create_task(consumer.run())
    await send_alerts(consumer.queue, [ALERT])
    while not consumer.store.alerts():
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_same_happening_has_the_same_id() -> None:
    assert replace(ALERT, message="in other words").alert_id == ALERT.alert_id
    for change in ({"scope": "other"}, {"kind": "risk.other"}, {"dedupe_key": "weight AAPL 2"}):
        assert replace(ALERT, **change).alert_id != ALERT.alert_id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "drift"}, "words joined by dots, such as risk.limit_breached, got 'drift'"),
        ({"scope": ""}, "needs a scope"),
        ({"dedupe_key": ""}, "dedupe key"),
        ({"message": ""}, "1 to 2000 characters, got 0"),
        ({"raised_at": datetime(2022, 12, 28)}, "needs a time zone"),  # noqa: DTZ001
        ({"figures": {"psi": float("nan")}}, "figure psi is nan"),
        ({"figures": {str(n): n for n in range(51)}}, "at most 50 figures, got 51"),
    ],
)
def test_an_alert_that_says_too_little_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        replace(ALERT, **change)
