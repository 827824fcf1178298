"""Tests of `serving.startup`: order, modes, and what a failure does."""

import pytest

from basics.errors import UnavailableError
from serving.startup import Component, ComponentState, Started, StartUp

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

    start_up = StartUp([told("cache", watched=True), told("models", watched=False)])
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
