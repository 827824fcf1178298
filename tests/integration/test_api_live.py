"""The live desk over HTTP and in the terminal: marks in, profit, risk and their stream out."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from basics.errors import MissingDataError, UnavailableError
from infra.setting_groups import LiveSettings
from infra.settings import Settings
from quantdesk.main import build_app

Served = Callable[..., AbstractContextManager[httpx.Client]]
PORTFOLIO = "core"
BEGAN = datetime(2030, 1, 1, tzinfo=UTC)  # Later than every close of the sample.
MARKS = (BEGAN + timedelta(seconds=n) for n in range(100_000))


@pytest.fixture(scope="module")
def client(
    stocked_state: Path, tmp_path_factory: pytest.TempPathFactory, served: Served
) -> Iterator[httpx.Client]:
    state = shutil.copytree(stocked_state, tmp_path_factory.mktemp("live") / "state")
    live = LiveSettings(pause_seconds=0.01, heartbeat_seconds=0.2)
    with served(Settings(state_dir=Path(state), live=live)) as client:
        while client.get("/pnl/live", params={"portfolio": PORTFOLIO}).status_code == 503:
            time.sleep(0.05)
        yield client


def post(client: httpx.Client, **prices: float) -> None:
    """Send a later mark of each symbol."""
    at = next(MARKS).isoformat()
    marks = [{"symbol": s, "price": p, "event_time": at} for s, p in prices.items()]
    answer = client.post("/marks", json={"marks": marks})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(marks)


def read(client: httpx.Client, path: str, **asked: str) -> Any:
    answer = client.get(path, params={"portfolio": PORTFOLIO, **asked})
    assert answer.status_code == 200
    return answer.json()


def until(client: httpx.Client, done: Callable[[Any], bool]) -> Any:
    """Return the first state of which `done` is true."""
    while not done(state := read(client, "/pnl/live")):
        time.sleep(0.005)
    return state


def price_of(state: Any, symbol: str) -> float:
    """Return the mark: 1000 of each symbol are held."""
    return next(p["net"] for p in state["by"]["symbol"] if p["name"] == symbol) / 1000


class Events:
    """Reads a stream, event by event."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self) -> tuple[str, str, Any]:
        """Return id, kind and data of the next event."""
        found = {}
        for line in self._lines:
            if not line and "data" in found:
                return found["id"], found["event"], json.loads(found["data"])
            name, _, value = line.partition(": ")
            found[name] = value
        raise AssertionError("the stream has ended")


def test_a_mark_moves_profit_and_risk_of_one_state(client: httpx.Client) -> None:
    before = read(client, "/pnl/live")
    price = price_of(before, "AAA") + 5

    post(client, AAA=price)
    after = until(client, lambda s: s["sequence"] > before["sequence"])

    assert after["total"]["pnl"] - before["total"]["pnl"] == pytest.approx(5000)
    assert after["day_pnl"] - before["day_pnl"] == pytest.approx(5000)
    assert after["equity"] - before["equity"] == pytest.approx(5000)
    for parts in after["by"].values():
        assert sum(part["pnl"] for part in parts) == pytest.approx(
            after["total"]["pnl"], abs=1e-6 * after["total"]["gross"]
        )
    assert abs(after["ledger_difference"]) < 0.05
    assert set(after["by"]) == {
        "symbol", "strategy", "sector", "currency", "model_version", "arm", "side", "hour",
    }  # fmt: skip
    risk = read(client, "/risk/live")
    assert risk["sequence"] >= after["sequence"]
    assert risk["risk"]["equity"] == pytest.approx(after["equity"])
    assert risk["risk"]["value_at_risk"]["0.99"] > 0
    assert risk["risk"]["level"] in {"LOW", "MEDIUM", "HIGH", "CRITICAL"}


def test_the_full_risk_profile_is_there_and_says_of_which_state(client: httpx.Client) -> None:
    before = read(client, "/pnl/live")
    post(client, AAA=price_of(before, "AAA") + 1)
    until(client, lambda s: s["sequence"] > before["sequence"])
    while (found := read(client, "/risk/live"))["profile"] is None:
        time.sleep(0.01)
    profile = found["profile"]

    assert profile["sequence"] <= found["sequence"]
    headline = {(t["method"], t["confidence"]) for t in profile["tails"]}
    assert {("filtered_garch", 0.975), ("extreme_value", 0.99), ("monte_carlo", 0.95)} <= headline
    assert {g["by"] for g in profile["decomposition"]} >= {"strategy", "sector"}
    assert {s["name"] for s in profile["stresses"]} >= {"market_crash", "reverse_10_percent"}
    assert {p["symbol"] for p in profile["positions"]} == {"AAA", "BBB", "CCC"}


def test_orders_are_told_to_those_who_ask(client: httpx.Client) -> None:
    assert {part["name"] for part in read(client, "/pnl/live", by="order")["by"]["order"]} == {
        "AAA", "BBB", "CCC",
    }  # fmt: skip


def test_the_stream_gives_the_whole_then_what_changes(client: httpx.Client) -> None:
    before = read(client, "/pnl/live")
    with client.stream("GET", "/pnl/stream", params={"portfolio": PORTFOLIO}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = Events(answer.iter_lines())
        _, kind, whole = events.next()
        post(client, BBB=price_of(before, "BBB") + 1)
        id_, changed, change = events.next()

    assert (kind, changed) == ("snapshot", "change")
    assert whole["by"] == before["by"]
    assert [part["name"] for part in change["by"]["symbol"]] == ["BBB"]
    assert change["sequence"] == whole["sequence"] + 1
    assert id_.endswith(f"-{change['sequence']}")


def test_a_client_that_comes_back_gets_what_it_missed(client: httpx.Client) -> None:
    params = {"portfolio": PORTFOLIO}
    with client.stream("GET", "/pnl/stream", params=params) as answer:
        last, _, whole = Events(answer.iter_lines()).next()
    price = price_of(whole, "CCC")
    for n in (1, 2):
        post(client, CCC=price + n)
        until(client, lambda s, n=n: s["sequence"] >= whole["sequence"] + n)

    with client.stream(
        "GET", "/pnl/stream", params=params, headers={"Last-Event-ID": last}
    ) as answer:
        events = Events(answer.iter_lines())
        missed = [events.next() for _ in range(2)]
    with client.stream(
        "GET", "/pnl/stream", params=params, headers={"Last-Event-ID": "another-7"}
    ) as answer:
        _, kind, _ = Events(answer.iter_lines()).next()

    assert [(kind, data["sequence"]) for _, kind, data in missed] == [
        ("change", whole["sequence"] + 1),
        ("change", whole["sequence"] + 2),
    ]
    assert kind == "snapshot"


def test_a_silent_stream_says_that_it_lives(client: httpx.Client) -> None:
    with client.stream("GET", "/pnl/stream", params={"portfolio": PORTFOLIO}) as answer:
        assert any(line == ": still here" for line in answer.iter_lines())


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ({"symbol": "AAA", "price": 1.0, "event_time": "2030-01-01T00:00:00"}, "no time zone"),
        ({"symbol": "AAA", "price": "1", "event_time": "2030-01-01T00:00:00Z"}, "price"),
        ({"symbol": "aaa", "price": 1.0, "event_time": "2030-01-01T00:00:00Z"}, "symbol"),
    ],
)
def test_a_malformed_mark_is_refused(
    client: httpx.Client, mark: dict[str, object], words: str
) -> None:
    answer = client.post("/marks", json={"marks": [mark]})
    assert answer.status_code == 422
    assert words in answer.text


def test_late_and_unknown_marks_are_counted(client: httpx.Client) -> None:
    before = read(client, "/pnl/live")
    old = {"symbol": "AAA", "price": 1.0, "event_time": "2021-01-01T00:00:00Z"}
    strange = {"symbol": "ZZZ", "price": 1.0, "event_time": "2031-01-01T00:00:00Z"}
    client.post("/marks", json={"marks": [old, strange]})
    post(client, BBB=price_of(before, "BBB") + 1)

    after = until(client, lambda s: s["sequence"] > before["sequence"])

    gained = {k: n - before["ticks"][k] for k, n in after["ticks"].items()}
    assert gained["unknown"] == 1
    assert gained["out_of_order"] == 1


def test_a_portfolio_that_is_not_live_is_named(client: httpx.Client) -> None:
    answer = client.get("/pnl/live", params={"portfolio": "nowhere"})
    assert answer.status_code == 404
    assert "nowhere is not live: there is core, manual" in answer.json()["detail"]
    assert client.get("/risk/live").status_code == 422


def test_an_order_is_in_the_live_book_with_its_alert(client: httpx.Client) -> None:
    # The manual book of a million has no position: 40% in one name passes its limit.
    price = price_of(read(client, "/pnl/live"), "CCC")
    order = {"symbol": "CCC", "side": "buy", "quantity": str(int(400_000 / price))}

    answer = client.post("/orders", json=order)
    if answer.status_code == 403:  # The controls hold the order to their own limit.
        quantity = int(140_000 / price)
        answer = client.post("/orders", json={**order, "quantity": str(quantity)})
    assert answer.status_code == 201

    while not (state := read(client, "/pnl/live", portfolio="manual"))["by"]["symbol"]:
        time.sleep(0.01)
    assert state["by"]["symbol"][0]["name"] == "CCC"
    post(client, CCC=3 * price)
    told: list[Any] = []
    while not told:
        found = client.get("/alerts", params={"kind": "risk.limit_breached"}).json()["alerts"]
        told = [a for a in found if a["scope"] == "manual" and "symbol CCC" in a["message"]]
        time.sleep(0.01)
    assert told[0]["message"].startswith("weight of symbol CCC is ")


def test_the_terminal_shows_the_running_desk(client: httpx.Client) -> None:
    before = dict(os.environ)
    variables = {
        "QUANTDESK_API__PORT": str(client.base_url.port),
        "QUANTDESK_API__KEY": client.headers["X-API-Key"],
    }

    def run(*words: str) -> str:
        done = CliRunner().invoke(build_app(), words, env=variables)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    try:
        profit = json.loads(run("pnl", "live", PORTFOLIO, "--json"))
        assert profit["by"].keys() >= {"symbol", "side"}
        assert "By model version" in run("pnl", "live", PORTFOLIO)
        assert "By order" in run("pnl", "live", PORTFOLIO, "--by", "order")
        assert json.loads(run("risk", "live", PORTFOLIO, "--json"))["risk"]["limits"]
        assert "Limits on positions plus working orders" in run("risk", "live", PORTFOLIO)
        assert "Full profile of state" in run("risk", "live", PORTFOLIO, "--full")
        with pytest.raises(MissingDataError, match="is not live"):
            run("pnl", "live", "nowhere")
        variables["QUANTDESK_API__PORT"] = "1"
        with pytest.raises(UnavailableError, match=r"no desk answers at http://127\.0\.0\.1:1"):
            run("pnl", "live", PORTFOLIO)
    finally:
        os.environ.clear()
        os.environ.update(before)
