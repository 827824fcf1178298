"""A user's own rows to join with the lake: read lazily, written block by block."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from basics.errors import InvalidInputError, MissingDataError
from market.datasets import UTC_MICROSECONDS

# An ISO time that says its zone.
ZONED = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True, slots=True)
class Joined:
    """How many rows were written, and how many of them met a value."""

    rows: int
    met: int


def duration(text: str) -> timedelta:
    """Return what `90s`, `30m`, `4h` or `5d` means.

    Raises
    ------
    InvalidInputError
        If it is none of these.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if found is None:
        raise InvalidInputError(f"--tolerance takes 90s, 30m, 4h or 5d, got {text!r}")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found.group(2)]
    return timedelta(**{unit: int(found.group(1))})


def scan_labels(path: Path, time: str) -> pl.LazyFrame:
    """Return the rows of a CSV or Parquet file; in CSV, `time` is ISO with a zone.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If it has no column `time`, or a time states no zone.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file: name a CSV or Parquet file")
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    rows = pl.scan_csv(path, schema_overrides={time: pl.String})
    if time not in rows.collect_schema():
        names = ", ".join(rows.collect_schema().names())
        raise InvalidInputError(f"{path.name} has no column {time!r}: it has {names}")
    wrong = rows.filter(~pl.col(time).str.contains(ZONED).fill_null(value=False))
    odd = wrong.select(time).head(1).collect()
    if not odd.is_empty():
        raise InvalidInputError(
            f"{path.name}: {odd[time][0]!r} is no ISO time with a zone, such as "
            "2022-01-03T15:30:00Z"
        )
    moment = pl.col(time).str.to_datetime(time_unit="us", time_zone="UTC")
    return rows.with_columns(moment.cast(UTC_MICROSECONDS))


def write_joined(blocks: Iterable[pl.DataFrame], path: Path, *, field: str) -> Joined:
    """Write each block as it comes, as Parquet or CSV by the file's name.

    Raises
    ------
    InvalidInputError
        If the name ends otherwise.
    """
    if path.suffix not in {".parquet", ".csv"}:
        raise InvalidInputError(f"--out takes a name in .parquet or .csv, got {path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    writer: pq.ParquetWriter | None = None
    rows = met = 0
    with beside.open("wb") as file:
        for block in blocks:
            if path.suffix == ".csv":
                block.write_csv(file, include_header=rows == 0)
            else:
                table: pa.Table = block.to_arrow()
                writer = writer or pq.ParquetWriter(file, table.schema)
                writer.write_table(table)
            rows += block.height
            met += block.height - block[field].null_count()
        if writer is not None:
            writer.close()
    beside.replace(path)
    return Joined(rows, met)
