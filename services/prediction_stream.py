"""From each new bar to its prediction: a consumer that loses none and doubles none.

A message holds the bars of one session. The online store turns them into features, equal to the
batch's but for rounding; the versions in service answer as they do in batch; the event, its
answers and the message's key are one transaction, and the message is acknowledged after it. So a
consumer may be killed at any point: what was not committed is done again, what was is recognised by
its key.

Bars count in the order in which they came. A consumer that starts while another's last message is
still leased waits until that comes back, so that no later session overtakes it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec
import numpy as np

from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError, QuantDeskError, UnavailableError
from basics.identifiers import content_hash
from features.definitions import FeatureSet
from features.panel import FeaturePanel
from services.feature_store import FeatureStore
from services.in_service import answer_panel, in_service
from services.online_store import OnlineStore
from services.ports import (
    Message,
    MessageQueue,
    PredictionEvent,
    PredictionEvents,
    PredictionLog,
)
from services.predictions import Predictions

TOPIC = "bars"
LEASE_SECONDS = 10.0
WAIT_SECONDS = 5.0
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BarMessage:
    """The bars of one session, by symbol and field."""

    dataset: str
    session: date
    bars: Mapping[str, Mapping[str, float]]

    @property
    def key(self) -> str:
        """The same for the same bars, however often they are sent."""
        ordered = {symbol: dict(sorted(bar.items())) for symbol, bar in sorted(self.bars.items())}
        return content_hash(self.dataset, self.session, ordered)[:32]


async def publish_bars(queue: MessageQueue, messages: list[BarMessage]) -> None:
    """Put bars on the topic, all or none, in the order of their sessions."""
    ordered = sorted(messages, key=lambda message: message.session)
    await queue.publish(TOPIC, [msgspec.json.encode(message) for message in ordered])


@dataclass(slots=True, kw_only=True)
class StreamCounts:
    """What a stream did since it started, in messages.

    Attributes
    ----------
    known : int
        Told before: recognised by their key.
    refused : int
        Left to be set aside as dead letters, since they hold no bars that can be taken.
    """

    events: int = 0
    known: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFeatures:
    """Where the features of a message come from.

    Attributes
    ----------
    online : OnlineStore
        Takes bars after the lake's last session.
    batch : FeatureStore
        Knows the sessions that the lake holds.
    """

    features: FeatureSet
    online: OnlineStore
    batch: FeatureStore

    async def panel(self, told: BarMessage) -> FeaturePanel:
        """Return the features of the message's symbols at its session.

        Raises
        ------
        ConflictError
            If a later session has begun, and the lake does not hold this one.
        MissingDataError, InvalidInputError
            If the dataset or a symbol is unknown, or a bar is not sound.
        """
        try:
            await self.online.take(told.dataset, told.session, told.bars)
        except ConflictError:
            # The lake has caught up with the session: its own rows count.
            return await asyncio.to_thread(self._from_lake, told)
        latest = await self.online.latest(self.features, told.dataset, list(told.bars))
        symbols = tuple(s for s, vector in latest.vectors.items() if vector.day == told.session)
        values = [latest.vectors[symbol].values for symbol in symbols]
        return FeaturePanel(
            self.features.names,
            symbols,
            np.array([told.session], "datetime64[D]"),
            np.stack(values, axis=1)[:, :, None],
            self.features.label,
            self.features.content_hash,
            frozenset(latest.simulated),
        )

    def _from_lake(self, told: BarMessage) -> FeaturePanel:
        panel = self.batch.panel(self.features.name, told.dataset)
        at = int(np.searchsorted(panel.sessions, np.datetime64(told.session)))
        if at == len(panel.sessions) or panel.sessions[at] != np.datetime64(told.session):
            raise ConflictError(
                f"{told.session} of {told.dataset} came after a later session had begun: "
                "import it, and it counts in batch"
            )
        symbols = [symbol for symbol in panel.symbols if symbol in told.bars]
        rows = [panel.symbols.index(symbol) for symbol in symbols]
        return FeaturePanel(
            panel.names,
            tuple(symbols),
            panel.sessions[at : at + 1],
            panel.values[:, rows, at : at + 1],
            panel.feature_set,
            panel.content_hash,
            panel.simulated,
        )


@dataclass(slots=True, kw_only=True)
class PredictionStream:
    """Answers each message of bars for one model.

    Attributes
    ----------
    tell : callable
        Told in a line what holds the stream up, or what it refused.
    """

    model: str
    source: StreamFeatures
    queue: MessageQueue
    predictions: Predictions
    log: PredictionLog
    events: PredictionEvents
    clock: Clock
    tell: Callable[[str], None]
    lease_seconds: float = LEASE_SECONDS
    counts: StreamCounts = field(default_factory=StreamCounts)

    async def run(self) -> None:
        """Answer until cancelled, waiting out whatever is not available."""
        await self._await_leases()
        while True:
            await self.take(wait_seconds=WAIT_SECONDS)

    async def drain(self) -> None:
        """Answer what waits now."""
        await self._await_leases()
        while await self.take():
            pass

    async def take(self, *, wait_seconds: float = 0.0) -> bool:
        """Take one message and answer it; False if none came."""
        message = await self._patiently(wait_seconds)
        if message is None:
            return False
        answered = False
        while not answered:
            try:
                await self._answer(message)
            except UnavailableError as error:
                # The same message again: a later session must not overtake it.
                self.tell(f"waiting: {error}")
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except QuantDeskError as error:
                self.counts.refused += 1
                self.tell(f"refused: {error}")
            answered = True
        return True

    async def _patiently(self, wait_seconds: float) -> Message | None:
        while True:
            try:
                return await self.queue.claim(
                    TOPIC, lease_seconds=self.lease_seconds, wait_seconds=wait_seconds
                )
            except UnavailableError as error:
                self.tell(f"waiting: {error}")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _await_leases(self) -> None:
        """Wait until what a killed consumer held is free: the oldest message goes first."""
        deadline = asyncio.get_running_loop().time() + self.lease_seconds + PAUSE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            topics = (await self.queue.status()).topics
            if not any(topic.topic == TOPIC and topic.claimed for topic in topics):
                return
            await asyncio.sleep(min(PAUSE_SECONDS, self.lease_seconds / 5))

    async def _answer(self, message: Message) -> None:
        told = _read(message)
        if await asyncio.to_thread(self.events.known, self.model, told.key):
            self.counts.known += 1
        else:
            panel = await self.source.panel(told)
            new = await asyncio.to_thread(self._commit, told, panel)
            self.counts.events += new
            self.counts.known += not new
        await self.queue.acknowledge(message)

    def _commit(self, told: BarMessage, panel: FeaturePanel) -> bool:
        now = self.clock.now()
        serving = in_service(self.predictions, self.log, self.model, ride_along=True)
        return self.events.commit(
            PredictionEvent(
                key=told.key,
                model=self.model,
                dataset=told.dataset,
                session=told.session,
                answers=tuple(answer_panel(serving, panel, at=now)),
                made_at=now,
            )
        )


def _read(message: Message) -> BarMessage:
    try:
        return msgspec.json.decode(message.body, type=BarMessage)
    except (msgspec.MsgspecError, QuantDeskError) as error:
        raise InvalidInputError(f"message {message.id} of {TOPIC} holds no bars: {error}") from None
