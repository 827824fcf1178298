"""The files of a Lean data folder: zipped CSV, New York time, prices in 1/10,000 dollars."""

import csv
import zipfile
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl

from basics.errors import InvalidInputError

SCALE = 10_000.0
ZONE = "America/New_York"


def zipped_rows(path: Path, columns: int) -> pl.DataFrame:
    """Return the rows of the one CSV in a zip file, as text.

    Raises
    ------
    InvalidInputError
        If the file is no zip file, or its rows have fewer than `columns` values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
    except (zipfile.BadZipFile, IndexError) as error:
        raise InvalidInputError(f"{path.name} is no zip file with a CSV in it: {error}") from error
    if not data.strip():
        return pl.DataFrame(schema={f"column_{place}": pl.String for place in range(columns)})
    rows = pl.read_csv(BytesIO(data), has_header=False, infer_schema=False)
    if rows.width < columns:
        raise InvalidInputError(
            f"{path.name}: {rows.width} columns, a row of its kind has {columns}"
        )
    return rows


def csv_rows(path: Path) -> list[list[str]]:
    """Return the rows of a plain CSV file that are not empty."""
    return [row for row in csv.reader(StringIO(path.read_text(encoding="utf-8"))) if row]


def day_of(text: str, path: Path) -> date:
    """Return the date that `yyyymmdd` says; `path` is named if it is none."""
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidInputError(f"{path.name}: {text!r} is no date (yyyymmdd)") from None


def moments(day: date, milliseconds: pl.Expr, *, zone: str = ZONE) -> pl.Expr:
    """Return milliseconds since midnight in the zone, fractions too, as moments in UTC."""
    micro = (milliseconds.cast(pl.Float64) * 1_000).round().cast(pl.Int64)
    local = pl.lit(day).cast(pl.Datetime("us")) + pl.duration(microseconds=micro)
    return local.dt.replace_time_zone(zone).dt.convert_time_zone("UTC")


def dollars(place: int) -> pl.Expr:
    """Return the price in column `place`, in dollars: the float next to its four decimals."""
    # polars multiplies by the reciprocal of a scalar, which is one bit off for half of all prices.
    return (pl.col(f"column_{place}").cast(pl.Float64) / SCALE).round(4)


def count(place: int) -> pl.Expr:
    """Return the number of shares in column `place`."""
    return pl.col(f"column_{place}").cast(pl.Float64)
