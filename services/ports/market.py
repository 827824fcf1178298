"""Market data: where it comes from, where it lies, who validates it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    import polars as pl

    from market.datasets import Dataset, DatasetState
    from market.quality import Rule
    from market.simulated.multi_asset import SimulatedAssets


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
    batches : int
        Partitions validated.
    expectations, unmet : int
        Expectations evaluated over all batches, and those among them that failed.
    """

    location: str
    batches: int
    expectations: int
    unmet: int


class DataQualityReporter(Protocol):
    """Validates new partitions for people to read, and keeps what was set aside."""

    def validate(
        self,
        dataset: Dataset,
        batches: Iterable[tuple[str, pl.DataFrame]],
        rules: Sequence[Rule],
    ) -> DataQualityDocument:
        """Run the suite that `rules` describe over each named batch and keep the document.

        Batches are read one after the other: they need not fit in memory together.
        """
        ...

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        """Keep quarantined rows with their reasons; return where they lie (None: no rows)."""
        ...

    def released(self, dataset: Dataset) -> Set[str]:
        """Return the lines of rows set aside that a person let pass: see `market.quality`."""
        ...


class SimulatedMarkets(Protocol):
    """Keeps simulated markets; each follows from its key, so that losing one costs time alone."""

    def load(self, key: str) -> SimulatedAssets | None:
        """Return the market kept under `key`; None where there is none, or a damaged one."""
        ...

    def save(self, key: str, market: SimulatedAssets) -> None:
        """Keep `market` whole, or not at all."""
        ...
