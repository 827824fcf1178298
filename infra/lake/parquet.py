"""The market lake: Parquet files partitioned by session, two times on every row.

Rows are appended, never changed. What a reader sees is what the log names, so readers need no
lock and never see half an append. Concurrent writers are ordered by the log.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

import polars as pl

from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, UnavailableError
from infra.lake.log import Commit, LogState, Part, read_state, write_commit
from infra.lake.storage import Storage
from market.bitemporal import Novelty, as_known, compare, in_order, known_by, stamp_corrections
from market.datasets import KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset, DatasetState
from services.ports import Appended

PARTITION = "_partition"
MAX_TRIES = 50  # Writers that may win a race against this one before it gives up.
ROW_GROUP_ROWS = 131_072  # Small enough that statistics skip most of a file for a few symbols.


@dataclass(frozen=True, slots=True)
class ParquetLake:
    """A lake in one storage.

    Parameters
    ----------
    clock : Clock
        Tells when a correction was learnt.
    """

    storage: Storage
    clock: Clock

    def catalog(self) -> list[DatasetState]:
        """Return every dataset, by name."""
        names = [name for name in self.storage.names("") if not name.startswith(".")]
        states = (read_state(self.storage, name) for name in names)
        return [state.describe() for state in states if state is not None]

    def state(self, name: str) -> DatasetState:
        """Return the dataset's state; `MissingDataError` if the lake does not have it."""
        return self._read(name).describe()

    def has(self, name: str) -> bool:
        """Return whether the lake has the dataset."""
        return read_state(self.storage, name) is not None

    def append(
        self,
        dataset: Dataset,
        rows: pl.DataFrame,
        *,
        fingerprint: str | None = None,
        lineage: Mapping[str, Any] | None = None,
    ) -> Appended:
        """Append what `rows` say that the lake does not know yet, in one commit.

        A row whose key is stored with other values is a correction: it is stored with a later
        knowledge time. `fingerprint` is remembered even when nothing is new.

        Raises
        ------
        InvalidInputError
            If the rows lack columns, or the stored dataset has another key.
        UnavailableError
            If the storage cannot be written, or other writers kept winning.
        """
        rows = in_order(dataset.conform(rows))
        for _ in range(MAX_TRIES):
            before = read_state(self.storage, dataset.name) or LogState(sequence=0, dataset=dataset)
            merged = _merge_descriptions(before.dataset, dataset)
            parts, counts = self._write_parts(before, merged, rows)
            told = fingerprint if fingerprint is not None else before.fingerprint
            same = told == before.fingerprint and merged == before.dataset
            if not parts and same and before.sequence:
                return Appended(dataset.name, before.describe().version, *counts, partitions=())
            commit = Commit(
                action="append" if parts else "note",
                committed_at=self.clock.now(),
                dataset=merged,
                added=tuple(parts),
                fingerprint=told,
                lineage=dict(lineage or {}),
            )
            try:
                after = write_commit(self.storage, before, commit)
            except ConflictError:
                continue
            touched = tuple(sorted({part.partition for part in parts}))
            return Appended(dataset.name, after.describe().version, *counts, partitions=touched)
        raise UnavailableError(f"{dataset.name}: {MAX_TRIES} other writers were first; try again")

    def scan(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> pl.LazyFrame:
        """Return the rows as known at `as_of` (None: now), lazily; filters reach the files.

        Raises
        ------
        MissingDataError
            If the lake does not have the dataset.
        """
        state = self._read(name)
        wanted = _overlapping(state.parts, start, end)
        corrected = {part.partition for part in wanted if part.corrects}
        plain = [part for part in wanted if part.partition not in corrected]
        frames = [self.scan_parts(state.dataset, plain).filter(known_by(as_of))]
        # Only partitions that hold corrections pay for resolving them.
        frames += [
            as_known(
                self.scan_parts(state.dataset, [p for p in wanted if p.partition == partition]),
                key=state.dataset.key,
                as_of=as_of,
            )
            for partition in sorted(corrected)
        ]
        conditions = _conditions(start, end, symbols)
        return pl.concat([frame.filter(*conditions) for frame in frames])

    def versions(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Return every row ever known, corrected and correcting ones alike, lazily."""
        state = self._read(name)
        rows = self.scan_parts(state.dataset, _overlapping(state.parts, start, end))
        return rows.filter(*_conditions(start, end, symbols))

    def history(self, name: str, *, symbol: str, session: date) -> pl.DataFrame:
        """Return every row ever known for a symbol and session, in order of knowledge."""
        state = self._read(name)
        here = [p for p in state.parts if p.first_session <= session <= p.last_session]
        rows = self.scan_parts(state.dataset, here)
        return rows.filter(*_conditions(session, session, [symbol])).sort(KNOWLEDGE_TIME).collect()

    def _read(self, name: str) -> LogState:
        state = read_state(self.storage, name)
        if state is None:
            known = ", ".join(n for n in self.storage.names("") if not n.startswith("."))
            raise MissingDataError(
                f"the lake has no dataset {name!r} (it has: {known or 'none'}): "
                "run `quantdesk data import`"
            )
        return state

    def scan_parts(self, dataset: Dataset, parts: Iterable[Part]) -> pl.LazyFrame:
        """Return the rows of some files, corrected ones included; missing fields are null."""
        sources = [self.storage.source(part.key) for part in parts]
        if not sources:
            return pl.LazyFrame(schema=dataset.schema)
        return pl.scan_parquet(
            sources, schema=dataset.schema, missing_columns="insert", cache=False
        )

    def _write_parts(
        self, before: LogState, dataset: Dataset, rows: pl.DataFrame
    ) -> tuple[list[Part], tuple[int, int, int]]:
        """Write what is new by partition; return the files and (new, corrected, unchanged)."""
        parts: list[Part] = []
        fresh = corrected = unchanged = 0
        keyed = rows.with_columns(dataset.partition.key(pl.col(SESSION)).alias(PARTITION))
        for (partition,), group in keyed.group_by(PARTITION, maintain_order=True):
            novelty = self._novelty(before, dataset, str(partition), group.drop(PARTITION))
            fresh += novelty.fresh.height
            corrected += novelty.corrections.height
            unchanged += novelty.unchanged
            late = stamp_corrections(novelty.corrections, self.clock.now())
            news = in_order(pl.concat([novelty.fresh, late]))
            if not news.is_empty():
                parts.append(self.write_part(dataset, str(partition), news, late.height))
        return parts, (fresh, corrected, unchanged)

    def _novelty(
        self, before: LogState, dataset: Dataset, partition: str, rows: pl.DataFrame
    ) -> Novelty:
        first, last = rows[SESSION].min(), rows[SESSION].max()
        stored = [
            part
            for part in before.parts
            if part.partition == partition
            and part.last_session >= first  # type: ignore[operator]  # a Date column's extremes
            and part.first_session <= last  # type: ignore[operator]
        ]
        keys, values = dataset.key, dataset.fields
        known = as_known(self.scan_parts(dataset, stored), key=keys)
        between = pl.col(SESSION).is_between(pl.lit(first), pl.lit(last))
        return compare(rows, known.filter(between).collect(), key=keys, fields=values)

    def write_part(
        self,
        dataset: Dataset,
        partition: str,
        rows: pl.DataFrame,
        corrections: int,
        contents: tuple[str, ...] | None = None,
    ) -> Part:
        """Write one file, which no reader sees before a commit names it."""
        content = rows_hash(rows)
        key = f"{dataset.name}/{dataset.partition.value}={partition}/{content[:24]}.parquet"
        buffer = BytesIO()
        rows.write_parquet(buffer, compression="zstd", row_group_size=ROW_GROUP_ROWS)
        # A writer that died, or won, may have written the same rows: the name is their hash.
        with contextlib.suppress(FileExistsError):
            self.storage.create(key, buffer.getvalue())
        return Part(
            key=key,
            partition=partition,
            rows=rows.height,
            corrections=corrections,
            first_session=rows[SESSION].min(),  # type: ignore[arg-type]  # a Date column
            last_session=rows[SESSION].max(),  # type: ignore[arg-type]
            last_known=rows[KNOWLEDGE_TIME].max(),  # type: ignore[arg-type]
            contents=contents or (content,),
        )


def rows_hash(rows: pl.DataFrame) -> str:
    """Return a sha256 of names, types and values that no library version or layout changes."""
    digest = hashlib.sha256()
    for column in rows.iter_columns():
        digest.update(f"{column.name}|{column.dtype}|{len(column)}|".encode())
        if column.dtype == pl.String:
            words = column.drop_nulls().unique().sort()
            digest.update("\x1f".join(words).encode())
            codes = pl.int_range(len(words), dtype=pl.UInt32, eager=True)
            column = column.replace_strict(words, codes)  # noqa: PLW2901 - the same, as numbers
        numbers = column.to_physical()
        digest.update(numbers.is_null().to_numpy().tobytes())
        digest.update(numbers.fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def _merge_descriptions(stored: Dataset, given: Dataset) -> Dataset:
    """Return the description to keep; a dataset may gain fields, but not change its key."""
    if (stored.key, stored.partition) != (given.key, given.partition):
        raise InvalidInputError(
            f"{given.name}: stored by {stored.partition} with key {stored.key}, "
            f"given {given.partition} and {given.key}: choose another name"
        )
    if lost := [name for name in stored.fields if name not in given.fields]:
        raise InvalidInputError(
            f"{given.name}: the stored fields {', '.join(lost)} are not in the new rows"
        )
    return given


def _overlapping(parts: Iterable[Part], start: date | None, end: date | None) -> list[Part]:
    """Return the files that may hold sessions from `start` to `end`."""
    return [
        part
        for part in parts
        if (start is None or part.last_session >= start)
        and (end is None or part.first_session <= end)
    ]


def _conditions(
    start: date | None, end: date | None, symbols: Sequence[str] | None
) -> list[pl.Expr]:
    conditions = []
    if start is not None:
        conditions.append(pl.col(SESSION) >= start)
    if end is not None:
        conditions.append(pl.col(SESSION) <= end)
    if symbols is not None:
        conditions.append(pl.col(SYMBOL).is_in(list(symbols)))
    return conditions
