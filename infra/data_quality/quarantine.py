"""Rows that the gate set aside: looked at, and released by a person who says why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from basics.errors import MissingDataError

REASON = "reason"
RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One file of rows that broke stop rules.

    Attributes
    ----------
    name : str
        The file, without its suffix: its dataset and the hash of its content.
    reasons : tuple of (str, int)
        Rules and how many rows broke them.
    """

    name: str
    rows: int
    first: str
    last: str
    symbols: tuple[str, ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The folder of files that the reporter writes."""

    folder: Path

    def ls(self) -> Sequence[SetAside]:
        """Return every file that still waits, by name."""
        return [self._describe(path) for path in sorted(self.folder.glob("*.csv"))]

    def read(self, name: str) -> pl.DataFrame:
        """Return the rows of a file, all as text, `reason` among the columns.

        Raises
        ------
        MissingDataError
            If no such file waits.
        """
        path = self.folder / f"{name}.csv"
        if not path.is_file():
            raise MissingDataError(
                f"nothing named {name} was set aside: `quantdesk data quarantine` lists what was"
            )
        return pl.read_csv(path, infer_schema=False)

    def dataset_of(self, name: str) -> str:
        """Return the dataset whose rows a file holds."""
        return name.rsplit("-", 1)[0]

    def released_lines(self, dataset: str) -> frozenset[str]:
        """Return every line of the dataset's files that were released."""
        files = (self.folder / RELEASED).glob(f"{dataset}-*.csv")
        own = [path for path in files if self.dataset_of(path.stem) == dataset]
        return frozenset(
            line for path in own for line in path.read_text(encoding="utf-8").splitlines()[1:]
        )

    def release(self, name: str) -> None:
        """Move a file out of those that wait; its rows stay on record."""
        kept = self.folder / RELEASED
        kept.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.csv").replace(kept / f"{name}.csv")

    def _describe(self, path: Path) -> SetAside:
        rows = pl.read_csv(path, infer_schema=False)
        rules = rows[REASON].str.split("; ").explode().value_counts().sort("count", REASON)
        return SetAside(
            name=path.stem,
            rows=rows.height,
            first=str(rows["session"].min()),
            last=str(rows["session"].max()),
            symbols=tuple(rows["symbol"].unique().sort().to_list()),
            reasons=tuple((str(rule), int(count)) for rule, count in rules.rows()[::-1]),
        )
