"""Ticks: every trade, and the best bid and ask after every quote that came.

A quote file's row tells one side only; the other side is the one last told. Rows that the vendor
marked as suspicious are left out, as Lean leaves them out of its bars. Lean does not say who took,
so a trade's `side` is null.
"""

from pathlib import Path

import polars as pl

from infra.sources.lean.files import count, day_of, dollars, moments, zipped_rows
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL

_SOUND = pl.col("column_5").is_in(["0", "False", "false"])
_SOUND_QUOTE = pl.col("column_7").is_in(["0", "False", "false"])


def trades(path: Path) -> pl.DataFrame:
    """Return the trades of one symbol and day: price, size, side (unknown)."""
    rows = zipped_rows(path, 6).with_row_index("sequence").filter(_SOUND)
    return _stamped(
        path,
        rows,
        [
            dollars(1).alias("price"),
            count(2).alias("size"),
            pl.lit(None, dtype=pl.Float64).alias("side"),
        ],
    )


def quotes(path: Path) -> pl.DataFrame:
    """Return best bid and ask after each quote of one symbol and day, once both are known."""
    rows = zipped_rows(path, 8).with_row_index("sequence").filter(_SOUND_QUOTE)
    told = [
        pl.when(dollars(price) > 0).then(value).forward_fill().alias(name)
        for price, value, name in (
            (1, dollars(1), "bid"),
            (3, dollars(3), "ask"),
            (1, count(2), "bid_size"),
            (3, count(4), "ask_size"),
        )
    ]
    return _stamped(path, rows, told).filter(
        pl.col("bid").is_not_null(), pl.col("ask").is_not_null()
    )


def _stamped(path: Path, rows: pl.DataFrame, values: list[pl.Expr]) -> pl.DataFrame:
    day = day_of(path.name[:8], path)
    at = moments(day, pl.col("column_0"))
    return rows.select(
        pl.lit(path.parent.name.upper()).alias(SYMBOL),
        pl.lit(day).alias(SESSION),
        at.alias(EVENT_TIME),
        at.alias(KNOWLEDGE_TIME),
        pl.col("sequence").cast(pl.Int64),
        *values,
    )
