"""The champion goes on serving while its registry is gone, be that a server or a file."""

import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from basics.errors import UnavailableError
from infra.bootstrap import open_desk
from infra.setting_groups import MlflowSettings
from infra.settings import Settings
from models.predictors import LinearPredictor
from services.ports import ModelRun
from tests.mlflow_server import MlflowServer

Served = Callable[..., AbstractContextManager[httpx.Client]]
MODEL = LinearPredictor(feature_names=("a",), centre=(0.0,), scale=(1.0,), weights=(2.0,))
RUN = ModelRun(
    name="pulse", estimator="ridge", trial_key="t", parameters={}, metrics={}, series={},
    files={"model/model.json": MODEL.to_native()}, tags={},
)  # fmt: skip


def ask(client: httpx.Client, value: float, **asked: object) -> httpx.Response:
    body = {"model": "pulse", "rows": [{"features": {"a": value}}]} | asked
    return client.post("/ml/predict", json=body)


def test_the_champion_goes_on_serving_while_the_mlflow_server_is_gone(
    mlflow_server: MlflowServer, served: Served, tmp_path: Path
) -> None:
    mlflow_server.empty()
    remote = MlflowSettings(url=mlflow_server.url, timeout_seconds=10)
    settings = Settings(state_dir=tmp_path, mlflow=remote)
    with open_desk(settings) as desk:
        version = desk.models.register(RUN, format=MODEL.format, input_key="k").version
        desk.models.move_alias("pulse", "champion", version, expected=None, reason="test")

    with served(settings) as client:
        assert client.get("/ready").json()["components"][3]["mode"] == "real"
        assert ask(client, 1.0).json()["predictions"][0]["value"] == 2.0
        with mlflow_server.gone():
            deadline = time.monotonic() + 3.0  # Longer than an alias is believed.
            while time.monotonic() < deadline:
                answer = ask(client, time.monotonic())
                assert answer.status_code == 200, answer.text
                time.sleep(0.2)
            told = client.get("/ready").json()["components"][3]
            assert told["mode"] == "degraded"
            assert "does not answer" in told["detail"]
            gone = ask(client, 1.0, model="never-read")
            assert gone.status_code == 503
            assert "does not answer" in gone.json()["detail"]
            with open_desk(settings) as desk, pytest.raises(UnavailableError, match="mlflow"):
                desk.models.record(RUN)
            # A desk that starts meanwhile serves from the mirror, and says so.
            with served(settings) as second:
                assert ask(second, 3.0).json()["predictions"][0]["value"] == 6.0
                models = second.get("/ready").json()["components"][3]
                assert models["mode"] == "degraded"
                assert "from the mirror" in models["detail"]


def test_the_champion_goes_on_serving_while_the_registry_cannot_be_read(
    stocked_state: Path, served: Served, tmp_path: Path
) -> None:
    state = Path(shutil.copytree(stocked_state, tmp_path / "state"))
    row = {f"feature_{n}": n / 10 for n in range(50)}

    with served(Settings(state_dir=state)) as client:
        body = {"model": "price", "rows": [{"features": row}]}
        before = client.post("/ml/predict", json=body).json()
        (state / "mlflow" / "mlflow.db").write_bytes(b"no database, at length" * 1000)
        time.sleep(1.2)  # An alias is believed for a second.
        after = client.post("/ml/predict", json=body)
        broken = client.get("/ready")
        shutil.rmtree(state / "mlflow")
        time.sleep(1.2)
        without = client.post("/ml/predict", json=body)
        gone = client.get("/ready")
        unknown = client.post("/ml/predict", json=body | {"model": "moon"})

    assert after.status_code == 200
    assert after.json()["predictions"][0]["value"] == before["predictions"][0]["value"]
    assert without.json()["predictions"][0]["value"] == before["predictions"][0]["value"]
    for ready, why in ((broken, "cannot be read"), (gone, "was there and is gone")):
        assert ready.status_code == 200  # It serves.
        models = ready.json()["components"][3]
        assert (models["name"], models["mode"]) == ("models", "degraded")
        assert models["detail"].startswith("price v1 lightgbm from memory: the model registry")
        assert why in models["detail"]
    assert unknown.status_code == 503
    assert "is gone" in unknown.json()["detail"]
