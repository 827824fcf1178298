"""Server-sent events: each state encoded once, a bounded backlog for each client.

A client gets the whole state first, then changes. One that comes back with the id of the last
event it saw gets what it missed, if that is still kept, else the whole again. One that falls
behind by more than its backlog is dropped: it holds up nobody, and comes back when it can.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from basics.errors import UnavailableError
from services.live_state import LiveState
from services.live_views import pnl_change, pnl_view

HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ],
}
STILL_HERE = b": still here\n\n"


class Client:
    """What waits for one client; `late` is set when that was too much."""

    def __init__(self, backlog: int) -> None:
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(backlog)
        self.late = asyncio.Event()

    def offer(self, event: bytes) -> bool:
        """Let the event wait; False if the client is too far behind."""
        try:
            self.waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.late.set()
            return False
        return True


class PnlStream:
    """The profit of one portfolio as events.

    Attributes
    ----------
    dropped : int
        Clients that fell too far behind so far.
    """

    def __init__(self, *, backlog: int, memory: int, most_clients: int) -> None:
        self.dropped = 0
        self.clients: set[Client] = set()
        self._backlog = backlog
        self._most_clients = most_clients
        # Sequences may repeat after a crash: ids of another process must not be taken for ours.
        self._process = secrets.token_hex(4)
        self._whole: dict[str, Any] | None = None
        self._changes: deque[tuple[int, bytes]] = deque(maxlen=memory)

    def publish(self, state: LiveState) -> None:
        """Send what changed to every client."""
        after = pnl_view(state)
        if self._whole is not None:
            event = self._event("change", pnl_change(self._whole, after))
            self._changes.append((state.sequence, event))
            for client in [c for c in self.clients if not c.offer(event)]:
                self.clients.discard(client)
                self.dropped += 1
                structlog.get_logger(__name__).warning(
                    "slow stream client dropped", portfolio=state.portfolio, dropped=self.dropped
                )
        self._whole = after

    def join(self, state: LiveState, last_event_id: str | None) -> Client:
        """Return a new client that begins with what it missed, or with the whole state.

        Raises
        ------
        UnavailableError
            If too many clients are served already.
        """
        if len(self.clients) >= self._most_clients:
            raise UnavailableError(
                f"{len(self.clients)} streams are served already: close one, or raise "
                "live.stream_clients"
            )
        if self._whole is None:
            self._whole = pnl_view(state)
        client = Client(self._backlog)
        missed = self._missed(last_event_id)
        if missed is None or len(missed) > self._backlog:
            missed = [self._event("snapshot", self._whole)]
        for event in missed:
            client.offer(event)
        self.clients.add(client)
        return client

    def _missed(self, last_event_id: str | None) -> list[bytes] | None:
        """Return the changes after an event; None if they are not all known."""
        process, _, number = (last_event_id or "").partition("-")
        if process != self._process or not number.isdecimal() or self._whole is None:
            return None
        last = int(number)
        if last == self._whole["sequence"]:
            return []
        known = [sequence for sequence, _ in self._changes]
        # The event itself, or the one before the first kept, must be the client's last.
        if last not in known and not (known and known[0] == last + 1):
            return None
        return [event for sequence, event in self._changes if sequence > last]

    def _event(self, kind: str, document: Mapping[str, Any]) -> bytes:
        head = f"id: {self._process}-{document['sequence']}\nevent: {kind}\ndata: "
        return head.encode() + orjson.dumps(document) + b"\n\n"


class EventStream(Response):
    """Sends a client's events until it leaves or is dropped."""

    def __init__(self, stream: PnlStream, client: Client, *, heartbeat_seconds: float) -> None:
        super().__init__(media_type="text/event-stream")
        self._stream = stream
        self._client = client
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events; whatever ends the stream, the client is forgotten."""
        del scope
        ends = [
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(self._client.late.wait()),
            asyncio.create_task(self._send_all(send)),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stream.clients.discard(self._client)
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        await send(HEAD)
        while True:
            event = STILL_HERE
            with suppress(TimeoutError):
                # Not `wait_for`, which can swallow a cancellation that meets an event.
                async with asyncio.timeout(self._heartbeat_seconds):
                    event = await self._client.waiting.get()
            await send({"type": "http.response.body", "body": event, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
