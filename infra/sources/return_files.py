"""A user's own returns, from CSV or Parquet: dates and returns, and maybe a benchmark's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from infra.sources.ledger_files import row_text, text_table
from infra.sources.text import LINE
from services.ports import Rejection


@dataclass(frozen=True, slots=True)
class ReturnFile:
    """Returns in order of date, as fractions.

    Attributes
    ----------
    benchmark : ndarray of shape (n_periods,) or None
        None where the file has no column of that name.
    """

    dates: DateArray
    returns: FloatArray
    benchmark: FloatArray | None
    rejected: tuple[Rejection, ...]


def read_returns(path: Path, *, mapping: Mapping[str, str] | None = None) -> ReturnFile:
    """Read columns `date`, `return` and, where there is one, `benchmark`.

    A row is rejected if its date is none or stands twice, or a return is no number or below -1.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or lacks a column.
    MissingDataError
        If no row is good.
    """
    table, rejected = text_table(path, ("date", "return"), mapping or {})
    names = [name for name in ("return", "benchmark") if name in table.columns]
    typed = table.with_columns(
        pl.col("date").cast(pl.String).str.slice(0, 10).str.to_date(strict=False).alias("date_"),
        *(pl.col(name).cast(pl.Float64, strict=False).alias(f"{name}_") for name in names),
    )
    checks = [(pl.col("date_").is_null(), "the date is none")]
    checks += [(_no_return(name), f"the {name} is no number of at least -1") for name in names]
    checks.append((pl.col("date_").is_first_distinct().not_(), "the date stands twice"))
    reasoned = typed.with_columns(
        pl.coalesce(pl.when(wrong).then(pl.lit(reason)) for wrong, reason in checks).alias("reason")
    )
    for row in reasoned.filter(pl.col("reason").is_not_null()).iter_rows(named=True):
        rejected.append(Rejection(path.name, row[LINE], row["reason"], row_text(row)))
    good = reasoned.filter(pl.col("reason").is_null()).sort("date_")
    if good.is_empty():
        why = rejected[0].reason if rejected else "it is empty"
        raise MissingDataError(f"{path.name} holds no good row: {why}")
    days: list[date] = good["date_"].to_list()
    return ReturnFile(
        dates=np.array(days, dtype="datetime64[D]"),
        returns=good["return_"].to_numpy(),
        benchmark=good["benchmark_"].to_numpy() if "benchmark" in names else None,
        rejected=tuple(sorted(rejected, key=lambda one: one.line)),
    )


def _no_return(name: str) -> pl.Expr:
    value = pl.col(f"{name}_")
    return value.is_null() | value.is_finite().not_() | (value < -1.0)
