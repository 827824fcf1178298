"""`/features` and `/ml/predict/latest`: bars and trades in, vectors and predictions out."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import pytest

from features.sets import feature_set
from infra.bootstrap import open_desk
from infra.settings import Settings

Served = Callable[..., AbstractContextManager[httpx.Client]]
MOMENTUM = feature_set("close_momentum")
NEXT = "2022-06-19"  # The day after the stocked bars end; they follow no exchange.


@pytest.fixture
def state(stocked_state: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stocked_state, tmp_path / "state"))


@pytest.fixture
def client(state: Path, served: Served) -> Iterator[httpx.Client]:
    with served(Settings(state_dir=state)) as client:
        yield client


def latest(client: httpx.Client, *symbols: str) -> dict:
    answer = client.get("/features/latest", params={"symbol": list(symbols)})
    answer.raise_for_status()
    return answer.json()


def send(client: httpx.Client, bars: dict, session: str = NEXT) -> httpx.Response:
    return client.post(
        "/features/bars", json={"dataset": "equities", "session": session, "bars": bars}
    )


def test_the_newest_features_are_those_of_the_batch(client: httpx.Client, state: Path) -> None:
    first, second = latest(client, "BBB"), latest(client, "BBB")

    with open_desk(Settings(state_dir=state)) as desk:
        panel = desk.market_data.panel("equities", fields=("close",))
    expected = MOMENTUM.compute(panel).values[:, 1, -1]
    (vector,) = first["vectors"]
    np.testing.assert_allclose(list(vector["features"].values()), expected, rtol=1e-9)
    assert (vector["cache"], second["vectors"][0]["cache"]) == ("miss", "hit")
    assert (first["feature_set"], first["simulated"]) == ("close_momentum@1", ["close"])
    assert (vector["session"], vector["updated_at"]) == (first["lake_session"], None)


def test_a_bar_that_comes_in_is_told_at_once(client: httpx.Client) -> None:
    before = latest(client, "AAA", "BBB")["vectors"][0]["features"]["return_1"]
    taken = send(client, {"AAA": {"close": 500.0}}).json()
    (a, b) = latest(client, "AAA", "BBB")["vectors"]

    assert taken["feature_sets"] == ["close_momentum@1"]
    assert (a["session"], b["session"]) == (NEXT, NEXT)
    assert a["features"]["return_1"] != before
    assert b["features"]["return_1"] is None  # It has no bar of the session yet.
    assert a["updated_at"] == taken["updated_at"]


def test_trades_form_the_bar(client: httpx.Client) -> None:
    trades = [{"symbol": "AAA", "price": p, "size": 1.0} for p in (90.0, 91.0)]
    body = {"dataset": "equities", "session": NEXT, "trades": trades}

    assert client.post("/features/trades", json=body).status_code == 200

    send(client, {"BBB": {"close": 91.0}})
    (a, b) = latest(client, "AAA", "BBB")["vectors"]
    assert a["features"]["return_1"] is not None
    assert b["session"] == NEXT


def test_refusals_are_problem_documents(client: httpx.Client) -> None:
    assert latest(client, "AAA")
    early = send(client, {"AAA": {"close": 1.0}}, session="2020-01-02")
    worthless = send(client, {"AAA": {"close": -1.0}})
    unknown = client.get("/features/latest", params={"symbol": "ZZZ"})
    no_set = client.get("/features/latest", params={"set": "nothing"})

    assert (early.status_code, early.json()["type"]) == (409, "urn:quantdesk:problem:conflict")
    assert (worthless.status_code, "close is -1" in worthless.text) == (422, True)
    assert (unknown.status_code, no_set.status_code) == (404, 404)


def test_a_model_predicts_from_the_newest_features(state: Path, served: Served) -> None:
    names = MOMENTUM.names
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, len(names)))
    data = lightgbm.Dataset(x, x[:, 0] - x[:, 5], feature_name=list(names))
    booster = lightgbm.train({"verbose": -1, "seed": 1, "num_threads": 1}, data, 20)
    register_momentum_model(state, booster)

    with served(Settings(state_dir=state)) as client:
        vector = latest(client, "AAA")["vectors"][0]["features"]
        answer = client.post(
            "/ml/predict/latest", json={"model": "momentum", "version": 1, "symbols": ["AAA"]}
        ).json()
        send(client, {"BBB": {"close": 91.0}})
        missing = client.post(
            "/ml/predict/latest", json={"model": "momentum", "version": 1, "symbols": ["AAA"]}
        ).json()["predictions"][0]
        other = client.post("/ml/predict/latest", json={"model": "price", "symbols": ["AAA"]})

    row = np.array([[vector[name] for name in names]])
    (prediction,) = answer["predictions"]
    assert prediction["value"] == pytest.approx(booster.predict(row)[0], rel=1e-12)
    assert (prediction["missing"], answer["feature_set"]) == ([], "close_momentum@1")
    # A session began in which the symbol has no bar: nothing is known of it yet.
    assert missing["value"] is None
    assert set(missing["missing"]) == set(names)
    assert other.status_code == 404  # Its set, sample@1, is none of the catalogue.


def register_momentum_model(state: Path, booster: lightgbm.Booster) -> None:
    from services.ports import ModelRun

    with open_desk(Settings(state_dir=state)) as desk:
        run = ModelRun(
            name="momentum",
            estimator="lightgbm",
            trial_key="momentum-1",
            parameters={},
            metrics={},
            series={},
            files={"model/model.txt": booster.model_to_string().encode()},
            tags={
                "feature_set": MOMENTUM.label,
                "feature_hash": MOMENTUM.content_hash,
                "data_version": "d1",
            },
        )
        desk.models.register(run, format="lightgbm-text", input_key="momentum-1")
