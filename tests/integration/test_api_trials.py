"""`/ml/models/{model}/ab`: rows divided between two versions, logged, and judged."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from infra.bootstrap import open_desk
from infra.setting_groups import PredictionLogSettings
from infra.settings import Settings
from models.arms import Arm
from services.ports import ServedPrediction

Served = Callable[..., AbstractContextManager[httpx.Client]]
DAY = "2022-12-28"
ENTITIES = [f"E{n}" for n in range(40)]
QUICK = PredictionLogSettings(flush_seconds=0.02)


def features(n: int) -> dict[str, float]:
    return {f"feature_{k}": (n + k) / 10 for k in range(50)}


@pytest.fixture
def state(stocked_state: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stocked_state, tmp_path / "state"))


@pytest.fixture
def client(state: Path, served: Served) -> Iterator[httpx.Client]:
    with served(Settings(state_dir=state, prediction_log=QUICK)) as client:
        yield client


def ask(client: httpx.Client, entities: list[str] = ENTITIES, **asked: object) -> list[dict]:
    rows = [{"features": features(n), "entity": e, "session": DAY} for n, e in enumerate(entities)]
    answer = client.post("/ml/predict", json={"model": "price", "rows": rows} | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def begin(client: httpx.Client, **asked: object) -> dict:
    answer = client.post("/ml/models/price/ab", json={"treatment": 2} | asked)
    assert answer.status_code == 201, answer.text
    time.sleep(1.1)  # An alias, and with it the trial, is believed for a second.
    return answer.json()["plan"]


def logged(state: Path, count: int) -> list[ServedPrediction]:
    deadline = time.monotonic() + 20
    with open_desk(Settings(state_dir=state)) as desk:
        while len(rows := desk.prediction_log.rows("price")) < count:
            assert time.monotonic() < deadline, f"{len(rows)} of {count} rows were written"
            time.sleep(0.02)
    return list(rows)


def test_a_split_asks_each_entity_its_own_version_and_logs_both(
    client: httpx.Client, state: Path
) -> None:
    plan = begin(client, mode="split")

    first, second = ask(client), ask(client)

    arms = [answer["arm"] for answer in first]
    assert set(arms) == {"champion", "challenger"}
    assert [a["version"] for a in first] == [1 if arm == "champion" else 2 for arm in arms]
    assert [(a["arm"], a["value"]) for a in second] == [(a["arm"], a["value"]) for a in first]
    own = ask(client, version=2)
    assert [a["value"] for a in first if a["arm"] == "challenger"] == [
        b["value"] for a, b in zip(first, own, strict=True) if a["arm"] == "challenger"
    ]
    rows = logged(state, 40)
    assert {row.plan_id for row in rows} == {plan["plan_id"]}
    assert {row.entity: row.arm for row in rows} == dict(zip(ENTITIES, arms, strict=True))


def test_the_shadow_answers_unseen(client: httpx.Client, state: Path) -> None:
    begin(client, mode="shadow")

    seen = ask(client)
    rows = logged(state, 80)

    assert {answer["version"] for answer in seen} == {1}
    shadow = {row.entity: row.value for row in rows if row.arm is Arm.SHADOW}
    own = {e: a["value"] for e, a in zip(ENTITIES, ask(client, version=2), strict=True)}
    assert shadow == own
    assert client.get("/ml/models/price/ab").json()["log"]["dropped"] == 0


def test_rows_about_nothing_and_versions_asked_by_number_are_not_logged(
    client: httpx.Client, state: Path
) -> None:
    client.post("/ml/predict", json={"model": "price", "rows": [{"features": features(0)}]})
    assert ask(client, version=1)[0]["arm"] is None
    ask(client, ["AAPL"])

    (row,) = logged(state, 1)

    assert (row.entity, row.version, row.arm, row.plan_id) == ("AAPL", 1, Arm.CHAMPION, "")


def test_a_challenger_whose_file_is_corrupt_leaves_the_rows_to_the_champion(
    state: Path, served: Served
) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        file = Path(desk.models.resolve("price", 2).folder) / "model.txt"
    file.write_bytes(file.read_bytes()[:-100])

    with served(Settings(state_dir=state, prediction_log=QUICK)) as client:
        begin(client, mode="split")
        assert {answer["version"] for answer in ask(client)} == {1}


def test_what_exceeds_the_bound_is_dropped_and_counted_and_still_answered(
    state: Path, served: Served
) -> None:
    narrow = PredictionLogSettings(max_waiting=5, flush_seconds=60)

    with served(Settings(state_dir=state, prediction_log=narrow)) as client:
        ask(client, ENTITIES[:4])
        assert len(ask(client, ENTITIES)) == 40

        told = client.get("/ml/models/price/ab").json()["log"]

    assert (told["waiting"], told["dropped"]) == (4, 40)
    assert len(logged(state, 4)) == 4  # A server that stops writes what waits.


def test_a_database_that_is_locked_holds_up_no_answer(state: Path, served: Served) -> None:
    import sqlite3

    with served(Settings(state_dir=state, prediction_log=QUICK)) as client:
        ask(client, ["AAPL"])
        logged(state, 1)
        lock = sqlite3.connect(state / "quantdesk.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        answered = [len(ask(client, [f"L{n}"])) for n in range(20)]
        lock.execute("ROLLBACK")
        lock.close()
        assert answered == [1] * 20
        assert len(logged(state, 21)) == 21


def test_a_trial_is_begun_once_and_ended_once(client: httpx.Client) -> None:
    assert client.get("/ml/models/price/ab").json()["running"] is None
    begun = client.post("/ml/models/price/ab", json={"mode": "shadow", "treatment": 2})
    again = client.post("/ml/models/price/ab", json={"mode": "split", "treatment": 2})
    ended = client.delete("/ml/models/price/ab")
    gone = client.delete("/ml/models/price/ab")

    assert (begun.status_code, again.status_code) == (201, 409)
    assert "end it first" in again.json()["detail"]
    assert (ended.status_code, gone.status_code) == (200, 404)
    (trial,) = client.get("/ml/models/price/ab").json()["trials"]
    assert (trial["started_by"], trial["ended_by"]) == ("api", "api")


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"mode": "shadow", "treatment": 1}, 422, "cannot be tried against itself"),
        ({"mode": "shadow", "treatment": 99}, 404, "has no '99'"),
        ({"mode": "shadow"}, 404, "has no 'challenger'"),
        ({"mode": "moon", "treatment": 2}, 422, "mode"),
        ({"mode": "split", "treatment": 2, "share": 1.0}, 422, "share"),
    ],
)
def test_what_cannot_be_tried_is_a_problem_document(
    client: httpx.Client, asked: dict, status: int, words: str
) -> None:
    answer = client.post("/ml/models/price/ab", content=json.dumps(asked))

    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_an_entity_without_its_session_is_refused(client: httpx.Client) -> None:
    body = {"model": "price", "rows": [{"features": features(0), "entity": "AAPL"}]}

    answer = client.post("/ml/predict", json=body)

    assert answer.status_code == 422
    assert "entity and session go together" in answer.json()["detail"]


def test_two_versions_are_compared_by_name_and_what_cannot_be_is_named(
    client: httpx.Client,
) -> None:
    def compare(first: str, second: str) -> httpx.Response:
        return client.get("/ml/models/price/compare", params={"first": first, "second": second})

    assert "has no 'moon'" in compare("champion", "moon").json()["detail"]
    assert "name two versions" in compare("champion", "1").json()["detail"]
    assert "has predictions out of sample" in compare("1", "2").json()["detail"]
    assert [compare("1", "2").status_code, compare("1", "1").status_code] == [404, 422]


def test_the_moves_of_the_aliases_are_told_with_their_reasons(client: httpx.Client) -> None:
    begin(client, mode="shadow")
    client.delete("/ml/models/price/ab")

    told = client.get("/ml/models/price/history").json()

    moves = [(m["alias"], m["before"], m["after"]) for m in told["moves"]]
    assert moves == [("champion", None, 1), ("shadow", None, 2), ("shadow", 2, None)]
    assert told["verdicts"] == []
    assert client.get("/ml/models/moon/history").status_code == 404
