"""Data Docs that are owed: deliveries kept on disk until somebody has drawn their pages.

A delivery passes the gate in milliseconds; its pages take seconds. Who lands data may leave them
owed, whole or not at all, to be drawn later or by a process beside. A delivery stays until its
pages stand, so that a death on the way owes it still.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from infra.data_quality.expectations import SITE, ExpectationsReporter
from infra.files import one_at_a_time, write_whole
from market.datasets import Dataset
from market.quality import Rule
from services.ports import DataQualityDocument, DataQualityReporter

NOTE = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedDelivery:
    """The note on a delivery; the rows of its k-th batch lie beside it.

    Attributes
    ----------
    rules : tuple of Rule
        Those that judged it: the table may have changed when its pages are drawn.
    """

    dataset: Dataset
    rules: tuple[Rule, ...]
    batches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwedDocuments:
    """The deliveries in a folder; any number of processes may add, one draws at a time."""

    folder: Path

    def add(
        self, dataset: Dataset, batches: Iterable[tuple[str, pl.DataFrame]], rules: Sequence[Rule]
    ) -> int:
        """Keep a delivery and return how many batches it has; it counts once its note stands."""
        with one_at_a_time(self._owed / ".numbering"):
            last = max((int(note.stem) for note in self._notes()), default=0)
            note = self._owed / f"{last + 1:09d}{NOTE}"
            names = []
            for k, (name, rows) in enumerate(batches):
                rows.write_ipc(_rows_beside(note, k))
                names.append(name)
            owed = OwedDelivery(dataset=dataset, rules=tuple(rules), batches=tuple(names))
            write_whole(note, msgspec.json.encode(owed))
        return len(names)

    def __len__(self) -> int:
        """Return how many deliveries are owed."""
        return len(self._notes())

    def draw(self, reporter: DataQualityReporter) -> int:
        """Draw what is owed, oldest first, and return how many batches that were.

        Another process that draws is waited for: afterwards the pages stand of every delivery
        that had been added before the call, whoever drew them.
        """
        drawn = 0
        with one_at_a_time(self.folder / ".drawing"):
            while notes := self._notes():
                drawn += self._draw(notes[0], reporter)
        return drawn

    def _draw(self, note: Path, reporter: DataQualityReporter) -> int:
        owed = msgspec.json.decode(note.read_bytes(), type=OwedDelivery)
        rows = [_rows_beside(note, k) for k in range(len(owed.batches))]
        batches = ((name, pl.read_ipc(path)) for name, path in zip(owed.batches, rows, strict=True))
        reporter.validate(owed.dataset, batches, owed.rules)
        note.unlink()  # First: a note whose rows are gone could not be drawn.
        for path in rows:
            path.unlink()
        return len(rows)

    def _notes(self) -> list[Path]:
        return sorted(self._owed.glob(f"*{NOTE}"))

    @property
    def _owed(self) -> Path:
        return self.folder / "owed"


@dataclass(frozen=True, slots=True)
class OwingReporter:
    """Keeps quarantined rows as `reporter` does, and leaves the Data Docs owed.

    Attributes
    ----------
    owes : callable
        Is called after each delivery that was left: somebody may draw it.
    """

    reporter: ExpectationsReporter
    owes: Callable[[], None]

    def validate(
        self,
        dataset: Dataset,
        batches: Iterable[tuple[str, pl.DataFrame]],
        rules: Sequence[Rule],
    ) -> DataQualityDocument:
        """Leave the batches to be drawn: nothing is evaluated yet, and nothing counted."""
        kept = OwedDocuments(self.reporter.docs_dir).add(dataset, batches, rules)
        self.owes()
        return DataQualityDocument(str(self.reporter.docs_dir / SITE), kept, 0, 0)

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        """Write the rows to a CSV file named by their content."""
        return self.reporter.set_aside(dataset, rows)

    def released(self, dataset: Dataset) -> Set[str]:
        """Return the lines of the files that were released."""
        return self.reporter.released(dataset)


def _rows_beside(note: Path, k: int) -> Path:
    return note.with_name(f"{note.stem}-{k}.arrow")
