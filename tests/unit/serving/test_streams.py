"""A stream's clients: bounded, resumed, and dropped when they do not read."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from basics.clock import ManualClock
from basics.errors import UnavailableError
from services.live_desk import LiveDesk
from services.live_state import LiveState
from services.order_tickets import DESK
from serving.streams import Client, EventStream, PnlStream
from tests.live_sample import NOON, accounting, database, fill, live_desk, mark

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[LiveDesk]:
    opened = database(tmp_path)
    accounting(opened).book_fills(DESK, [fill(1, "AAA", 10)])
    made = live_desk(tmp_path, opened, ManualClock(NOON))
    made.start()
    yield made
    await made.queue.close()
    opened.close()


def stream(**limits: int) -> PnlStream:
    return PnlStream(**{"backlog": 3, "memory": 5, "most_clients": 2} | limits)


async def move(desk: LiveDesk, n: int) -> LiveState:
    """Return the state after the `n`-th mark."""
    desk.offer([mark("AAA", 100.0 + n, n)])
    await desk.turn()
    return desk.state()


def take(client: Client) -> list[tuple[str, str, Any]]:
    """Return id, kind and data of everything that waits."""
    found = []
    while not client.waiting.empty():
        head = client.waiting.get_nowait().decode().strip().split("\n")
        id_, kind, data = (line.partition(": ")[2] for line in head)
        found.append((id_, kind, json.loads(data)))
    return found


async def test_changes_laid_over_the_whole_are_the_state(desk: LiveDesk) -> None:
    events = stream()
    client = events.join(desk.state(), None)
    for n in (1, 2):
        events.publish(await move(desk, n))

    (_, _, whole), *changes = take(client)

    parts = {p["name"]: p for p in whole["by"]["side"]}
    for _, kind, change in changes:
        assert kind == "change"
        parts |= {p["name"]: p for p in change["by"]["side"]}
    assert parts["buy"]["pnl"] == pytest.approx(10 * 2 - 0.35)
    assert "order" not in whole["by"]


async def test_only_what_is_still_kept_is_resumed(desk: LiveDesk) -> None:
    events = stream(memory=2, backlog=9)
    client = events.join(desk.state(), None)
    for n in range(1, 5):
        events.publish(await move(desk, n))
    ids = [id_ for id_, _, _ in take(client)]

    def resumed(last: str) -> list[str]:
        return [kind for _, kind, _ in take(events.join(desk.state(), last))]

    events.clients.clear()
    assert resumed(ids[-1]) == []
    events.clients.clear()
    assert resumed(ids[-2]) == ["change"]
    events.clients.clear()
    assert resumed(ids[-3]) == ["change", "change"]
    events.clients.clear()
    assert resumed(ids[-4]) == ["snapshot"]
    for wrong in ("", "x", "00000000-3", ids[-1] + "x"):
        events.clients.clear()
        assert resumed(wrong) == ["snapshot"]


async def test_a_client_that_falls_behind_is_dropped_and_the_others_go_on(desk: LiveDesk) -> None:
    events = stream(backlog=3)
    lazy, eager = events.join(desk.state(), None), events.join(desk.state(), None)
    seen = []
    for n in range(1, 5):
        events.publish(await move(desk, n))
        seen += [data["sequence"] for _, _, data in take(eager)]

    assert lazy.late.is_set()
    assert lazy.waiting.qsize() == 3
    assert (events.clients, events.dropped) == ({eager}, 1)
    assert seen == list(range(seen[0], seen[0] + 5))


async def test_a_send_that_waits_for_a_dropped_client_is_given_up(desk: LiveDesk) -> None:
    events = stream(backlog=2)
    client = events.join(desk.state(), None)
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # The client's window is full.

    async def receive() -> Any:
        await asyncio.Event().wait()

    response = EventStream(events, client, heartbeat_seconds=60)
    task = asyncio.create_task(response({}, receive, send))
    for n in range(1, 5):
        events.publish(await move(desk, n))

    await task

    assert sent == ["http.response.start", "http.response.body"]
    assert events.dropped == 1


async def test_a_client_that_leaves_is_forgotten(desk: LiveDesk) -> None:
    events = stream()
    client = events.join(desk.state(), None)

    async def send(message: Any) -> None:
        del message

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    await EventStream(events, client, heartbeat_seconds=60)({}, receive, send)

    assert events.clients == set()


async def test_more_clients_than_are_served_are_refused(desk: LiveDesk) -> None:
    events = stream(most_clients=1)
    events.join(desk.state(), None)
    with pytest.raises(UnavailableError, match="1 streams are served already"):
        events.join(desk.state(), None)
