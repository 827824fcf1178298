"""The log of a dataset: numbered commits, each created once, that say which files count.

A file that no commit names does not exist for a reader, so a writer that dies leaves nothing
half-written. Commits are numbered without gaps; a writer that finds its number taken reads what
the other wrote and decides again. Every so often a commit carries the whole state, so that
opening a dataset reads few commits however long its history is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from basics.errors import ConflictError
from basics.identifiers import content_hash
from infra.lake.storage import Storage
from market.datasets import Dataset, DatasetState

FULL_STATE_EVERY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file.

    Attributes
    ----------
    contents : tuple of str
        Content hashes of the batches in it; compaction gathers those of the files it replaces.
    corrects : bool
        Whether a row in it corrects a row of its partition, in this file or another.
    """

    key: str
    partition: str
    rows: int
    corrections: int
    first_session: date
    last_session: date
    last_known: datetime
    contents: tuple[str, ...]

    @property
    def corrects(self) -> bool:
        """Whether the partition needs its corrections resolved on read."""
        return self.corrections > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """A dataset after some commits."""

    sequence: int
    dataset: Dataset
    parts: tuple[Part, ...] = ()
    fingerprint: str | None = None

    def describe(self) -> DatasetState:
        """Return the state as the services see it."""
        contents = sorted(hash_ for part in self.parts for hash_ in part.contents)
        return DatasetState(
            dataset=self.dataset,
            version=content_hash(self.dataset.name, list(self.dataset.fields), contents),
            fingerprint=self.fingerprint,
            rows=sum(part.rows for part in self.parts),
            corrections=sum(part.corrections for part in self.parts),
            partitions=tuple(sorted({part.partition for part in self.parts})),
            files=len(self.parts),
            first_session=min((part.first_session for part in self.parts), default=None),
            last_session=max((part.last_session for part in self.parts), default=None),
        )


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the log."""

    action: str  # append, compact, note
    committed_at: datetime
    dataset: Dataset
    added: tuple[Part, ...] = ()
    removed: tuple[str, ...] = ()
    fingerprint: str | None = None
    lineage: Mapping[str, Any] = msgspec.field(default_factory=dict)
    state: tuple[Part, ...] | None = None

    def applied_to(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Return the files that count after this commit."""
        gone = set(self.removed)
        return tuple(part for part in parts if part.key not in gone) + self.added


def read_state(storage: Storage, name: str) -> LogState | None:
    """Return the dataset as its last commit left it, or None if there is none."""
    numbers = commit_numbers(storage, name)
    if not numbers:
        return None
    pending: list[Commit] = []
    parts: tuple[Part, ...] = ()
    for number in reversed(numbers):
        commit = read_commit(storage, name, number)
        pending.append(commit)
        if commit.state is not None:
            parts = commit.state
            break
    newest = pending[0]
    for commit in reversed(pending):
        parts = parts if commit.state is not None else commit.applied_to(parts)
    return LogState(
        sequence=numbers[-1], dataset=newest.dataset, parts=parts, fingerprint=newest.fingerprint
    )


def write_commit(storage: Storage, after: LogState, commit: Commit) -> LogState:
    """Put `commit` behind `after` and return the new state.

    Raises
    ------
    ConflictError
        If another writer was first: read the state and decide again.
    """
    number = after.sequence + 1
    parts = commit.applied_to(after.parts)
    if number % FULL_STATE_EVERY == 0:
        commit = msgspec.structs.replace(commit, state=parts)
    try:
        storage.create(_key(commit.dataset.name, number), msgspec.json.encode(commit))
    except FileExistsError:
        raise ConflictError(f"{commit.dataset.name}: commit {number} was taken") from None
    return replace(
        after,
        sequence=number,
        dataset=commit.dataset,
        parts=parts,
        fingerprint=commit.fingerprint,
    )


def commit_numbers(storage: Storage, name: str) -> list[int]:
    """Return the numbers of the dataset's commits, ascending."""
    return [int(entry.removesuffix(".json")) for entry in storage.names(f"{name}/_log")]


def read_commit(storage: Storage, name: str, number: int) -> Commit:
    """Return one commit."""
    return msgspec.json.decode(storage.read(_key(name, number)), type=Commit)


def _key(name: str, number: int) -> str:
    return f"{name}/_log/{number:08d}.json"
