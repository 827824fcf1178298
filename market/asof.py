"""As-of joins: to each row, the latest value that was known by then, and not too old.

A value counts from its knowledge time, not from its event time, so a label never meets a bar that
was not published yet. A correction of an old bar does not displace a newer bar; a correction of
the newest one counts from when it was known. Memory is bounded by joining block by block of time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SYMBOL, UTC_MICROSECONDS

BLOCK_ROWS = 2_000_000
# The symbol as a category: groups of numbers join twice as fast as groups of text.
_CODE = pl.col(SYMBOL).cast(pl.Categorical).alias("_code")


@dataclass(frozen=True, slots=True)
class Block:
    """A span of label times [start, end), and how many labels lie in it."""

    start: datetime
    end: datetime
    rows: int


def asof_join(
    labels: pl.DataFrame,
    bars: pl.DataFrame,
    *,
    time: str,
    fields: Sequence[str],
    tolerance: timedelta,
) -> pl.DataFrame:
    """Add to each label the latest `fields` of its symbol that were known at its `time`.

    Parameters
    ----------
    labels : DataFrame
        Columns symbol and `time` (aware), and any others; any order.
    bars : DataFrame
        Every version of the bars: symbol, event_time, knowledge_time and `fields`.
    tolerance : timedelta
        Longest age, from the bar's event time to the label; older gives null.

    Returns
    -------
    DataFrame
        The labels in their order, with `fields` and the bar's `event_time`.

    Raises
    ------
    InvalidInputError
        If `time` is no aware time, or `labels` already has one of the columns.
    """
    _check_labels(labels.schema, time, fields, tolerance)
    known = _latest_only(
        bars.select(_CODE, EVENT_TIME, KNOWLEDGE_TIME, *fields)  # Text is slow to sort along.
    )
    order = labels.with_row_index("_order").with_columns(pl.col(time).cast(UTC_MICROSECONDS), _CODE)
    sorted_already = order[time].is_sorted()
    joined = (order if sorted_already else order.sort(time)).join_asof(
        known,
        left_on=time,
        right_on=KNOWLEDGE_TIME,
        by="_code",
        strategy="backward",
        check_sortedness=False,
    )
    fresh = pl.col(time) - pl.col(EVENT_TIME) <= tolerance
    columns = (*fields, EVENT_TIME)
    aged = joined.with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in columns)
    restored = aged if sorted_already else aged.sort("_order")
    return restored.select(*labels.columns, *columns)


def asof_join_blocks(
    labels: pl.LazyFrame,
    read_bars: Callable[[datetime, datetime], pl.LazyFrame],
    *,
    time: str,
    fields: Sequence[str],
    tolerance: timedelta,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[pl.DataFrame]:
    """Join block by block of label time, so that memory holds one block and its bars.

    Parameters
    ----------
    labels : LazyFrame
        As for `asof_join`; sorted by `time` on disk they are read once.
    read_bars : callable
        Returns every version of the bars whose event time lies in [start, end].
    block_rows : int
        Labels that a block may hold; a single day may hold more.

    Yields
    ------
    DataFrame
        The joined labels of one block, in the order of the labels within it.
    """
    _check_labels(labels.collect_schema(), time, fields, tolerance)
    for block in _blocks(labels, time, block_rows):
        rows = labels.filter((pl.col(time) >= block.start) & (pl.col(time) < block.end)).collect()
        bars = read_bars(block.start - tolerance, block.end)
        near = bars.select(SYMBOL, EVENT_TIME, KNOWLEDGE_TIME, *fields).collect()
        yield asof_join(rows, near, time=time, fields=fields, tolerance=tolerance)


def _latest_only(bars: pl.DataFrame) -> pl.DataFrame:
    """Drop what was learnt about a bar when a newer bar of its symbol was already known."""
    ordered = bars.sort(KNOWLEDGE_TIME, maintain_order=True)
    if ordered[EVENT_TIME].is_sorted():
        return ordered  # Everything was known in the order in which it happened.
    ordered = bars.sort(KNOWLEDGE_TIME, EVENT_TIME)
    newest = pl.col(EVENT_TIME).cum_max().over("_code")
    return ordered.filter(pl.col(EVENT_TIME) >= newest)


def _blocks(labels: pl.LazyFrame, time: str, block_rows: int) -> Iterator[Block]:
    """Group whole days of labels into blocks of at most `block_rows`."""
    days = (
        labels.group_by(pl.col(time).dt.truncate("1d").alias("_day"))
        .agg(pl.len().alias("_rows"))
        .sort("_day")
        .collect(engine="streaming")
    )
    start: datetime | None = None
    end = None
    rows = 0
    for day, count in days.iter_rows():
        if start is not None and end is not None and rows + count > block_rows:
            yield Block(start, end, rows)
            start, rows = None, 0
        start = day if start is None else start
        end, rows = day + timedelta(days=1), rows + count
    if start is not None and end is not None:
        yield Block(start, end, rows)


def _check_labels(
    schema: pl.Schema, time: str, fields: Sequence[str], tolerance: timedelta
) -> None:
    kind = schema.get(time)
    if not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        raise InvalidInputError(f"labels need an aware time in column {time!r}, got {kind}")
    if SYMBOL not in schema:
        raise InvalidInputError(f"labels need a column {SYMBOL!r}, got {', '.join(schema)}")
    if taken := [name for name in (*fields, EVENT_TIME) if name in schema]:
        raise InvalidInputError(f"labels already have {', '.join(taken)}: rename them")
    if tolerance < timedelta(0):
        raise InvalidInputError(f"tolerance must not be negative, got {tolerance}")
