"""Tests of `serving.startup`: order, modes, and what a failure does."""

import asyncio

import pytest

from basics.errors import UnavailableError
from serving.startup import KEEP_SECONDS, Component, ComponentState, Started, StartUp

pytestmark = pytest.mark.anyio


def component(name: str, *, error: Exception | None = None, required: bool = False) -> Component:
    async def start() -> Started:
        if error is not None:
            raise error
        return Started("embedded", f"{name} is up")

    return Component(name, start, required=required)


async def test_components_come_up_in_order_and_then_it_is_ready() -> None:
    told: list[tuple[str, list[bool]]] = []

    def note(state: ComponentState) -> None:
        told.append((state.name, [s.ready for s in start_up.states]))

    start_up = StartUp([component("a"), component("b")], on_started=note)
    assert not start_up.ready

    await start_up.run()

    assert told == [("a", [True, False]), ("b", [True, True])]
    assert start_up.ready
    assert [s.detail for s in start_up.states] == ["a is up", "b is up"]


async def test_what_the_desk_can_do_without_is_degraded_and_the_rest_comes_up() -> None:
    start_up = StartUp([component("a", error=UnavailableError("a is gone")), component("b")])

    await start_up.run()

    assert [(s.mode, s.detail) for s in start_up.states] == [
        ("degraded", "a is gone"),
        ("embedded", "b is up"),
    ]
    assert start_up.ready
    assert start_up.error is None


@pytest.mark.parametrize("error", [UnavailableError("a is gone"), OSError("a is gone")])
async def test_what_is_required_and_fails_stops_the_start_up(error: Exception) -> None:
    start_up = StartUp([component("a", error=error, required=True), component("b")])

    await start_up.run()

    assert [s.mode for s in start_up.states] == ["failed", "waiting"]
    assert not start_up.ready
    assert "a is gone" in str(start_up.error)


async def test_what_is_watched_is_asked_again_and_may_come_back() -> None:
    gone = False
    asked: list[str] = []

    def told(name: str, *, watched: bool) -> Component:
        async def start() -> Started:
            asked.append(name)
            if gone:
                raise OSError("the line is cut")
            return Started("real", "up")

        return Component(name, start, required=True, watched=watched)

    now = iter((0.0, 0.0, KEEP_SECONDS, KEEP_SECONDS)).__next__
    watched, other = told("cache", watched=True), told("models", watched=False)
    start_up = StartUp([watched, other], monotonic=now)
    await start_up.look_again()  # Before it came up: its turn comes.
    await start_up.run()

    gone = True
    await start_up.look_again()
    lost = [(s.mode, s.detail) for s in start_up.states]
    gone = False
    await start_up.look_again()

    assert lost == [("degraded", "OSError: the line is cut"), ("real", "up")]
    assert start_up.ready
    assert [s.mode for s in start_up.states] == ["real", "real"]
    assert asked == ["cache", "models", "cache", "cache"]


async def test_callers_share_one_asking_which_counts_for_a_second() -> None:
    asked, now = 0, 100.0

    async def start() -> Started:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)  # The others come while the first is being told.
        return Started("real", f"asked {asked} times")

    start_up = StartUp([Component("database", start, watched=True)], monotonic=lambda: now)
    await start_up.run()
    asked = 0

    await asyncio.gather(*(start_up.look_again() for _ in range(50)))
    now = 100.9
    await start_up.look_again()
    within, details = asked, [s.detail for s in start_up.states]
    now = 101.0
    await start_up.look_again()

    assert (within, details) == (1, ["asked 1 times"])
    assert asked == 2
