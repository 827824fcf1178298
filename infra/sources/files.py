"""A user's own bars, ticks or rates: CSV or Parquet, a file or a folder; bars long or wide."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash, file_sha256
from infra.sources.columns import PRICE_FIELDS, REASON, Layout, Reading, recognise, to_rows
from infra.sources.text import CHUNK_BYTES, LINE, RejectedLine, read_text
from infra.sources.tick_columns import Kind
from market.datasets import EVENT_TIME, SESSION, Dataset, Partition
from market.ticks import depth_dataset, quotes_dataset, trades_dataset
from services.ports import Delivery, Rejection

TEXT_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".pq")
GLANCE_BYTES = 2**20  # Of each file, to see what the dataset will be.
PARQUET_ROWS = 1_000_000  # Rows of a Parquet file that are read at a time.
TICK_DATASETS = {
    Kind.QUOTES: quotes_dataset,
    Kind.TRADES: trades_dataset,
    Kind.DEPTH: depth_dataset,
}


@dataclass(frozen=True, slots=True)
class FileBars:
    """Bars in files, read by one `Reading`: an adapter of `services.ports.BarFiles`."""

    dataset_name: str
    paths: tuple[Path, ...]
    reading: Reading

    def describe(self) -> Dataset:
        """Describe the dataset, from the first file that has rows.

        Raises
        ------
        InvalidInputError
            If no file has a row that can be read.
        """
        fields: list[str] = []
        intraday = False
        for path in self.paths:
            for rows, _, _ in self._tables(path, chunk_bytes=GLANCE_BYTES):
                if rows.is_empty():
                    continue
                fields += [n for n in rows.columns if n in self._names(rows) and n not in fields]
                intraday = intraday or _is_intraday(rows)
                break
        if not fields:
            raise InvalidInputError(
                f"no row can be read in {', '.join(p.name for p in self.paths[:5])}: the files are "
                "empty or hold no table"
            )
        source = "files: " + ", ".join(path.name for path in self.paths[:5])
        if describe := TICK_DATASETS.get(self.reading.kind):
            return describe(
                self.dataset_name, calendar=self.reading.calendar, simulated=False, source=source
            )
        order = {name: place for place, name in enumerate(PRICE_FIELDS)}
        fields.sort(key=lambda name: order.get(name, len(order)))
        return Dataset(
            name=self.dataset_name,
            fields=tuple(fields),
            frequency="intraday" if intraday else "1d",
            calendar=self.reading.calendar,
            partition=Partition.MONTH if intraday else Partition.YEAR,
            source=source,
        )

    def fingerprint(self) -> str:
        """Return a hash of the files' bytes and of how they are read."""
        return content_hash([file_sha256(path) for path in self.paths], repr(self.reading))

    def deliveries(self, dataset: Dataset) -> Iterator[Delivery]:
        """Yield the rows in batches, with where each came from and what was rejected."""
        for path in self.paths:
            for rows, rejected, ignored in self._tables(path):
                listed = [Rejection(r.file, r.line, r.reason, r.text) for r in rejected]
                if rows.is_empty():
                    yield Delivery(dataset.conform(_empty(dataset)), (), path.name, tuple(listed))
                    continue
                bad = rows.filter(pl.col(REASON).is_not_null())
                listed += [
                    Rejection(path.name, row[LINE], row[REASON], _text(row))
                    for row in bad.iter_rows(named=True)
                ]
                listed += [
                    Rejection(path.name, 0, f"unknown column {name!r} is ignored", "", row=False)
                    for name in ignored
                ]
                good = rows.filter(pl.col(REASON).is_null())
                absent = [
                    pl.lit(None, dtype=pl.Float64).alias(name)
                    for name in dataset.fields
                    if name not in good.columns
                ]
                yield Delivery(
                    dataset.conform(good.with_columns(absent)),
                    tuple(good[LINE].to_list()),
                    path.name,
                    tuple(listed),
                )

    def _tables(
        self, path: Path, *, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[tuple[pl.DataFrame, tuple[RejectedLine, ...], tuple[str, ...]]]:
        """Yield (rows, rejected lines, ignored columns) of the file, batch by batch."""
        layout: Layout | None = None
        for table, rejected in _batches(path, chunk_bytes):
            if table.is_empty():
                yield table, rejected, ()
                continue
            ignored: tuple[str, ...] = ()
            if layout is None:
                columns = [name for name in table.columns if name != LINE]
                layout = recognise(columns, self.reading, file=path.name)
                ignored = layout.ignored
            symbol = path.name.split(".")[0].upper()
            yield to_rows(table, layout, self.reading, symbol=symbol), rejected, ignored

    def _names(self, rows: pl.DataFrame) -> set[str]:
        return set(rows.columns) - {"symbol", SESSION, EVENT_TIME, "knowledge_time", LINE, REASON}


def open_files(path: Path, *, dataset: str | None, reading: Reading) -> FileBars:
    """Return the bars at `path`, a file or a folder.

    Raises
    ------
    MissingDataError
        If the path does not exist or a folder holds no file of a known kind.
    InvalidInputError
        If the file is of another kind.
    """
    suffixes = TEXT_SUFFIXES + PARQUET_SUFFIXES
    if not path.exists():
        raise MissingDataError(f"{path} does not exist: check the path")
    if path.is_dir():
        paths = tuple(sorted(p for p in path.rglob("*") if p.is_file() and _kind(p)))
        if not paths:
            raise MissingDataError(f"{path} holds no file of {', '.join(suffixes)}")
    elif not _kind(path):
        raise InvalidInputError(f"{path.name} is none of {', '.join(suffixes)}")
    else:
        paths = (path,)
    name = dataset or "".join(c if c.isalnum() else "_" for c in path.name.split(".")[0]).lower()
    return FileBars(name, paths, reading)


def _kind(path: Path) -> bool:
    return path.name.lower().endswith(TEXT_SUFFIXES + PARQUET_SUFFIXES)


def _batches(
    path: Path, chunk_bytes: int
) -> Iterator[tuple[pl.DataFrame, tuple[RejectedLine, ...]]]:
    """Yield the file as tables with the column `_line`."""
    if path.name.lower().endswith(TEXT_SUFFIXES):
        for batch in read_text(path, chunk_bytes=chunk_bytes):
            yield batch.rows, batch.rejected
        return
    try:
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        for start in range(0, rows, PARQUET_ROWS):
            table = pl.scan_parquet(path).slice(start, PARQUET_ROWS).collect()
            # Rows of a Parquet file have no lines; their number stands in, from 1.
            yield (
                table.with_columns(pl.int_range(start + 1, start + table.height + 1).alias(LINE)),
                (),
            )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInputError(f"{path.name} is not a Parquet file: {error}") from error
    if not rows:
        yield pl.DataFrame(), (RejectedLine(path.name, 0, "the file has no rows", ""),)


def _is_intraday(rows: pl.DataFrame) -> bool:
    """Tell whether a symbol has two rows in one session, or times that differ by the day."""
    good = rows.filter(pl.col(REASON).is_null())
    if good.is_empty():
        return False
    per_session = good.group_by("symbol", SESSION).agg(pl.col(EVENT_TIME).n_unique())
    return bool((per_session[EVENT_TIME] > 1).any())


def _empty(dataset: Dataset) -> pl.DataFrame:
    return pl.DataFrame(schema=dataset.schema)


def _text(row: dict[str, object]) -> str:
    """Write a row that was parsed and rejected as text for the report."""
    hidden = (LINE, REASON, EVENT_TIME, "knowledge_time")
    return ", ".join(f"{k}={v}" for k, v in row.items() if k not in hidden)
