"""Bars: daily, hourly, minutes and seconds; trades as OHLCV, quotes as OHLC of bid and ask."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from infra.sources.lean.files import count, day_of, dollars, moments, zipped_rows
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL

FIELDS = ("open", "high", "low", "close", "volume")
SIDES = ("bid", "ask")
QUOTE_BAR_FIELDS = tuple(
    name
    for side in SIDES
    for name in (*(f"{side}_{price}" for price in FIELDS[:4]), f"{side}_size")
)


def daily_bars(path: Path) -> pl.DataFrame:
    """Return the daily bars of one symbol, stamped with the close of their session."""
    rows = zipped_rows(path, 6)
    day = pl.col("column_0").str.slice(0, 8).str.to_date("%Y%m%d").alias(SESSION)
    bars = rows.select(pl.lit(path.stem.upper()).alias(SYMBOL), day, *_trade_values())
    timed = exchange_calendar("XNYS").with_times(bars)
    return timed.with_columns(
        pl.col("close_time").alias(EVENT_TIME), pl.col("close_time").alias(KNOWLEDGE_TIME)
    ).filter(pl.col(EVENT_TIME).is_not_null())


def hour_bars(path: Path) -> pl.DataFrame:
    """Return the hourly bars of one symbol; each is known when its hour is over."""
    rows = zipped_rows(path, 6)
    start = pl.col("column_0").str.to_datetime("%Y%m%d %H:%M", time_unit="us")
    end = start.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC") + timedelta(
        hours=1
    )
    return rows.select(
        pl.lit(path.stem.upper()).alias(SYMBOL),
        start.dt.date().alias(SESSION),
        end.alias(EVENT_TIME),
        end.alias(KNOWLEDGE_TIME),
        *_trade_values(),
    )


def trade_bars(path: Path, length: timedelta) -> pl.DataFrame:
    """Return the bars of one symbol and day; each is known when its `length` is over."""
    return _within_day(path, zipped_rows(path, 6), length, _trade_values())


def quote_bars(path: Path, length: timedelta) -> pl.DataFrame:
    """Return bid and ask bars of one symbol and day; a side without a quote is null."""
    values = []
    for first, side in zip((1, 6), SIDES, strict=True):
        values += [
            pl.when(dollars(first + place) > 0).then(dollars(first + place)).alias(f"{side}_{name}")
            for place, name in enumerate(FIELDS[:4])
        ]
        values.append(count(first + 4).alias(f"{side}_size"))
    return _within_day(path, zipped_rows(path, 11), length, values)


def _within_day(
    path: Path, rows: pl.DataFrame, length: timedelta, values: list[pl.Expr]
) -> pl.DataFrame:
    day = day_of(path.name[:8], path)
    end = moments(day, pl.col("column_0")) + length
    return rows.select(
        pl.lit(path.parent.name.upper()).alias(SYMBOL),
        pl.lit(day).alias(SESSION),
        end.alias(EVENT_TIME),
        end.alias(KNOWLEDGE_TIME),
        *values,
    )


def _trade_values() -> list[pl.Expr]:
    prices = [dollars(place).alias(name) for place, name in enumerate(FIELDS[:4], start=1)]
    return [*prices, count(5).alias("volume")]
