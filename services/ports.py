"""What the services need from the outside world, as Protocols.

Ports that wait on sockets (cache, queue, venue) are async; storage on the desk's own disk
is synchronous. Each port has one contract suite in `tests/contract`, run on every adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    import polars as pl

    from basics.trading import Fill
    from features.panel import FeaturePanel
    from market.datasets import Dataset, DatasetState
    from market.quality import Rule
    from oms.controls import ApprovedOrder, Override, TradingSwitch
    from oms.matching import Quote
    from oms.orders import Order, Report
    from pnl.bulk import FoldedFills
    from pnl.events import LedgerEvent
    from pnl.postings import Entry

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One registered version of a model.

    Attributes
    ----------
    name, version
        `price` and 3 are the third version of the price model.
    estimator : str
        What it is, for example `lightgbm` or `zero`.
    format : str
        Native form of the model file, for example `lightgbm-text`.
    input_key : str
        Hash of all that shaped it (data, features, settings, code): the same inputs never
        make a second version.
    sha256 : mapping of str to str
        Digest of the files that serving reads, by name; signed by the registry.
    folder : str
        Where its files lie.
    """

    name: str
    version: int
    estimator: str
    format: str
    feature_set: str
    feature_hash: str
    data_version: str
    input_key: str
    sha256: Mapping[str, str]
    folder: str
    run_id: str
    created_at: datetime
    tags: Mapping[str, str]

    @property
    def label(self) -> str:
        """The version in a word, for example `price v3 lightgbm`."""
        return f"{self.name} v{self.version} {self.estimator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """One thing that was tried, to be kept with all that describes it.

    Attributes
    ----------
    trial_key : str
        Hash of the configuration: the same configuration run twice is one trial.
    series : mapping of str to sequence of (int, float)
        Metrics by step, such as the score of each year.
    files : mapping of str to bytes
        Artefacts by relative path.
    """

    name: str
    estimator: str
    trial_key: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[tuple[int, float]]]
    files: Mapping[str, bytes]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """An alias that was moved: from which version (None at first) to which, and why."""

    alias: str
    before: int | None
    after: int
    reason: str
    moved_at: datetime


class ModelRegistry(Protocol):
    """Keeps models, the runs that made them, and the aliases by which they are served.

    Every method raises `UnavailableError` when the registry does not answer.
    """

    def record(self, run: ModelRun) -> str:
        """Keep a run that makes no version, and return its id; the same trial is kept once."""
        ...

    def register(self, run: ModelRun, *, format: str, input_key: str) -> ModelVersion:
        """Keep a run and make its version, in one step that is whole or absent.

        A version with this input key that stands already is returned as it is.
        """
        ...

    def find(self, name: str, input_key: str) -> ModelVersion | None:
        """Return the version that these inputs made, if any."""
        ...

    def resolve(self, name: str, alias_or_version: str | int) -> ModelVersion:
        """Return the version that an alias or a number means; `MissingDataError` if none."""
        ...

    def names(self) -> Sequence[str]:
        """Return the names of all models, sorted."""
        ...

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return every version, oldest first."""
        ...

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return which version each alias means."""
        ...

    def move_alias(
        self, name: str, alias: str, version: int, *, expected: int | None, reason: str
    ) -> None:
        """Point `alias` to `version`; `ConflictError` if it does not stand on `expected`."""
        ...

    def moves(self, name: str) -> Sequence[AliasMove]:
        """Return every move of an alias, oldest first."""
        ...

    def annotate(self, name: str, version: int, key: str, value: str) -> None:
        """Write a tag on a version; tags that the registry signed are refused."""
        ...

    def read(self, version: ModelVersion, file: str) -> bytes:
        """Return one of the version's files.

        A signed file must match its digest, and the digest its signature: `RefusedError` if
        it was tampered with or cut short, `MissingDataError` if it is gone.
        """
        ...

    def trials(self, name: str) -> Mapping[str, float | None]:
        """Return the Sharpe ratio of every trial ever run, by trial key; None where it has none."""
        ...


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append to the lake changed.

    Attributes
    ----------
    version : str
        Content hash of the dataset after it.
    new, corrected, unchanged : int
        Rows of new keys; rows that correct stored ones; rows that said nothing new.
    partitions : tuple of str
        Partitions that gained rows.
    """

    dataset: str
    version: str
    new: int
    corrected: int
    unchanged: int
    partitions: tuple[str, ...]


class BarSource(Protocol):
    """Brings datasets from outside: a package, files, a vendor."""

    @property
    def name(self) -> str:
        """The source's name, as a user types it."""
        ...

    def datasets(self) -> Sequence[Dataset]:
        """Describe what the source brings."""
        ...

    def fingerprint(self, dataset: str) -> str:
        """Return a hash that changes when what the source would bring changes; cheap."""
        ...

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows in batches that fit in memory, with the dataset's columns."""
        ...


class BarLake(Protocol):
    """Keeps market data with two times on every row; appends, never changes."""

    def catalog(self) -> Sequence[DatasetState]:
        """Return every dataset, by name."""
        ...

    def has(self, name: str) -> bool:
        """Return whether the lake has the dataset."""
        ...

    def state(self, name: str) -> DatasetState:
        """Return the dataset's state; `MissingDataError` if the lake does not have it."""
        ...

    def append(
        self,
        dataset: Dataset,
        rows: pl.DataFrame,
        *,
        fingerprint: str | None = None,
        lineage: Mapping[str, Any] | None = None,
    ) -> Appended:
        """Append what `rows` say that is not known yet, whole or not at all."""
        ...

    def scan(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> pl.LazyFrame:
        """Return the rows as known at `as_of` (None: now), lazily."""
        ...

    def versions(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Return every row ever known, corrected and correcting ones alike, lazily."""
        ...

    def history(self, name: str, *, symbol: str, session: date) -> pl.DataFrame:
        """Return every row ever known for a symbol and session, in order of knowledge."""
        ...


@dataclass(frozen=True, slots=True)
class DataQualityDocument:
    """Where people read about a validation.

    Attributes
    ----------
    location : str
        Path of the document's first page.
    expectations, unmet : int
        Expectations evaluated over all batches, and those among them that failed.
    """

    location: str
    expectations: int
    unmet: int


class DataQualityReporter(Protocol):
    """Validates new partitions for people to read, and keeps what was set aside."""

    def validate(
        self, dataset: Dataset, batches: Mapping[str, pl.DataFrame], rules: Sequence[Rule]
    ) -> DataQualityDocument:
        """Run the suite that `rules` describe over each named batch and keep the document."""
        ...

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        """Keep quarantined rows with their reasons; return where they lie (None: no rows)."""
        ...


class Venue(Protocol):
    """Where approved orders go. It answers in its own time: collect the reports."""

    @property
    def name(self) -> str:
        """The venue's name, part of every execution's identity."""
        ...

    async def submit(self, order: ApprovedOrder) -> None:
        """Send `order`; sent twice it executes once."""
        ...

    async def cancel(self, cl_ord_id: str) -> None:
        """Ask to cancel what is left of an order."""
        ...

    async def replace(self, replacement: ApprovedOrder) -> None:
        """Ask to give an order the quantity and limit of `replacement`."""
        ...

    async def restore(self, orders: Sequence[Order], *, at: datetime) -> None:
        """Tell the venue which orders are open as of `at`: an earlier process may have sent them.

        A venue outside this process knows them and ignores the call.
        """
        ...

    async def reports(self) -> Sequence[Report]:
        """Return what the venue said since the last call, in order."""
        ...


class ReplayVenue(Venue, Protocol):
    """A venue whose market is set from outside: for simulation and replay."""

    def set_market(self, quotes: Mapping[str, Quote], *, at: datetime) -> None:
        """Move the market; resting orders may execute or expire."""
        ...


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order as it stands now, and the reports that brought it there since it was stored."""

    order: Order
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """That a session of a run is booked, and what it held."""

    session: date
    orders: int
    refused: int
    fills: int


class OrderJournal(Protocol):
    """Keeps orders, what was said about them, and their fills. A run is a simulation or the desk.

    Whatever is recorded twice (an order by cl_ord_id, a report by venue and report id, a fill by
    venue and exec id) stands once.
    """

    def record(self, run_id: str, changes: Sequence[OrderChange]) -> None:
        """Store the changes and their fills in one transaction."""
        ...

    def book_session(
        self, run_id: str, record: SessionRecord, changes: Sequence[OrderChange]
    ) -> None:
        """Store a whole session in one transaction; `ConflictError` if it is booked already."""
        ...

    def sessions(self, run_id: str) -> Sequence[SessionRecord]:
        """Return the sessions booked, oldest first."""
        ...

    def order(self, cl_ord_id: str) -> Order:
        """Return the order as it stands; `MissingDataError` if there is none."""
        ...

    def orders(self, run_id: str, *, open_only: bool = False, limit: int = 1000) -> Sequence[Order]:
        """Return the latest orders of a run, newest first."""
        ...

    def fills(self, run_id: str) -> Sequence[Fill]:
        """Return the fills that stand (corrected and cancelled ones applied), in booking order."""
        ...

    def last_heard(self, run_id: str, *, venue: str) -> datetime | None:
        """Return the time of the latest report of `venue`, None before the first."""
        ...


class ControlStore(Protocol):
    """Keeps trading states, kill switches and overrides; each change is told to the audit."""

    def switches(self) -> Sequence[TradingSwitch]:
        """Return the switch of every scope that ever had one, by scope."""
        ...

    def switch(self, switch: TradingSwitch) -> None:
        """Set the switch of its scope."""
        ...

    def overrides(self) -> Sequence[Override]:
        """Return every override ever granted, oldest first; expired ones too."""
        ...

    def grant(self, override: Override) -> None:
        """Keep an override; `ConflictError` if its id is taken."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """An event as it was delivered, and the balanced entry that it made."""

    event: LedgerEvent
    entry: Entry


class LedgerStore(Protocol):
    """Keeps the books of each run: append only, in the order of booking."""

    def append(self, run_id: str, records: Sequence[LedgerRecord]) -> None:
        """Store the records in one transaction; `ConflictError` if one is there already."""
        ...

    def append_fills(self, run_id: str, fills: pl.DataFrame, folded: FoldedFills) -> None:
        """Store fills as the first entries of a run, all or none; `ConflictError` if it has any."""
        ...

    def last_sequence(self, run_id: str) -> int:
        """Return the sequence of the last entry, 0 if there is none."""
        ...

    def events(self, run_id: str) -> Sequence[tuple[date, LedgerEvent]]:
        """Return day and event of every entry, in the order of booking."""
        ...

    def runs(self) -> Sequence[str]:
        """Return the runs that have entries, sorted."""
        ...


class FeatureCache(Protocol):
    """Keeps computed feature panels by the hash of everything that decided them."""

    def load(self, key: str) -> FeaturePanel | None:
        """Return the panel stored under `key`, or None."""
        ...

    def save(self, key: str, panel: FeaturePanel) -> None:
        """Store the panel whole or not at all; an earlier one of the key stays."""
        ...


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row of a user's file that did not land, or a remark on the file (line 0, no row)."""

    file: str
    line: int
    reason: str
    text: str
    row: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch of a user's rows in the order of the file, and what was rejected before the gate.

    Attributes
    ----------
    lines : tuple of int
        Line in the file of each row.
    """

    rows: pl.DataFrame
    lines: tuple[int, ...]
    file: str
    rejected: tuple[Rejection, ...]


class BarFiles(Protocol):
    """A user's own files of bars."""

    def describe(self) -> Dataset:
        """Describe the dataset that the files make."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of the files and of how they are read."""
        ...

    def deliveries(self, dataset: Dataset) -> Iterator[Delivery]:
        """Yield the rows in batches that fit in memory."""
        ...


class RejectionReport(Protocol):
    """Keeps the list of what was rejected where a user can read it."""

    def write(self, dataset: str, rejections: Sequence[Rejection]) -> str | None:
        """Write the list and return where it lies; None if there is nothing to list."""
        ...
