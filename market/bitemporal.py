"""Two times on every row: when it happened, and when we knew it.

`as_known` answers with what was known at a moment: of the rows of one key, the one known last,
not later than that moment. `compare` splits new rows into those of new keys, corrections, and
rows that say nothing new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SYMBOL


@dataclass(frozen=True, slots=True)
class Novelty:
    """What new rows say beside the stored ones."""

    fresh: pl.DataFrame
    corrections: pl.DataFrame
    unchanged: int


def as_known(
    rows: pl.LazyFrame, *, key: Sequence[str], as_of: datetime | None = None
) -> pl.LazyFrame:
    """Return the rows as they were known at `as_of`, one for each key.

    Parameters
    ----------
    as_of : datetime or None
        Aware moment; None means now, with every correction.

    Raises
    ------
    InvalidInputError
        If `as_of` has no time zone.
    """
    return (
        rows.filter(known_by(as_of))
        .sort(KNOWLEDGE_TIME)
        .unique(subset=list(key), keep="last", maintain_order=True)
    )


def known_by(as_of: datetime | None) -> pl.Expr:
    """Return the condition that a row was known at `as_of` (None: always)."""
    if as_of is None:
        return pl.lit(value=True)
    if as_of.tzinfo is None:
        raise InvalidInputError(f"as_of needs a time zone, got {as_of}: say UTC")
    return pl.col(KNOWLEDGE_TIME) <= as_of


def compare(
    new: pl.DataFrame, stored: pl.DataFrame, *, key: Sequence[str], fields: Sequence[str]
) -> Novelty:
    """Split `new` into rows of new keys, corrections of `stored`, and rows that change nothing.

    Of `new` rows with one key the last one counts. NaN equals null and NaN. A correction keeps the
    knowledge time that it brings when that is later than the stored row's; `stamp_corrections`
    makes it so.
    """
    latest = new.unique(subset=list(key), keep="last", maintain_order=True)
    known = stored.select(
        *key,
        pl.lit(value=True).alias("_stored"),
        pl.col(KNOWLEDGE_TIME).alias("_known"),
        *(pl.col(name).alias(f"_{name}") for name in fields),
    )
    joined = latest.join(known, on=list(key), how="left", maintain_order="left")
    same = pl.all_horizontal(
        pl.col(name).fill_nan(None).eq_missing(pl.col(f"_{name}").fill_nan(None)) for name in fields
    )
    seen = pl.col("_stored").is_not_null()
    fresh = joined.filter(~seen).select(new.columns)
    corrections = joined.filter(seen & ~same).select(*new.columns, "_known")
    return Novelty(fresh, corrections, new.height - fresh.height - corrections.height)


def stamp_corrections(corrections: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Give each correction a knowledge time after that of the row it corrects.

    A source that states a later one keeps it; else it was learnt `now`.
    """
    stated = pl.col(KNOWLEDGE_TIME) > pl.col("_known")
    # Two corrections within one microsecond still stand in an order.
    learnt = pl.max_horizontal(
        pl.lit(now).cast(corrections.schema[KNOWLEDGE_TIME]),
        pl.col("_known") + pl.duration(microseconds=1),
    )
    return corrections.with_columns(
        pl.when(stated).then(KNOWLEDGE_TIME).otherwise(learnt).alias(KNOWLEDGE_TIME)
    ).drop("_known")


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` in the order in which they are stored: symbol, event time, knowledge time."""
    return rows.sort(SYMBOL, EVENT_TIME, KNOWLEDGE_TIME, maintain_order=True)
