"""Tests of `market.bitemporal`: what was known when, by hand and by law."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from market.bitemporal import as_known, compare, stamp_corrections
from market.datasets import Dataset

DATASET = Dataset(name="prices", fields=("close",))
EVENT = datetime(2020, 1, 2, 21, tzinfo=UTC)


def rows(*values: tuple[str, float | None, datetime]) -> pl.DataFrame:
    return DATASET.conform(
        pl.DataFrame(
            {
                "symbol": [symbol for symbol, _, _ in values],
                "session": [date(2020, 1, 2)] * len(values),
                "event_time": [EVENT] * len(values),
                "knowledge_time": [known for _, _, known in values],
                "close": [close for _, close, _ in values],
            },
            schema_overrides={"close": pl.Float64},
        )
    )


def test_a_reader_sees_the_value_that_was_known_then() -> None:
    monday, tuesday = EVENT + timedelta(hours=1), EVENT + timedelta(days=1)
    stored = rows(("A", 10.0, monday), ("A", 11.0, tuesday), ("B", 5.0, tuesday)).lazy()

    before = as_known(stored, key=DATASET.key, as_of=monday).collect()
    after = as_known(stored, key=DATASET.key, as_of=None).sort("symbol").collect()

    assert before["close"].to_list() == [10.0]
    assert after["close"].to_list() == [11.0, 5.0]


def test_new_rows_split_into_fresh_corrected_and_unchanged() -> None:
    stored = rows(("A", 10.0, EVENT), ("B", None, EVENT), ("C", 3.0, EVENT))
    new = rows(("A", 10.5, EVENT), ("B", float("nan"), EVENT), ("C", 3.0, EVENT), ("D", 1.0, EVENT))

    novelty = compare(new, stored, key=DATASET.key, fields=DATASET.fields)

    assert novelty.fresh["symbol"].to_list() == ["D"]
    assert novelty.corrections["symbol"].to_list() == ["A"]
    assert novelty.unchanged == 2  # A missing value equals a missing value.


def test_a_correction_is_learnt_now_unless_its_source_says_later() -> None:
    now, stated = EVENT + timedelta(days=2), EVENT + timedelta(days=5)
    stored = rows(("A", 10.0, EVENT), ("B", 5.0, EVENT))
    new = rows(("A", 11.0, EVENT), ("B", 6.0, stated))

    late = stamp_corrections(
        compare(new, stored, key=DATASET.key, fields=DATASET.fields).corrections, now
    )

    assert late["knowledge_time"].to_list() == [now, stated]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12, unique=True), st.integers(0, 25))
def test_what_was_known_never_depends_on_what_came_later(days: list[int], cut: int) -> None:
    stored = rows(*(("A", float(day), EVENT + timedelta(days=day)) for day in days))
    as_of = EVENT + timedelta(days=cut)

    seen = as_known(stored.lazy(), key=DATASET.key, as_of=as_of).collect()
    without = as_known(
        stored.filter(pl.col("knowledge_time") <= as_of).lazy(), key=DATASET.key
    ).collect()

    assert seen.equals(without)


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="needs a time zone"):
        as_known(rows().lazy(), key=DATASET.key, as_of=datetime(2020, 1, 1))  # noqa: DTZ001 - the point
