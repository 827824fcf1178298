"""The live desk within the API's process: started, kept current, and its streams."""

import asyncio
from collections import defaultdict

from anyio.to_thread import run_sync

from basics.errors import MissingDataError, QuantDeskError, UnavailableError
from infra.bootstrap import Desk
from infra.live_desk import is_current
from services.live_desk import LiveDesk
from services.live_state import LiveState
from services.ports import MessageQueue
from serving.streams import PnlStream

CHECK_SECONDS = 15.0


class Live:
    """One for each application."""

    def __init__(self, desk: Desk, queue: MessageQueue) -> None:
        self._desk = desk
        self._queue = queue
        self._live: LiveDesk | None = None
        self._why_not = "the live desk is starting"
        settings = desk.settings.live
        self._streams: defaultdict[str, PnlStream] = defaultdict(
            lambda: PnlStream(
                backlog=settings.stream_backlog,
                memory=settings.stream_memory,
                most_clients=settings.stream_clients,
            )
        )

    @property
    def desk(self) -> LiveDesk:
        """The live desk.

        Raises
        ------
        UnavailableError
            With the reason, while it has not started.
        """
        if self._live is None:
            raise UnavailableError(self._why_not)
        return self._live

    def wake(self) -> None:
        """Look for what an order did, if the desk is live."""
        if self._live is not None:
            self._live.wake()

    def stream(self, portfolio: str) -> PnlStream:
        """Return the stream of a portfolio."""
        return self._streams[portfolio]

    async def start(self) -> None:
        """Start the live desk; an error is remembered as the reason why not."""
        try:
            live = await run_sync(self._desk.live_desk, self._queue)
            await run_sync(live.start)
        except QuantDeskError as error:
            self._why_not = f"the live desk has not started: {error}"
            raise
        live.listen(self._publish)
        self._live = live

    async def run(self) -> None:
        """Pump until cancelled; begin anew when the lake or a portfolio's run has moved on."""
        if self._live is None:
            try:
                await self.start()
            except MissingDataError as error:
                await asyncio.sleep(CHECK_SECONDS)
                raise UnavailableError(self._why_not) from error
        live = self.desk
        pump = asyncio.create_task(live.run())
        try:
            while not pump.done():
                await asyncio.wait([pump], timeout=CHECK_SECONDS)
                if not pump.done() and not await run_sync(is_current, self._desk, live):
                    pump.cancel()
                    await asyncio.wait([pump])
                    await run_sync(live.close)
                    await self.start()
                    return
            await pump
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def close(self) -> None:
        """Store the last state of every portfolio."""
        if self._live is not None:
            await run_sync(self._live.close)

    def _publish(self, state: LiveState) -> None:
        self._streams[state.portfolio].publish(state)
