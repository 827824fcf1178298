"""What the services need from the outside world, as Protocols.

Ports that wait on sockets (cache, queue, venue) are async; storage on the desk's own disk
is synchronous. Each port has one contract suite in `tests/contract`, run on every adapter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

JsonDocument = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A computed document and where it came from.

    Attributes
    ----------
    kind : str
        What was computed, for example `risk.profile`.
    scope : str
        For whom: a portfolio, a model, a dataset.
    desk_date : date
        The desk's date that the numbers describe.
    lineage : mapping
        Run, data version, code commit: what is needed to compute it again.
    """

    kind: str
    scope: str
    desk_date: date
    payload: JsonDocument
    lineage: JsonDocument
    stored_at: datetime


class ResultStore(Protocol):
    """Keeps computed documents, one for each (kind, scope, desk date)."""

    def put(
        self, kind: str, scope: str, desk_date: date, payload: JsonDocument, lineage: JsonDocument
    ) -> None:
        """Store the document, replacing an earlier one of the same key."""
        ...

    def latest(self, kind: str, scope: str) -> StoredResult:
        """Return the document with the latest desk date; `MissingDataError` if there is none."""
        ...

    def history(self, kind: str, scope: str) -> Sequence[StoredResult]:
        """Return every document of the kind and scope, oldest desk date first."""
        ...

    def scopes(self, kind: str) -> Sequence[str]:
        """Return the scopes that have a document of this kind, sorted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """How the cache is doing, counted since this process opened it.

    Attributes
    ----------
    mode : str
        `embedded` (in process), `real` (a server answers) or `degraded` (a server is set but
        does not answer, so that every read is a miss).
    failures : int
        Calls that the server did not answer in time, and calls spared while it rested.
    """

    mode: str
    address: str
    hits: int
    misses: int
    failures: int
    detail: str = ""


class Cache(Protocol):
    """Keeps bytes for a while, by namespace and key.

    A cache that is down behaves as an empty one: reads miss, writes are lost, nothing raises.
    What was written before an outage is never served after a write or deletion that the
    outage swallowed.
    """

    async def get_many(self, namespace: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the value of each key, None where there is none."""
        ...

    async def set_many(
        self, namespace: str, values: Mapping[str, bytes], *, ttl_seconds: float
    ) -> None:
        """Keep the values for `ttl_seconds`."""
        ...

    async def delete_many(self, namespace: str, keys: Sequence[str]) -> None:
        """Forget the keys."""
        ...

    async def drop(self, namespace: str) -> None:
        """Forget every key of the namespace, in one step."""
        ...

    async def status(self) -> CacheStatus:
        """Ask the server how it is, and return the counts."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


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
