"""Keep the lake quick: merge small files, remove those that nothing names any more."""

from dataclasses import dataclass
from datetime import timedelta

from basics.errors import ConflictError
from infra.lake.log import Commit, LogState, Part, read_state, write_commit
from infra.lake.parquet import ParquetLake
from market.bitemporal import in_order

MANY_FILES = 8  # Of one partition, from which the nightly round merges them.
GRACE = timedelta(hours=1)  # Longest that a writer takes from its first file to its commit.


def compact(lake: ParquetLake, name: str, *, at_least: int = 2) -> int:
    """Merge the files of each partition that has `at_least` or more; return how many went.

    Every row stays, corrected ones included, so that answers and the version stay the same.

    Raises
    ------
    ConflictError
        If another writer committed meanwhile: run it again.
    """
    state = read_state(lake.storage, name)
    if state is None:
        return 0
    merged: list[Part] = []
    gone: list[str] = []
    for partition in sorted({part.partition for part in state.parts}):
        parts = [part for part in state.parts if part.partition == partition]
        if len(parts) >= at_least:
            merged.append(_merge(lake, state, partition, parts))
            gone += [part.key for part in parts]
    if merged:
        commit = Commit(
            action="compact",
            committed_at=lake.clock.now(),
            dataset=state.dataset,
            added=tuple(merged),
            removed=tuple(gone),
            fingerprint=state.fingerprint,
        )
        write_commit(lake.storage, state, commit)
    return len(gone)


def vacuum(lake: ParquetLake, name: str, *, grace: timedelta = GRACE) -> int:
    """Remove files that no commit in force names and that are older than `grace`.

    What a killed writer left, and what compaction replaced, goes; a reader that began before and
    takes longer than `grace` may miss a file and has to read again.
    """
    state = read_state(lake.storage, name)
    named = {part.key for part in state.parts} if state is not None else set()
    oldest = (lake.clock.now() - grace).timestamp()
    dead = [
        key
        for key, written in lake.storage.walk(name)
        if key.endswith(".parquet") and key not in named and written < oldest
    ]
    for key in dead:
        lake.storage.delete(key)
    return len(dead)


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a round of upkeep did to a dataset.

    Attributes
    ----------
    merged : int
        Files that were merged into one for each partition.
    removed : int
        Files that nothing names any more and that are gone.
    """

    dataset: str
    merged: int
    removed: int


def tidy(lake: ParquetLake, name: str, *, at_least: int = MANY_FILES, tries: int = 5) -> Tidied:
    """Merge the files of crowded partitions, again when another writer was first, and vacuum."""
    merged = 0
    for left in reversed(range(tries)):
        try:
            merged = compact(lake, name, at_least=at_least)
            break
        except ConflictError:
            if not left:
                raise
    return Tidied(name, merged, vacuum(lake, name))


def _merge(lake: ParquetLake, state: LogState, partition: str, parts: list[Part]) -> Part:
    rows = in_order(lake.scan_parts(state.dataset, parts).collect())
    contents = tuple(sorted(content for part in parts for content in part.contents))
    corrections = sum(part.corrections for part in parts)
    return lake.write_part(state.dataset, partition, rows, corrections, contents)
