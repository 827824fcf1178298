"""Tests of `market.asof`: by hand, against a plain search, and in blocks."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError
from market.asof import asof_join, asof_join_blocks

START = datetime(2022, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def bars(*rows: tuple[str, float, float, float]) -> pl.DataFrame:
    """Make bars from (symbol, event hour, known hour, close)."""
    return pl.DataFrame(
        {
            "symbol": [row[0] for row in rows],
            "event_time": [START + row[1] * HOUR for row in rows],
            "knowledge_time": [START + row[2] * HOUR for row in rows],
            "close": [row[3] for row in rows],
        },
        schema_overrides={
            "event_time": pl.Datetime("us", "UTC"),
            "knowledge_time": pl.Datetime("us", "UTC"),
        },
    )


def labels(*rows: tuple[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"symbol": [row[0] for row in rows], "at": [START + row[1] * HOUR for row in rows]},
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def test_a_label_meets_only_what_was_known() -> None:
    stored = bars(("A", 1, 2, 10.0), ("A", 3, 5, 11.0), ("B", 1, 1, 7.0))
    asked = labels(("A", 4), ("A", 1.5), ("B", 9), ("A", 5))

    joined = asof_join(asked, stored, time="at", fields=["close"], tolerance=24 * HOUR)

    # At hour 4 the bar of hour 3 was not published; at 1.5 none was.
    assert joined["close"].to_list() == [10.0, None, 7.0, 11.0]


def test_a_bar_older_than_the_tolerance_does_not_count() -> None:
    joined = asof_join(
        labels(("A", 3), ("A", 3.01)),
        bars(("A", 1, 1, 10.0)),
        time="at",
        fields=["close"],
        tolerance=2 * HOUR,
    )

    assert joined["close"].to_list() == [10.0, None]
    assert joined["event_time"].to_list() == [START + HOUR, None]


def test_a_late_correction_of_an_old_bar_does_not_displace_the_newest() -> None:
    stored = bars(("A", 1, 1, 10.0), ("A", 2, 2, 11.0), ("A", 1, 3, 10.5), ("A", 2, 4, 11.5))

    joined = asof_join(
        labels(("A", 3.5), ("A", 4.5)), stored, time="at", fields=["close"], tolerance=9 * HOUR
    )

    assert joined["close"].to_list() == [11.0, 11.5]


def test_blocks_give_what_a_plain_search_gives() -> None:
    rng = np.random.default_rng(3)
    stored = bars(
        *(
            (symbol, event, event + float(rng.uniform(0, 3)), float(rng.normal()))
            for symbol in "AB"
            for event in np.sort(rng.uniform(0, 240, 60)).tolist()
        )
    )
    asked = labels(*((str(rng.choice(["A", "B"])), float(rng.uniform(0, 240))) for _ in range(300)))

    def read(start: datetime, end: datetime) -> pl.LazyFrame:
        return stored.lazy().filter(pl.col("event_time").is_between(start, end))

    blocks = list(
        asof_join_blocks(
            asked.lazy(), read, time="at", fields=["close"], tolerance=8 * HOUR, block_rows=50
        )
    )

    assert len(blocks) > 4
    for row in pl.concat(blocks).iter_rows(named=True):
        known = stored.filter(
            (pl.col("symbol") == row["symbol"]) & (pl.col("knowledge_time") <= row["at"])
        ).sort("event_time")
        latest = known.tail(1).to_dicts()
        fresh = latest and row["at"] - latest[0]["event_time"] <= 8 * HOUR
        assert row["close"] == (latest[0]["close"] if fresh else None)


def test_labels_without_a_time_zone_are_refused() -> None:
    naive = labels(("A", 1)).with_columns(pl.col("at").dt.replace_time_zone(None))
    with pytest.raises(InvalidInputError, match="need an aware time in column 'at'"):
        asof_join(naive, bars(), time="at", fields=["close"], tolerance=HOUR)


def test_labels_that_have_the_field_are_refused() -> None:
    taken = labels(("A", 1)).with_columns(close=pl.lit(1.0))
    with pytest.raises(InvalidInputError, match="already have close"):
        asof_join(taken, bars(), time="at", fields=["close"], tolerance=HOUR)
