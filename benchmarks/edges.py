"""The edges: answers over HTTP, predictions beside MLflow's scoring server, a cache that is gone.

The API and MLflow's server run one at a time, each in a process of its own on loopback, and
are asked by the same client over kept-alive connections.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.harness import Row, publish
from infra.api_key import api_key
from infra.bootstrap import Desk, open_desk
from infra.cache.redis import RedisCache
from infra.companions import Companion
from infra.isolation import isolated_environment
from infra.servers.process import GuardedProcess, free_port
from infra.servers.redis import redis_server
from infra.setting_groups import CacheSettings
from infra.settings import Settings
from infra.supervisor import own_command
from services.ports import ModelRun

VAR_RATE, VAR_SECONDS = 200, 10.0
PREDICT_SECONDS, WARM_SECONDS = 5.0, 1.0
CONNECTIONS = 4
FEATURES = [f"feature_{n}" for n in range(50)]
CACHE_TIMEOUT_SECONDS = CacheSettings().timeout_seconds


def main() -> None:
    """Measure and publish every claim."""
    with tempfile.TemporaryDirectory(prefix="qd-bench-") as folder:
        state = Path(folder)
        settings = Settings(state_dir=state)
        text = _stock(settings)
        with _serving(settings) as (url, key):
            p99 = asyncio.run(_var_p99_ms(url, key))
            unseen = asyncio.run(_rate(url + "/ml/predict", {"X-API-Key": key}, _own_bodies()))
            same = asyncio.run(
                _rate(url + "/ml/predict", {"X-API-Key": key}, _own_bodies(distinct=False))
            )
            logged = asyncio.run(
                _rate(url + "/ml/predict", {"X-API-Key": key}, _own_bodies(about=True))
            )
        peer = _mlflow_rate(state, text)
    worst_ms, failed = asyncio.run(_redis_down())
    publish("edges", [
        Row("edges.risk_var_http", f"/risk/var from cache, p99 at {VAR_RATE}/s", p99, "ms",
            "limit", 5.0),
        Row("edges.predict_http", "/ml/predict, one row, each row new", unseen, "1/s",
            "mlflow models serve", peer),
        Row("edges.predict_http_hit", "/ml/predict, one row, told from the cache", same, "1/s",
            "mlflow models serve", peer),
        Row("edges.predict_http_logged", "/ml/predict, one row about an entity, each logged",
            logged, "1/s", "mlflow models serve", peer),
        Row("edges.redis_down_call", f"worst cache call, Redis stopped; {failed} failed", worst_ms,
            "ms", "limit", 60.0),
    ])  # fmt: skip
    if failed:
        sys.exit(f"{failed} cache calls failed")


def _stock(settings: Settings) -> str:
    """Store a risk profile as wide as a real one and register a model; return the model's text."""
    import lightgbm

    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, len(FEATURES)))
    data = lightgbm.Dataset(x, x[:, 0] + x[:, 1] * x[:, 2], feature_name=FEATURES)
    options = {"verbose": -1, "num_leaves": 31, "num_threads": 1, "seed": 1}
    text = str(lightgbm.train(options, data, num_boost_round=200).model_to_string())
    with open_desk(settings) as desk:
        desk.results.put("risk.profile", "core", date(2022, 12, 28), _profile(), {"run_id": "b"})
        _register(desk, text)
    return text


def _register(desk: Desk, text: str) -> None:
    run = ModelRun(
        name="price", estimator="lightgbm", trial_key="t", parameters={}, metrics={}, series={},
        files={"model/model.txt": text.encode()},
        tags={"feature_set": "bench@1", "feature_hash": "f", "data_version": "d"},
    )  # fmt: skip
    version = desk.models.register(run, format="lightgbm-text", input_key="k").version
    desk.models.move_alias("price", "champion", version, expected=None, reason="benchmark")


def _profile() -> dict[str, Any]:
    """Return a document with what `/risk/var` shows, of the size that the demo leaves."""
    tail = {
        "method": "historical", "confidence": 0.99, "horizon_days": 1, "value_at_risk": 1e5,
        "expected_shortfall": 1.3e5, "var_fraction": 0.01, "es_fraction": 0.013,
        "quantile_rule": "acerbi_tasche", "best": False, "in_confidence_set": True,
    }  # fmt: skip
    test = {
        "estimator": "historical", "confidence": 0.99, "n_days": 503, "exceedances": 5,
        "expected": 5.0, "kupiec_p": 0.9, "independence_p": 0.7, "coverage_p": 0.9,
        "dynamic_quantile_p": 0.4, "zone": "green", "frtb_multiplier": 1.5, "z1": 0.1, "z2": 0.1,
        "z3": None, "z1_p": None, "z2_p": None, "z3_p": None, "pinball": 0.1,
        "fissler_ziegel": 11.7,
    }  # fmt: skip
    days = [f"20{20 + n // 260}-01-01" for n in range(504)]
    return {
        "currency": "USD", "equity": 1e7, "tails": [tail] * 30, "backtests": [test] * 40,
        "backtest_basis": "the book's own history",
        "forecast": {"method": "historical", "confidence": 0.99, "sessions": days,
                     "realised": [1.5] * 504, "value_at_risk": [2.5] * 504, "kupiec_p": 0.4},
        "notes": ["a note"] * 5,
    }  # fmt: skip


@contextmanager
def _serving(settings: Settings) -> Iterator[tuple[str, str]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = own_command(settings, "API", ("serve", "--port", str(port)))
    with _running(command, settings.state_dir / "api.log", f"{url}/ready"):
        yield url, api_key(settings)


def _mlflow_rate(state: Path, text: str) -> float:
    """Return the requests a second of MLflow's own scoring server on the same model."""
    import lightgbm
    import mlflow

    path, port = state / "peer", free_port()
    mlflow.lightgbm.save_model(
        lightgbm.Booster(model_str=text), path,
        pip_requirements=["lightgbm"], input_example=None,
    )  # fmt: skip
    mlflow_tool = str(Path(sys.executable).parent / "mlflow")
    environment = os.environ | isolated_environment(state)
    # The tool finds uvicorn by name.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = (mlflow_tool, "models", "serve", "-m", str(path), "--env-manager", "local",
               "-h", "127.0.0.1", "-p", str(port), "--workers", "1")  # fmt: skip
    peer = Companion("peer", command, environment, "", "")
    url = f"http://127.0.0.1:{port}"
    with _running(peer, state / "peer.log", f"{url}/ping"):
        return asyncio.run(_rate(f"{url}/invocations", {}, _peer_bodies()))


@contextmanager
def _running(companion: Companion, log: Path, health_url: str) -> Iterator[None]:
    process = GuardedProcess(companion.command, log=log, environment=dict(companion.environment))

    def healthy() -> bool:
        try:
            return httpx.get(health_url, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        process.wait_until(healthy, seconds=180)
        yield
    finally:
        process.close()


def _own_bodies(*, distinct: bool = True, about: bool = False) -> Iterator[bytes]:
    for number, values in enumerate(_values(distinct=distinct)):
        row: dict[str, Any] = {"features": dict(zip(FEATURES, values, strict=True))}
        if about:
            day = date(2022, 1, 3) + timedelta(number // 500)
            row |= {"entity": f"E{number % 500}", "session": day.isoformat()}
        yield json.dumps({"model": "price", "rows": [row]}).encode()


def _peer_bodies() -> Iterator[bytes]:
    for values in _values(distinct=True):
        yield json.dumps({"dataframe_split": {"columns": FEATURES, "data": [values]}}).encode()


def _values(*, distinct: bool) -> Iterator[list[float]]:
    rng = np.random.default_rng(2)
    fixed: list[float] = rng.normal(size=len(FEATURES)).tolist()
    while True:
        yield rng.normal(size=len(FEATURES)).tolist() if distinct else fixed


async def _var_p99_ms(url: str, key: str) -> float:
    """Return the 99th percentile from when a request was due, so that no delay hides."""
    address = httpx.URL(f"{url}/risk/var")
    delays: list[float] = []
    async with _Connections(address, {"X-API-Key": key}) as connections:
        await connections.ask("GET", b"")
        start = time.perf_counter() + 0.1
        waiting: asyncio.Queue[float] = asyncio.Queue()

        async def work() -> None:
            while True:
                due = await waiting.get()
                await connections.ask("GET", b"")
                delays.append(time.perf_counter() - due)
                waiting.task_done()

        workers = [asyncio.create_task(work()) for _ in range(CONNECTIONS)]
        for n in range(int(VAR_RATE * VAR_SECONDS)):
            due = start + n / VAR_RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            waiting.put_nowait(due)
        await waiting.join()
        for worker in workers:
            worker.cancel()
    return statistics.quantiles(delays, n=100)[98] * 1000


async def _rate(url: str, headers: dict[str, str], bodies: Iterator[bytes]) -> float:
    """Return answered requests a second over a few connections, after a warm-up."""
    prepared = [next(bodies) for _ in range(4000)]
    async with _Connections(httpx.URL(url), headers) as connections:
        await _ask_for(connections, prepared, WARM_SECONDS)
        began = time.perf_counter()
        count = await _ask_for(connections, prepared[::-1], PREDICT_SECONDS)
        return count / (time.perf_counter() - began)


async def _ask_for(connections: "_Connections", bodies: Sequence[bytes], seconds: float) -> int:
    deadline = time.perf_counter() + seconds
    asked = 0

    async def work() -> None:
        nonlocal asked
        while time.perf_counter() < deadline:
            body = bodies[asked % len(bodies)]
            asked += 1
            await connections.ask("POST", body)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return asked


class _Connections:
    """A few kept-alive connections that speak as little HTTP as they can: they share the cores."""

    def __init__(self, url: httpx.URL, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = {"Host": f"127.0.0.1:{url.port}", "Content-Type": "application/json"}
        self._headers |= headers
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._idle = asyncio.Queue()

    async def __aenter__(self) -> "_Connections":
        for _ in range(CONNECTIONS):
            pair = await asyncio.open_connection("127.0.0.1", self._url.port)
            self._idle.put_nowait(pair)
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    async def ask(self, method: str, body: bytes) -> bytes:
        reader, writer = await self._idle.get()
        lines = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        head = f"{method} {self._url.raw_path.decode()} HTTP/1.1\r\n{lines}"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise SystemExit(f"an unexpected answer: {answer.decode()}")
        length = next(
            int(line.partition(b":")[2])
            for line in answer.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        content = await reader.readexactly(length)
        self._idle.put_nowait((reader, writer))
        return content


async def _redis_down() -> tuple[float, int]:
    """Return the worst call in ms over a hang and a stop of the server, and how many failed."""
    worst, failed = 0.0, 0
    with redis_server() as server:
        cache = RedisCache(
            server.url, timeout_seconds=CACHE_TIMEOUT_SECONDS, breaker_open_seconds=0.5
        )
        await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)
        for outage in ("freeze", "stop"):
            getattr(server, outage)()
            deadline = time.perf_counter() + 3.0
            while time.perf_counter() < deadline:
                for call in (cache.get_many("n", ["a"]), cache.delete_many("n", ["b"])):
                    began = time.perf_counter()
                    try:
                        await call
                    except Exception:  # Every failure counts, whatever it is.
                        failed += 1
                    worst = max(worst, time.perf_counter() - began)
                await asyncio.sleep(0.001)
            if outage == "freeze":
                server.thaw()
                await asyncio.sleep(0.6)
        await cache.close()
    return worst * 1000, failed


if __name__ == "__main__":
    main()
