"""Alerts: sent to a topic of the queue, stored exactly once, open until somebody answers for them.

Whoever has something to tell builds an `Alert` and sends it; nothing waits for a database. The
consumer makes the row and its key one transaction and acknowledges the message after the commit,
so a consumer that dies at any point loses no alert and doubles none.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from basics.clock import Clock
from basics.errors import InvalidInputError, QuantDeskError
from services.ports import Alert, AlertStore, MessageQueue, Severity, StoredAlert

__all__ = ["TOPIC", "Alert", "AlertConsumer", "AlertLog", "Severity", "send_alerts"]

TOPIC: Final = "alerts"
LEASE_SECONDS: Final = 30.0
WAIT_SECONDS: Final = 5.0


async def send_alerts(queue: MessageQueue, alerts: Sequence[Alert]) -> None:
    """Put the alerts on their topic, all or none; sending one again changes nothing.

    Raises
    ------
    UnavailableError
        If the queue does not answer, or is full.
    """
    await queue.publish(TOPIC, [msgspec.json.encode(alert) for alert in alerts])


@dataclass(slots=True)
class AlertConsumer:
    """Moves alerts from the topic into the store.

    Attributes
    ----------
    malformed : int
        Messages that are no alerts. They are left unacknowledged: after its tries the queue
        sets each aside as a dead letter, where somebody can look at it.
    """

    queue: MessageQueue
    store: AlertStore
    clock: Clock
    malformed: int = 0

    async def run(self) -> None:
        """Take alerts until cancelled; `UnavailableError` when queue or database is gone."""
        while True:
            await self.take(wait_seconds=WAIT_SECONDS)

    async def drain(self) -> int:
        """Take what waits now; return how many alerts were new."""
        new = 0
        while (taken := await self.take()) is not None:
            new += taken
        return new

    async def take(self, *, wait_seconds: float = 0.0) -> int | None:
        """Take one message; return how many alerts were new (0 or 1), None if nothing waits."""
        message = await self.queue.claim(
            TOPIC, lease_seconds=LEASE_SECONDS, wait_seconds=wait_seconds
        )
        if message is None:
            return None
        try:
            alert = msgspec.json.decode(message.body, type=Alert)
        except (msgspec.MsgspecError, QuantDeskError):
            self.malformed += 1
            return 0
        new = await asyncio.to_thread(self.store.store, [alert], at=self.clock.now())
        await self.queue.acknowledge(message)
        return new


@dataclass(frozen=True, slots=True)
class AlertLog:
    """Shows what was stored, and closes what was dealt with."""

    store: AlertStore
    clock: Clock

    def alerts(
        self, *, open_only: bool = False, kind: str | None = None, limit: int = 100
    ) -> Sequence[StoredAlert]:
        """Return the alerts that were stored last, newest first; see `AlertStore.alerts`."""
        return self.store.alerts(open_only=open_only, kind=kind, limit=limit)

    def alert(self, alert_id: str) -> StoredAlert:
        """Return one alert; `MissingDataError` if there is none."""
        return self.store.alert(alert_id)

    def acknowledge(self, alert_id: str, *, by: str, note: str) -> StoredAlert:
        """Close an alert with a word on what was done; return it as it then stands.

        Raises
        ------
        InvalidInputError
            If it is not said who or what.
        MissingDataError, ConflictError
            If there is no such alert, or it is closed already.
        """
        if not by.strip() or not note.strip():
            raise InvalidInputError("an acknowledgement needs who and a note on what was done")
        self.store.acknowledge(alert_id, by=by, note=note, at=self.clock.now())
        return self.store.alert(alert_id)
