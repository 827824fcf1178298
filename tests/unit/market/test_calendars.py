"""Tests of `market.calendars` against days that exchanges are known to have closed."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.calendars import exchange_calendar


def test_new_york_rests_on_independence_day_and_closes_early_before_it() -> None:
    calendar = exchange_calendar("XNYS")

    week = calendar.sessions(date(2019, 7, 1), date(2019, 7, 7)).to_list()
    early = calendar.table.filter(pl.col("session") == date(2019, 7, 3)).to_dicts()[0]

    assert week == [date(2019, 7, 1), date(2019, 7, 2), date(2019, 7, 3), date(2019, 7, 5)]
    assert early["half_day"]
    assert early["close_time"] == datetime(2019, 7, 3, 17, tzinfo=UTC)


def test_the_market_stood_still_after_september_eleventh() -> None:
    days = exchange_calendar("XNYS").sessions(date(2001, 9, 10), date(2001, 9, 18)).to_list()

    assert days == [date(2001, 9, 10), date(2001, 9, 17), date(2001, 9, 18)]


def test_close_moves_with_daylight_saving() -> None:
    calendar = exchange_calendar("XNYS")
    rows = pl.DataFrame({"session": [date(2021, 1, 4), date(2021, 7, 6), date(2021, 7, 4)]})

    hours = calendar.with_times(rows)["close_time"].dt.hour().to_list()

    assert hours == [21, 20, None]


def test_shifting_counts_sessions_not_days() -> None:
    calendar = exchange_calendar("XNYS")

    assert calendar.shift(date(2019, 7, 3), 1) == date(2019, 7, 5)
    assert calendar.shift(date(2019, 7, 8), -2) == date(2019, 7, 3)


def test_an_unknown_exchange_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ISO 10383"):
        exchange_calendar("NOWHERE")


def test_a_day_without_trading_cannot_be_shifted() -> None:
    with pytest.raises(InvalidInputError, match="2019-07-04 is no session"):
        exchange_calendar("XNYS").shift(date(2019, 7, 4), 1)


def test_sessions_before_the_calendar_begins_are_missing() -> None:
    with pytest.raises(MissingDataError, match="knows 1960"):
        exchange_calendar("XNYS").sessions(date(1900, 1, 1), date(1970, 1, 1))
