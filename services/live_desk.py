"""The live desk: one pump that takes marks, fills and orders, and publishes each state whole.

Everything that changes a portfolio goes through one turn at a time, on one thread: take the marks
that came in, book new fills, note working orders, publish, judge the limits. Alerts are on the
queue before anybody can read the state that caused them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from basics.errors import InvalidInputError, MissingDataError, UnavailableError
from services.alerts import send_alerts
from services.live_portfolio import LivePortfolio
from services.live_state import LiveState, Mark
from services.ports import Alert, MessageQueue

Listener = Callable[[LiveState], None]


@dataclass(slots=True, kw_only=True)
class LiveDesk:
    """The portfolios that are kept live.

    Attributes
    ----------
    poll_seconds : float
        Longest wait before fills and orders of other processes are looked for.
    pause_seconds : float
        Least time between two turns: what comes in meanwhile is taken together.
    max_pending : int
        Marks that may wait for a turn.
    problems : dict of str to str
        Why a portfolio has no state of now.
    """

    portfolios: Mapping[str, LivePortfolio]
    queue: MessageQueue
    poll_seconds: float = 0.5
    pause_seconds: float = 0.05
    max_pending: int = 100_000
    problems: dict[str, str] = field(default_factory=dict)
    _pending: list[Mark] = field(default_factory=list)
    _unsent: list[Alert] = field(default_factory=list)
    _listeners: list[Listener] = field(default_factory=list)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _look: bool = False
    _started: dict[str, LivePortfolio] = field(default_factory=dict)
    # A turn's thread outlives the cancelling of who awaits it: the end in order waits for it.
    _turning: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Take over ledgers and stored states; a portfolio that has no state of now says why."""
        for name, portfolio in self.portfolios.items():
            try:
                portfolio.start()
            except (InvalidInputError, MissingDataError) as error:
                self.problems[name] = str(error)  # Such as instruments of another dataset.
            else:
                self._started[name] = portfolio
                self._turn_one(name, portfolio, force=True)
        self._measure()  # What the first profile draws is drawn before any breach could wait.

    def offer(self, marks: Sequence[Mark]) -> int:
        """Let marks wait for the next turn; return how many wait.

        Raises
        ------
        UnavailableError
            If more would wait than may: none is taken.
        """
        if len(self._pending) + len(marks) > self.max_pending:
            raise UnavailableError(
                f"{len(self._pending)} marks wait, at most {self.max_pending} may: send them later"
            )
        self._pending.extend(marks)
        self._woken.set()
        return len(self._pending)

    def wake(self) -> None:
        """Take a turn soon and look for fills and orders: one was placed."""
        self._look = True
        self._woken.set()

    def state(self, portfolio: str | None = None) -> LiveState:
        """Return the last state published, of the only portfolio if none is named.

        Raises
        ------
        InvalidInputError
            If several are live and none is named.
        MissingDataError
            If it is not live, or something it holds has no mark.
        """
        if portfolio is None and len(self.portfolios) > 1:
            raise InvalidInputError(f"several portfolios are live: name one of {self.names}")
        name = portfolio or next(iter(self.portfolios), "no portfolio")
        if name not in self.portfolios:
            raise MissingDataError(f"{name} is not live: there is {', '.join(self.names)}")
        state = self.portfolios[name].state
        if name in self.problems or state is None:
            raise MissingDataError(f"{name} has no live state: {self.problems.get(name)}")
        return state

    @property
    def names(self) -> list[str]:
        """The live portfolios, sorted."""
        return sorted(self.portfolios)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each new state from now on; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def run(self) -> None:
        """Take turns until cancelled."""
        now = asyncio.get_running_loop().time
        looked = now()
        while True:
            with suppress(TimeoutError):  # Other processes book fills and place orders too.
                async with asyncio.timeout(self.poll_seconds):
                    await self._woken.wait()
            if now() - looked >= self.poll_seconds:
                self._look, looked = True, now()
            await self.turn()
            await asyncio.sleep(self.pause_seconds)

    async def turn(self) -> None:
        """Take one turn of every portfolio."""
        self._woken.clear()
        marks, self._pending = self._pending, []
        look, self._look = self._look, False
        before = {name: portfolio.state for name, portfolio in self._started.items()}
        try:
            await asyncio.to_thread(self._turn, marks, look=look)
        except BaseException:
            self._pending[:0] = marks  # Taken again: those applied already count as duplicates.
            self._look = True
            raise
        await self._send()
        for name, portfolio in self._started.items():
            if portfolio.state is not None and portfolio.state is not before[name]:
                for listener in list(self._listeners):
                    listener(portfolio.state)
        # Last: no breach waits for what is only taken now and then.
        await asyncio.to_thread(self._measure)

    def close(self) -> None:
        """Take the marks that wait and store every portfolio, as the process ends in order."""
        marks, self._pending = self._pending, []
        self._turn(marks, store=True)

    def _turn(self, marks: Sequence[Mark], **how: bool) -> None:
        # What one portfolio knows is not unknown to the others; what none knows is, to all.
        known = {s for portfolio in self._started.values() for s in portfolio.symbols}
        with self._turning:
            for name, portfolio in self._started.items():
                own = portfolio.symbols
                portfolio.take([m for m in marks if m.symbol in own or m.symbol not in known])
                self._turn_one(name, portfolio, **how)

    def _measure(self) -> None:
        with self._turning:
            for portfolio in self._started.values():
                portfolio.measure()

    def _turn_one(self, name: str, portfolio: LivePortfolio, **how: bool) -> None:
        try:
            self._unsent += portfolio.turn(**how)
        except MissingDataError as error:
            self.problems[name] = str(error)
        else:
            self.problems.pop(name, None)

    async def _send(self) -> None:
        """Send what there is to tell; what the queue cannot take waits for the next turn."""
        if not self._unsent:
            return
        try:
            await send_alerts(self.queue, self._unsent)
        except UnavailableError:
            return
        self._unsent.clear()
        for portfolio in self._started.values():
            portfolio.told()
