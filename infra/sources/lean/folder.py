"""A whole Lean data folder as one source: US equity, and crypto and forex by market."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from infra.sources.lean import LeanSource
from infra.sources.lean.around_clock import AroundClockSource, around_clock
from market.datasets import Dataset


@dataclass(frozen=True, slots=True)
class LeanFolder:
    """The parts of a Lean data folder, each of which names its own datasets."""

    equity: LeanSource | None
    markets: tuple[AroundClockSource, ...]
    name: str = "lean"

    def datasets(self) -> tuple[Dataset, ...]:
        """Describe what the folder holds."""
        return tuple(dataset for part in self._parts for dataset in part.datasets())

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the files that the dataset reads."""
        return self._part(dataset).fingerprint(dataset)

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a dataset."""
        return self._part(dataset).read(dataset)

    @property
    def _parts(self) -> tuple[LeanSource | AroundClockSource, ...]:
        return (*((self.equity,) if self.equity else ()), *self.markets)

    def _part(self, dataset: str) -> LeanSource | AroundClockSource:
        return next(p for p in self._parts if dataset in {d.name for d in p.datasets()})


def open_lean(folder: Path) -> LeanFolder | None:
    """Return the source of a folder that is laid out as Lean's, None for any other path."""
    equity = LeanSource(folder) if (folder / "equity" / "usa").is_dir() else None
    markets = around_clock(folder)
    return LeanFolder(equity, markets) if equity or markets else None
