"""A user's own files of bars, and what was rejected of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    import polars as pl

    from market.datasets import Dataset


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
