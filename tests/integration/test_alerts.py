"""Alerts as a user meets them: the commands, and the API whose process stores them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from basics.errors import ConflictError, MissingDataError
from infra.bootstrap import open_desk
from infra.settings import Settings, load_settings
from services.alerts import Alert, Severity
from tests.terminal import Run, terminal

Served = Callable[..., AbstractContextManager[httpx.Client]]
ALERT = Alert(
    kind="model.drift",
    severity=Severity.WARNING,
    scope="price",
    dedupe_key="2022-12-28",
    message="the features of price have drifted",
    figures={"psi": 0.31},
    raised_at=datetime(2022, 12, 28, 22, tzinfo=UTC),
)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with terminal(tmp_path, "alerts") as run:
        yield run


def send(state: Path, *alerts: Alert) -> None:
    with open_desk(load_settings(state_dir=state)) as desk:
        desk.send_alerts(alerts)


def test_an_alert_is_listed_watched_and_acknowledged(
    run: Callable[..., str], tmp_path: Path
) -> None:
    send(tmp_path, ALERT, ALERT)

    (listed,) = json.loads(run("ls", "--json"))
    assert listed["alert"]["figures"] == {"psi": 0.31}
    assert "the features of price have drifted" in run("ls")
    assert run("watch", "--seconds", "0").count("WARNING   model.drift  price:") == 1
    assert json.loads(run("watch", "--seconds", "0", "--json"))["alert_id"] == ALERT.alert_id

    answer = run("ack", ALERT.alert_id, "--by", "ann", "--note", "retrained")

    assert answer == f"{ALERT.alert_id} is acknowledged by ann: retrained\n"
    assert json.loads(run("ls", "--json")) == []
    assert json.loads(run("ls", "--all", "--json"))[0]["acknowledged_by"] == "ann"
    assert run("watch", "--seconds", "0") == ""
    with pytest.raises(ConflictError, match="by ann already"):
        run("ack", ALERT.alert_id, "--by", "bob", "--note", "x")
    with pytest.raises(MissingDataError, match="see `quantdesk alerts ls`"):
        run("ack", "alr-1", "--by", "bob", "--note", "x")


def test_the_api_stores_what_is_sent_and_takes_the_answer(tmp_path: Path, served: Served) -> None:
    with served(Settings(state_dir=tmp_path)) as client:
        send(tmp_path, ALERT, replace(ALERT, kind="risk.limit_breached"))
        while len(found := client.get("/alerts").json()["alerts"]) < 2:
            time.sleep(0.01)
        assert {alert["kind"] for alert in found} == {"model.drift", "risk.limit_breached"}
        (drift,) = client.get("/alerts", params={"kind": "model."}).json()["alerts"]
        assert drift["alert_id"] == ALERT.alert_id
        assert client.get(f"/alerts/{ALERT.alert_id}").json() == drift

        path = f"/alerts/{ALERT.alert_id}/acknowledge"
        answer = client.post(path, json={"by": "ann", "note": "retrained"})

        assert answer.status_code == 200
        assert answer.json()["acknowledged_by"] == "ann"
        assert client.post(path, json={"by": "bob", "note": "too late"}).status_code == 409
        (left,) = client.get("/alerts", params={"open_only": True}).json()["alerts"]
        assert left["kind"] == "risk.limit_breached"
        assert client.post(path, json={"by": " ", "note": "x"}).status_code == 422
        assert client.get("/alerts/alr-0000000000000000").status_code == 404
