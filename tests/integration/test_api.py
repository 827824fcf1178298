"""The API over a stocked state folder: what it answers, and what it refuses."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from pydantic import SecretStr, TypeAdapter

from infra.database.engine import open_database
from infra.database.schema import upgrade_database
from infra.servers.postgres import PostgresServer
from infra.servers.redis import RedisServer, redis_server
from infra.setting_groups import CacheSettings, DatabaseSettings, QueueSettings
from infra.settings import Settings
from pnl.attribution import Attribution
from risk.profile import RiskProfile
from services.pnl_performance import Performance
from serving.startup import ComponentState

Served = Callable[..., AbstractContextManager[httpx.Client]]
PROBLEM = "application/problem+json"
GUARDED = [
    "/risk/portfolio",
    "/risk/var",
    "/risk/stress-tests",
    "/risk/decomposition",
    "/risk/night",
    "/pnl/performance",
    "/pnl/attribution",
    "/alerts",
    "/pnl/live",
    "/pnl/stream",
    "/risk/live",
    "/risk/limits",
    "/risk/breaches",
    "/pnl/explain",
    "/pnl/manual",
    "/pnl/manual/journal",
    "/pnl/health",
    "/pnl/intraday",
    "/performance/cache/status",
    "/performance/queue/status",
    "/ml/models",
    "/orders",
]


@pytest.fixture(scope="module")
def started() -> list[ComponentState]:
    return []


@pytest.fixture(scope="module")
def client(
    stocked_state: Path, started: list[ComponentState], served: Served
) -> Iterator[httpx.Client]:
    settings = Settings(state_dir=stocked_state)
    with served(settings, on_started=started.append) as client:
        yield client


def test_components_come_up_in_order_and_ready_lists_them(
    client: httpx.Client, started: list[ComponentState]
) -> None:
    answer = client.get("/ready").json()

    assert answer["ready"] is True
    assert [c["name"] for c in answer["components"]] == [state.name for state in started]
    assert [c["name"] for c in answer["components"]][:3] == ["database", "cache", "queue"]
    assert all(c["mode"] == "embedded" for c in answer["components"][:3])


@pytest.mark.parametrize("path", GUARDED)
def test_without_the_key_nothing_is_told(client: httpx.Client, path: str) -> None:
    for headers in ({"X-API-Key": ""}, {"X-API-Key": "wrong"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == PROBLEM
        assert "api-key" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/openapi.json"])
def test_these_need_no_key(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"X-API-Key": ""}).status_code == 200


def test_the_stored_profile_is_answered_as_it_was_computed(client: httpx.Client) -> None:
    answer = client.get("/risk/portfolio").json()

    profile = TypeAdapter(RiskProfile).validate_python(answer["profile"])
    assert answer["portfolio"] == profile.scope == "core"
    assert answer["desk_date"] == profile.as_of.isoformat()
    assert answer["lineage"]["run_id"] == "run-1"
    assert 0 <= profile.score <= 100


def test_value_at_risk_and_stresses_are_parts_of_the_profile(client: httpx.Client) -> None:
    profile = client.get("/risk/portfolio").json()["profile"]
    var = client.get("/risk/var", params={"portfolio": "core"}).json()
    stress = client.get("/risk/stress-tests").json()

    tested = {(b["estimator"], b["confidence"]): b for b in profile["backtests"]}
    assert var["tails"] == [
        tail
        | {
            "backtest": tested.get((tail["method"], tail["confidence"]))
            if tail["horizon_days"] == 1
            else None
        }
        for tail in profile["tails"]
    ]
    parts = client.get("/risk/decomposition").json()
    for name in ("decomposition", "positions", "movement", "covariances", "tail_shape"):
        assert parts[name] == profile[name]
    assert {t["confidence"] for t in var["tails"]} >= {0.95, 0.99}
    assert stress["stresses"] == profile["stresses"]
    assert {s["name"] for s in stress["stresses"]} >= {
        "market_crash",
        "volatility_spike",
        "correlation_breakdown",
        "liquidity_crisis",
        "interest_rate_shock",
    }


def test_profit_is_answered_to_the_cent(client: httpx.Client) -> None:
    performance = client.get("/pnl/performance").json()["performance"]
    split = client.get("/pnl/attribution", params={"by": "symbol"}).json()["attributions"]

    TypeAdapter(Performance).validate_python(performance)
    (by_symbol,) = [TypeAdapter(Attribution).validate_python(s) for s in split]
    assert sum(part.pnl for part in by_symbol.parts) + by_symbol.residual == by_symbol.total
    assert str(by_symbol.total) == performance["total_pnl"]


def test_the_months_of_any_range_sum_to_its_profit(client: httpx.Client) -> None:
    span = {"from": "2022-02-10", "to": "2022-05-20", "portfolio": "core"}
    whole = client.get("/pnl/performance", params=span).json()
    splits = {
        by: client.get("/pnl/attribution", params=span | {"by": by}).json()["attributions"][0]
        for by in ("day", "week", "month", "hour", "side", "order", "sector", "strategy", "reason")
    }
    explained = client.get("/pnl/explain", params=span).json()["explanation"]

    earned = Decimal(whole["performance"]["total_pnl"])
    assert whole["desk_date"] == "2022-05-20"
    assert whole["performance"]["sessions"][0] == "2022-02-10"
    for split in splits.values():
        parts = sum(Decimal(part["pnl"]) for part in split["parts"])
        assert parts + Decimal(split["residual"]) == Decimal(split["total"]) == earned
    assert [part["name"] for part in splits["month"]["parts"]] == [
        "2022-02", "2022-03", "2022-04", "2022-05",
    ]  # fmt: skip
    assert Decimal(explained["total"]) == earned
    figures = {figure["name"]: figure for figure in whole["performance"]["figures"]}
    assert figures["sharpe_ratio"]["low"] <= figures["sharpe_ratio"]["high"]
    assert whole["performance"]["sureness"]["confidence"] == 0.95


def test_a_mark_by_hand_needs_two_people(client: httpx.Client) -> None:
    mark = {"kind": "mark", "portfolio": "core", "day": "2022-06-17", "symbol": "AAA",
            "amount": "101.5", "reason": "stale close", "author": "ann"}  # fmt: skip
    proposed = client.post("/pnl/manual", json=mark)
    decision = f"/pnl/manual/{proposed.json()['entry_id']}/decision"
    alone = client.post(decision, json={"approve": True, "by": "ann"})
    rejected = client.post(decision, json={"approve": False, "by": "bob", "note": "it is right"})
    again = client.post(decision, json={"approve": True, "by": "cyd"})
    listed = client.get("/pnl/manual", params={"state": "rejected"}).json()["entries"]

    assert (proposed.status_code, proposed.json()["state"]) == (201, "proposed")
    assert alone.status_code == 403
    assert "needs a second person" in alone.json()["detail"]
    assert (rejected.status_code, rejected.json()["decided_by"]) == (200, "bob")
    assert again.status_code == 409
    assert [(e["amount"], e["note"]) for e in listed] == [("101.5", "it is right")]
    journal = client.get("/pnl/manual/journal", params={"portfolio": "core"}).json()["journal"]
    assert [(one["actor"], one["entry"]["state"]) for one in journal] == [
        ("ann", "proposed"), ("bob", "rejected"),
    ]  # fmt: skip


def test_one_session_has_defined_figures_or_a_reason(client: httpx.Client) -> None:
    span = {"from": "2022-02-10", "to": "2022-02-10"}
    figures = client.get("/pnl/performance", params=span).json()["performance"]["figures"]

    assert all((figure["value"] is None) == bool(figure["reason"]) for figure in figures)
    assert {f["name"]: f["reason"] for f in figures}["volatility"].startswith("1 returns are")


def test_an_answer_is_kept_in_the_cache(client: httpx.Client) -> None:
    params = {"portfolio": "core", "as_of": "2022-06-18"}
    first, second = (client.get("/risk/var", params=params) for _ in range(2))

    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.content == second.content
    assert client.get("/performance/cache/status").json()["hits"] >= 1


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/risk/var?portfolio=nowhere", 404, "no 'risk.profile' for 'nowhere'"),
        ("/risk/var?as_of=1999-01-01", 404, "on or before 1999-01-01"),
        ("/risk/var?as_of=yesterday", 422, "as_of"),
        ("/risk/what-if?symbol=NOSUCH&quantity=1", 404, "NOSUCH has no price history"),
        ("/risk/what-if?symbol=AAPL&quantity=0", 422, "give a number other than zero"),
        ("/risk/what-if?symbol=AAPL&quantity=nan", 422, "finite number"),
        ("/risk/weekly?portfolio=core", 404, "no 'risk.weekly' for 'core'"),
        ("/risk/var?portfolio=%00", 422, "portfolio"),
        ("/risk/var?folio=core", 422, "Extra inputs"),
        ("/pnl/attribution?by=moon", 422, "cannot attribute by 'moon'"),
        ("/pnl/attribution?from=2023-01-01", 404, "its books run from"),
        ("/pnl/performance?from=2022-03-02&to=2022-03-01", 422, "swap the dates"),
        ("/pnl/performance?to=2022-03-02&as_of=2022-03-01", 422, "give one of them"),
        ("/pnl/explain?portfolio=nowhere", 404, "no day of portfolio 'nowhere' is kept"),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_document(
    client: httpx.Client, path: str, status: int, words: str
) -> None:
    answer = client.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert words in answer.json()["detail"]
    assert answer.json()["status"] == status


def test_a_wrong_method_is_a_problem_document(client: httpx.Client) -> None:
    answer = client.post("/risk/var")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)


def test_another_host_name_is_turned_away(client: httpx.Client) -> None:
    answer = client.get("/health", headers={"Host": "rebound.example"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM


def test_the_reference_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/docs", "/docs/reference.js", "/docs/reference.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_answer_in_the_openapi_document_is_typed(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()

    for path, methods in document["paths"].items():
        for operation in methods.values():
            (done,) = (code for code in operation["responses"] if code.startswith("2"))
            content = operation["responses"][done]["content"]
            if path == "/pnl/stream":  # Events are text; what each holds is /pnl/live's answer.
                assert set(content) == {"text/event-stream"}
            else:
                assert "$ref" in content["application/json"]["schema"], path
            guarded = path not in {"/health", "/ready"}
            assert bool(operation.get("security")) == guarded, path
            assert ("401" in operation["responses"]) == guarded, path


def test_every_reference_in_the_openapi_document_leads_somewhere(client: httpx.Client) -> None:
    text = client.get("/openapi.json").text
    schemas = json.loads(text)["components"]["schemas"]

    named = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text))
    assert "OverrideRequest" in named
    assert named <= set(schemas)
    assert text.count('"$ref"') == len(re.findall(r'"\$ref":"#/components/schemas/', text))


def test_every_operation_says_what_it_does_in_a_sentence(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert paths["/risk/limits/overrides"]["post"]["summary"].startswith("Raise a limit until")
    for methods in paths.values():
        for operation in methods.values():
            assert operation["description"].startswith(operation["summary"])


def test_the_bare_address_leads_to_the_reference_page(client: httpx.Client) -> None:
    answer = client.get("/", follow_redirects=True)

    assert answer.url.path == "/docs"
    assert "operations" in answer.text


def test_a_cache_that_is_gone_degrades_and_the_api_answers(
    stocked_state: Path, served: Served
) -> None:
    settings = Settings(
        state_dir=stocked_state,
        cache=CacheSettings(url=SecretStr("redis://127.0.0.1:1/0")),
    )
    with served(settings) as client:
        cache = client.get("/ready").json()["components"][1]
        answer = client.get("/risk/var")

    assert (cache["name"], cache["mode"]) == ("cache", "degraded")
    assert "does not answer" in cache["detail"]
    assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")


def test_with_real_servers_every_edge_is_real(
    redis: RedisServer, postgres: PostgresServer, tmp_path: Path, served: Served
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE served")
    own = DatabaseSettings(url=SecretStr(postgres.url_of("served")))
    database = open_database(own, state_dir=tmp_path)
    upgrade_database(database)
    database.close()
    settings = Settings(
        state_dir=tmp_path,
        database=own,
        cache=CacheSettings(url=SecretStr(redis.url), timeout_seconds=5),
        queue=QueueSettings(url=SecretStr(redis.url)),
    )

    with served(settings) as client:
        modes = {c["name"]: c["mode"] for c in client.get("/ready").json()["components"]}
        queue = client.get("/performance/queue/status").json()
        missing = client.get("/risk/var")

    assert [modes[name] for name in ("database", "cache", "queue")] == ["real"] * 3
    assert queue["mode"] == "real"
    assert missing.status_code == 404


def test_ready_tells_of_a_redis_that_goes_away_while_serving(
    stocked_state: Path, served: Served
) -> None:
    def modes(ready: dict[str, Any]) -> list[str]:
        return [c["mode"] for c in ready["components"] if c["name"] in {"cache", "queue"}]

    with ExitStack() as stack:
        server = stack.enter_context(redis_server())
        url = SecretStr(server.url)
        settings = Settings(
            state_dir=stocked_state, cache=CacheSettings(url=url), queue=QueueSettings(url=url)
        )
        with served(settings) as client:
            before = client.get("/ready").json()
            stack.close()  # Redis ends; what was told before counts a second.
            deadline = time.monotonic() + 60
            while "real" in modes(after := client.get("/ready").json()):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            answer = client.get("/risk/var")

    assert modes(before) == ["real", "real"]
    assert modes(after) == ["degraded", "degraded"]
    assert (after["ready"], answer.status_code) == (True, 200)


def test_a_redis_that_wants_a_password_is_told_in_one_line(
    stocked_state: Path, served: Served
) -> None:
    with redis_server(password="sesame") as server:
        url = SecretStr(server.url.replace(":sesame@", ""))
        with served(Settings(state_dir=stocked_state, cache=CacheSettings(url=url))) as client:
            cache = client.get("/ready").json()["components"][1]

    assert (cache["name"], cache["mode"]) == ("cache", "degraded")
    assert "needs a password: put it into the URL" in cache["detail"]


@contextmanager
def quantdesk_serve(state: Path, port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process of its own, which is gone on exit."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "quantdesk"), "serve", "--port", str(port)],
        env=os.environ | {"QUANTDESK_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"} | variables,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_shows_each_component_and_stops_on_request(stocked_state: Path) -> None:
    with quantdesk_serve(stocked_state, 0) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(7)]
        address = lines[0].split()[2].removesuffix("/docs")

        with urllib.request.urlopen(f"{address}/ready") as answer:
            components = json.loads(answer.read())["components"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert [line.split()[:2] for line in lines[2:]] == [[c["name"], c["mode"]] for c in components]
    assert all(" ms " in line for line in lines[2:])


def test_a_taken_port_is_one_line(stocked_state: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        quantdesk_serve(stocked_state, taken.getsockname()[1]) as process,
    ):
        _, error = process.communicate(timeout=180)

    assert process.returncode == 6
    assert error.count("\n") == 1
    assert "is taken" in error


def test_a_database_that_is_gone_ends_the_command_in_one_line(stocked_state: Path) -> None:
    url = "postgresql://u:sesame@127.0.0.1:1/d"
    with quantdesk_serve(stocked_state, 0, QUANTDESK_DATABASE__URL=url) as process:
        _, error = process.communicate(timeout=180)

    assert process.returncode == 6
    assert error.count("\n") == 1
    assert "is it running" in error
    assert "sesame" not in error
