"""A user's fills and a custodian's statements, from CSV or Parquet; bad rows are listed.

Fills have the columns of `FILL_COLUMNS` (venue, exec_id, symbol, quantity, price, executed_at are
needed, the rest have defaults); statements have account, subject (position or cash), name and
amount. `mapping` gives the file's own name for a column of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import polars as pl
import polars.selectors as cs

from basics.errors import InvalidInputError
from basics.instruments import Instrument
from infra.sources.text import LINE, read_text
from pnl.position_state import NEGATIVE_PRICES
from pnl.reconciliation import StatementKey, Subject
from services.ports import Rejection

NEEDED = ("venue", "exec_id", "symbol", "quantity", "price", "executed_at")
DEFAULTS = {
    "cl_ord_id": "(imported)", "fee": "0", "currency": "USD", "fund": "imported",
    "portfolio": "imported", "strategy": "imported", "account": "imported",
}  # fmt: skip
FILL_COLUMNS = (*NEEDED, *DEFAULTS)
STATEMENT_COLUMNS = ("account", "subject", "name", "amount")
DIGITS = 10  # Decimals kept of quantities, prices and fees.


@dataclass(frozen=True, slots=True)
class FillFile:
    """What a file of fills holds: accepted rows, typed, and the rejected ones."""

    fills: pl.DataFrame
    rejected: tuple[Rejection, ...]


def read_fills(
    path: Path, instruments: Mapping[str, Instrument], *, mapping: Mapping[str, str] | None = None
) -> FillFile:
    """Read fills; a row that cannot be booked is rejected with its line and reason.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or lacks a needed column.
    """
    table, rejected = text_table(path, NEEDED, mapping or {})
    table = table.with_columns(
        pl.col(name).fill_null(default) if name in table.columns else pl.lit(default).alias(name)
        for name, default in DEFAULTS.items()
    )
    typed = table.with_columns(
        *(
            pl.col(name).cast(pl.Decimal(38, DIGITS), strict=False).alias(f"{name}_")
            for name in ("quantity", "price", "fee")
        ),
        _moment(table).alias("executed_at_"),
    )
    reasoned = typed.with_columns(_reason(instruments).alias("reason"))
    bad = reasoned.filter(pl.col("reason").is_not_null())
    rejected += [
        Rejection(path.name, row[LINE], row["reason"], row_text(row))
        for row in bad.iter_rows(named=True)
    ]
    good = reasoned.filter(pl.col("reason").is_null()).select(
        *(name for name in FILL_COLUMNS if name not in {"quantity", "price", "fee", "executed_at"}),
        *(pl.col(f"{name}_").alias(name) for name in ("quantity", "price", "fee", "executed_at")),
    )
    return FillFile(good, tuple(sorted(rejected, key=lambda one: one.line)))


def read_statement(
    path: Path, *, mapping: Mapping[str, str] | None = None
) -> tuple[dict[StatementKey, Decimal], tuple[Rejection, ...]]:
    """Read a custodian's statement; lines of one key are summed.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or lacks a column.
    """
    table, rejected = text_table(path, STATEMENT_COLUMNS, mapping or {})
    lines: dict[StatementKey, Decimal] = {}
    for row in table.iter_rows(named=True):
        line = _statement_line(row)
        if line is None:
            reason = "account, subject (position or cash), name and a number are needed"
            rejected.append(Rejection(path.name, row[LINE], reason, row_text(row)))
            continue
        key, amount = line
        lines[key] = lines.get(key, Decimal(0)) + amount
    return lines, tuple(rejected)


def _statement_line(row: Mapping[str, str | None]) -> tuple[StatementKey, Decimal] | None:
    account, subject, name = row["account"], row["subject"], row["name"]
    try:
        amount = Decimal(row["amount"] or "")
    except InvalidOperation:
        return None
    if not (amount.is_finite() and account and name and subject in set(Subject)):
        return None
    return StatementKey(account=account, subject=Subject(subject), name=name), amount


def text_table(
    path: Path, needed: tuple[str, ...], mapping: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Return the file as text columns under our names, and the lines that are no rows."""
    if not path.is_file():
        raise InvalidInputError(f"{path} is not a file")
    rejected: list[Rejection] = []
    if path.suffix == ".parquet":
        table = pl.read_parquet(path).with_row_index(LINE, offset=1)
        table = table.with_columns((cs.all() - cs.by_name(LINE) - cs.datetime()).cast(pl.String))
    else:
        batches = list(read_text(path))
        rejected = [
            Rejection(r.file, r.line, r.reason, r.text) for batch in batches for r in batch.rejected
        ]
        frames = [batch.rows for batch in batches if batch.rows.width]
        if not frames:
            why = rejected[0].reason if rejected else "a heading alone is no data"
            raise InvalidInputError(f"{path.name} holds no rows: {why}")
        table = pl.concat(frames, how="vertical")
    table = table.rename(
        {theirs: ours for ours, theirs in mapping.items() if theirs in table.columns}
    )
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise InvalidInputError(
            f"{path.name} lacks {', '.join(missing)}; it has "
            f"{', '.join(name for name in table.columns if name != LINE)}: "
            f"name yours by --map {missing[0]}=YOURS"
        )
    return table, rejected


def _moment(table: pl.DataFrame) -> pl.Expr:
    """Return the execution's moment in UTC; a time without a zone is null."""
    kind = table.schema["executed_at"]
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None:
            return pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        return pl.col("executed_at").dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    zoned = pl.col("executed_at").str.contains(r"(Z|[+-]\d\d:?\d\d)$")
    return (
        pl.when(zoned)
        .then(pl.col("executed_at").str.replace(r"Z$", "+00:00"))
        .str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    )


def _reason(instruments: Mapping[str, Instrument]) -> pl.Expr:
    """Return the first thing wrong with a row, null if nothing is."""
    below_zero = [s for s, i in instruments.items() if i.kind in NEGATIVE_PRICES]
    currencies = pl.DataFrame(
        {"symbol": list(instruments), "c": [i.currency for i in instruments.values()]},
        schema={"symbol": pl.String, "c": pl.String},
    )
    own = pl.col("symbol").replace_strict(currencies["symbol"], currencies["c"], default=None)
    duplicate = pl.struct("venue", "exec_id").is_first_distinct().not_()
    empty = pl.any_horizontal(
        pl.col(n).is_null() | (pl.col(n) == "") for n in ("venue", "exec_id", "symbol")
    )
    negative = (pl.col("price_") < 0) & pl.col("symbol").is_in(below_zero).not_()
    checks = [
        (empty, "venue, exec_id or symbol is empty"),
        (own.is_null(), "the instrument is unknown"),
        (pl.col("quantity_").is_null(), "the quantity is not a number"),
        (pl.col("quantity_") == 0, "the quantity is zero"),
        (pl.col("price_").is_null(), "the price is not a number"),
        (negative, "the price is negative"),
        (pl.col("fee_").is_null(), "the fee is not a number"),
        (own != pl.col("currency"), "the currency is not the instrument's"),
        (pl.col("executed_at_").is_null(), "executed_at is no time with a zone (such as Z)"),
        (duplicate, "the venue and exec_id stand twice"),
    ]
    return pl.coalesce(pl.when(wrong).then(pl.lit(reason)) for wrong, reason in checks)


def row_text(row: Mapping[str, object]) -> str:
    """Return the user's own values of a row, as one line."""
    own = [str(v) for name, v in row.items() if name not in {LINE, "reason"} and name[-1] != "_"]
    return ",".join(own)
