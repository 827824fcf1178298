"""`/ml`: what the registered models say, from the cache or not, and what is refused."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import pytest

from infra.bootstrap import open_desk
from infra.setting_groups import ApiSettings
from infra.settings import Settings

Served = Callable[..., AbstractContextManager[httpx.Client]]
NAMES = [f"feature_{n}" for n in range(50)]
ROW = {name: n / 10 for n, name in enumerate(NAMES)}


@pytest.fixture
def state(stocked_state: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stocked_state, tmp_path / "state"))


@pytest.fixture
def client(state: Path, served: Served) -> Iterator[httpx.Client]:
    with served(Settings(state_dir=state, api=ApiSettings(max_body_bytes=8192))) as client:
        yield client


def predict(client: httpx.Client, *rows: dict, **asked: object) -> httpx.Response:
    body = {"model": "price", "rows": [{"features": row} for row in rows]} | asked
    return client.post("/ml/predict", json=body)


def booster(state: Path, version: int) -> lightgbm.Booster:
    with open_desk(Settings(state_dir=state)) as desk:
        text = desk.models.read(desk.models.resolve("price", version), "model.txt")
    return lightgbm.Booster(model_str=text.decode())


def promote(state: Path) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        desk.models.move_alias("price", "champion", 2, expected=1, reason="test")


def test_the_registered_models_are_listed(client: httpx.Client) -> None:
    (model,) = client.get("/ml/models").json()["models"]

    assert (model["name"], model["aliases"]) == ("price", {"champion": 1})
    assert [v["version"] for v in model["versions"]] == [2, 1]
    assert model["versions"][1]["aliases"] == ["champion"]
    assert len(model["versions"][0]["sha256"]["model.txt"]) == 64


def test_a_prediction_is_the_models_own_and_then_a_hit(client: httpx.Client, state: Path) -> None:
    missing = ROW | {"feature_3": None}

    first, second = (predict(client, ROW, missing).json() for _ in range(2))

    x = np.array([list(ROW.values()), [np.nan if v is None else v for v in missing.values()]])
    expected = booster(state, 1).predict(x, num_threads=1)
    assert [p["value"] for p in first["predictions"]] == expected.tolist()
    assert [p["cache"] for p in first["predictions"]] == ["miss", "miss"]
    assert second["predictions"] == [p | {"cache": "hit"} for p in first["predictions"]]
    assert (first["model"], first["version"], first["feature_set"]) == ("price", 1, "sample@1")


def test_the_order_of_the_features_does_not_matter(client: httpx.Client) -> None:
    turned = dict(reversed(ROW.items()))

    (first,) = predict(client, ROW).json()["predictions"]
    (second,) = predict(client, turned).json()["predictions"]

    assert (second["value"], second["cache"]) == (first["value"], "hit")


def test_a_promotion_drops_what_the_former_champion_said(client: httpx.Client, state: Path) -> None:
    before = predict(client, ROW).json()
    promote(state)

    deadline = time.monotonic() + 20
    while (after := predict(client, ROW).json())["version"] == 1:
        assert time.monotonic() < deadline

    assert after["version"] == 2
    assert after["predictions"][0]["cache"] == "miss"
    assert after["predictions"][0]["value"] != before["predictions"][0]["value"]
    # Asked for by number, the former version answers again, anew.
    assert predict(client, ROW, version=1).json()["predictions"][0]["cache"] == "miss"


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"model": "moon"}, 404, "model 'moon' has no 'champion'"),
        ({"version": 99}, 404, "has no '99'"),
        ({"version": "challenger"}, 404, "has no 'challenger'"),
        ({"version": 0}, 422, "version"),
        ({"model": "../etc"}, 422, "model"),
        ({"rows": []}, 422, "rows"),
        ({"rows": [{"features": {}}] * 1001}, 413, "larger"),
        ({"extra": 1}, 422, "Extra inputs"),
        ({"rows": [{"features": {"feature_0": 1.0}}]}, 422, "row 0 misses feature_1"),
        ({"rows": [{"features": ROW | {"moon": 1.0}}]}, 422, "has unknown moon"),
    ],
)
def test_what_cannot_be_predicted_is_a_problem_document(
    client: httpx.Client, asked: dict, status: int, words: str
) -> None:
    answer = predict(client, ROW, **asked)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "true", '"1.0"', "[1]"])
def test_a_value_that_is_no_finite_number_is_refused(client: httpx.Client, value: str) -> None:
    text = json.dumps({"model": "price", "rows": [{"features": ROW | {"feature_7": 12345.678}}]})

    answer = client.post(
        "/ml/predict",
        content=text.replace("12345.678", value),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "feature_7" in answer.json()["detail"]


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"\xff\xfe", b"[]", b'"' * 9])
def test_what_is_not_a_json_object_is_refused(client: httpx.Client, text: bytes) -> None:
    answer = client.post("/ml/predict", content=text, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_413_however_it_comes(
    client: httpx.Client,
    chunked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    body = b"[" + b" " * 20_000 + b"]"
    content = iter([body[:5000], body[5000:]]) if chunked else body

    answer = client.post("/ml/predict", content=content)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "larger than 8192 bytes" in answer.json()["detail"]


def test_a_tampered_model_is_refused_and_the_champion_goes_on(
    client: httpx.Client, state: Path
) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        file = Path(desk.models.resolve("price", 2).folder) / "model.txt"
    file.write_bytes(file.read_bytes()[:-100])

    refused = predict(client, ROW, version=2)
    reigning = predict(client, ROW)

    assert refused.status_code == 403
    assert "changed or cut short" in refused.json()["detail"]
    assert reigning.status_code == 200


def test_a_desk_whose_champion_is_corrupt_starts_degraded_and_says_so(
    state: Path, served: Served
) -> None:
    with open_desk(Settings(state_dir=state)) as desk:
        file = Path(desk.models.resolve("price", 1).folder) / "model.txt"
    file.write_bytes(b"")

    with served(Settings(state_dir=state)) as client:
        models = client.get("/ready").json()["components"][3]

        assert (models["name"], models["mode"]) == ("models", "degraded")
        assert "changed or cut short" in models["detail"]
        assert client.get("/risk/var").status_code == 200
        assert predict(client, ROW).status_code == 403


def test_a_desk_without_models_says_what_to_run(tmp_path: Path, served: Served) -> None:
    with served(Settings(state_dir=tmp_path)) as client:
        models = client.get("/ready").json()["components"][3]

        assert models["detail"] == "no model has a champion yet: run `quantdesk demo`"
        assert client.get("/ml/models").json() == {"models": []}
        assert predict(client, ROW).status_code == 404
