"""The books, append only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    import polars as pl

    from pnl.bulk import FoldedFills
    from pnl.events import LedgerEvent
    from pnl.postings import Entry


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

    def events(self, run_id: str, *, after: int = 0) -> Sequence[tuple[date, LedgerEvent]]:
        """Return day and event of every entry past the sequence `after`, in order of booking."""
        ...

    def runs(self) -> Sequence[str]:
        """Return the runs that have entries, sorted."""
        ...
