"""Batches over many books that can be killed and resumed: each chunk is kept as it comes back.

A book is one document of its kind and date, a row or a failure with its reason, with the lineage
that it was computed from. A run first looks which documents stand, measures the other books
alone, and reads its report back from the store: run once, twice or in two halves, it ends in the
same rows. Plain functions: an engine's `map` is handed in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from basics.errors import InvalidInputError
from risk.nightly import NightBooks, NightFailure
from services.ports import JsonDocument, ResultStore, StoredResult

DEFAULT_CHUNK = 100
MAX_CHUNK = 5_000

Row = TypeVar("Row")


class EngineMap(Protocol):
    """Applies a function to each item, in order: `map`, an executor's `map`, a client's."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        """Return the results in the order of the items."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One run over many books.

    Attributes
    ----------
    kind : str
        Of the documents, one for each book.
    lineage : mapping
        What the rows are computed from; a stored row of the same lineage stands.
    again : bool
        Measure also what stands.
    """

    kind: str
    as_of: date
    books: NightBooks
    lineage: JsonDocument
    size: int = DEFAULT_CHUNK
    again: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_CHUNK:
            raise InvalidInputError(f"a chunk holds 1 to {MAX_CHUNK} books, got {self.size}")


@dataclass(frozen=True, slots=True)
class BatchRows(Generic[Row]):
    """What a batch ends in: rows and failures, by the name of the book.

    Attributes
    ----------
    measured : int
        How many books this run measured; the others stood.
    """

    rows: tuple[Row, ...]
    failures: tuple[NightFailure, ...]
    measured: int


def run_batch(
    batch: Batch,
    measure: Callable[[Any], tuple[Sequence[Any], Sequence[NightFailure]]],
    chunk: Callable[[NightBooks], object],
    results: ResultStore,
    *,
    form: type[Row],
    engine: EngineMap = map,
) -> BatchRows[Row]:
    """Measure the books that do not stand, keep each chunk as it comes, and return all rows.

    Parameters
    ----------
    measure : callable
        From what `chunk` makes to rows (with a `name`) and failures; an engine maps it.
    chunk : callable
        From some of the books to one task.
    form : type
        Of a row.
    """
    stand = set() if batch.again else set(standing(batch, results))
    left = [at for at, name in enumerate(batch.books.names) if name not in stand]
    tasks = (chunk(batch.books.take(part)) for part in _parts(left, batch.size))
    for rows, failures in engine(measure, tasks):
        for item in (*rows, *failures):
            document = msgspec.to_builtins(item)
            results.put(batch.kind, item.name, batch.as_of, document, batch.lineage)
    found, failed = read_batch(results, batch.kind, batch.as_of, lineage=batch.lineage, form=form)
    return BatchRows(found, failed, len(left))


def standing(batch: Batch, results: ResultStore) -> Iterator[str]:
    """Yield the names whose document of the day was computed from the same."""
    for stored in _of_lineage(results, batch.kind, batch.as_of, batch.lineage):
        yield stored.scope


def read_batch(
    results: ResultStore, kind: str, as_of: date, *, lineage: JsonDocument, form: type[Row]
) -> tuple[tuple[Row, ...], tuple[NightFailure, ...]]:
    """Return the rows and the failures of one day's run, each by the name of the book."""
    rows: list[Row] = []
    failures = []
    for stored in _of_lineage(results, kind, as_of, lineage):
        if "reason" in stored.payload:
            failures.append(NightFailure(stored.scope, stored.payload["reason"]))
        else:
            rows.append(msgspec.convert(stored.payload, form, strict=False))
    return tuple(rows), tuple(failures)


def _of_lineage(
    results: ResultStore, kind: str, as_of: date, lineage: JsonDocument
) -> Iterator[StoredResult]:
    same = msgspec.to_builtins(lineage)
    for stored in results.of_day(kind, as_of):
        if all(stored.lineage.get(key) == value for key, value in same.items()):
            yield stored


def _parts(rows: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
