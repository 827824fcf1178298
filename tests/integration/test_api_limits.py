"""The limit register over HTTP: limits in force, an override, a breach acknowledged."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path

import httpx
import pytest

from infra.bootstrap import open_desk
from infra.settings import Settings
from risk.limits import Limit, Observation, Scope, evaluate

DAY = date(2022, 1, 3)
LIMIT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.12, hard=0.15, owner="risk")


@pytest.fixture
def client(
    tmp_path: Path, served: Callable[..., AbstractContextManager[httpx.Client]]
) -> Iterator[httpx.Client]:
    settings = Settings(state_dir=tmp_path)
    with open_desk(settings) as desk:
        found = evaluate([LIMIT], [Observation("weight", Scope.SYMBOL, "AAA", 0.2)], as_of=DAY)
        desk.limit_register.log("core", found, as_of=DAY)
    with served(settings) as client:
        yield client


def test_limits_overrides_and_breaches_are_read_and_changed(client: httpx.Client) -> None:
    listed = client.get("/risk/limits").json()
    assert (listed["version"], listed["in_force"]) == (1, True)
    assert client.get("/risk/limits", params={"version": 9}).status_code == 404

    asked = {"metric": "weight", "scope": "symbol", "name": "*", "hard": 0.2,
             "until": "2099-01-31", "reason": "index event", "by": "ann"}  # fmt: skip
    granted = client.post("/risk/limits/overrides", json=asked)
    assert granted.status_code == 201, granted.text
    rows = client.get("/risk/limits").json()["limits"]
    (row,) = [r for r in rows if (r["metric"], r["scope"]) == ("weight", "symbol")]
    assert (row["hard"], row["override"]["hard"]) == (0.15, 0.2)
    assert row["override"]["reason"] == "index event"

    for change, problem in (
        ({"hard": 0.01}, "does not raise"),
        ({"until": "1999-01-01"}, "has expired by"),
        ({"reason": ""}, "reason"),
        ({"metric": "nonsense"}, "no limit on nonsense"),
    ):
        refused = client.post("/risk/limits/overrides", json=asked | change)
        assert refused.status_code in (404, 422)
        assert problem in refused.text

    (breach,) = client.get("/risk/breaches").json()["breaches"]
    assert (breach["metric"], breach["name"], breach["state"]) == ("weight", "AAA", "hard")
    path = f"/risk/breaches/{breach['breach_id']}/acknowledge"
    said = client.post(path, json={"by": "ann", "note": "sold half"}).json()
    assert (said["acknowledged_by"], said["note"]) == ("ann", "sold half")
    assert client.post(path, json={"by": "bob", "note": "again"}).status_code == 409
    assert client.get("/risk/breaches").json()["breaches"] == []
    assert len(client.get("/risk/breaches", params={"open_only": False}).json()["breaches"]) == 1
