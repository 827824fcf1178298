"""Messages handed to one consumer at a time, at least once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a topic hands to a consumer.

    Attributes
    ----------
    deliveries : int
        How often it has been handed out, this time included.
    """

    id: str
    topic: str
    body: bytes
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicStatus:
    """How many messages of a topic wait, are in work, and were set aside."""

    topic: str
    waiting: int
    claimed: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """How the queue is doing; `mode` as in `CacheStatus`."""

    mode: str
    address: str
    topics: Sequence[TopicStatus]
    detail: str = ""


class MessageQueue(Protocol):
    """Hands each message to one consumer at a time, at least once, until it is acknowledged.

    A message that was handed out `max_deliveries` times without an acknowledgement is set
    aside as a dead letter: one poisonous message holds up no other. Consumers make the effect
    of a message and the note of its id one transaction, and acknowledge after the commit.
    Every method raises `UnavailableError` when the server does not answer.
    """

    async def publish(self, topic: str, bodies: Sequence[bytes]) -> Sequence[str]:
        """Append the messages, all or none, and return their ids.

        `UnavailableError` if the topic would grow past its limit.
        """
        ...

    async def claim(
        self, topic: str, *, lease_seconds: float, wait_seconds: float = 0.0
    ) -> Message | None:
        """Return the next message, or None after waiting `wait_seconds` for one.

        It is handed out again unless it is acknowledged within `lease_seconds`.
        """
        ...

    async def acknowledge(self, message: Message) -> None:
        """Remove a message whose effect is committed."""
        ...

    async def dead_letters(self, topic: str, *, limit: int = 100) -> Sequence[Message]:
        """Return the messages that were set aside, oldest first."""
        ...

    async def status(self) -> QueueStatus:
        """Return how many messages each topic holds."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
