"""Tests of `market.reference`: tickers follow the instrument, universes follow the date."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from market.reference import Membership, TickerHistory, TickerSpan, universe

HISTORY = TickerHistory(
    (
        TickerSpan(
            instrument="facebook", symbol="FB", first=date(2012, 5, 18), last=date(2022, 6, 8)
        ),
        TickerSpan(instrument="facebook", symbol="META", first=date(2022, 6, 9)),
        TickerSpan(
            instrument="a fund", symbol="META", first=date(2021, 6, 30), last=date(2022, 1, 28)
        ),
    )
)


def test_a_ticker_means_what_it_meant_that_day() -> None:
    assert HISTORY.instrument("META", date(2021, 12, 1)) == "a fund"
    assert HISTORY.instrument("META", date(2022, 7, 1)) == "facebook"
    assert HISTORY.symbol("facebook", date(2020, 1, 2)) == "FB"


def test_a_history_follows_the_instrument_through_its_new_name() -> None:
    bars = pl.DataFrame(
        {
            "symbol": ["FB", "META", "META", "IBM"],
            "session": [date(2022, 6, 8), date(2022, 6, 9), date(2021, 12, 1), date(2021, 12, 1)],
            "close": [196.6, 184.0, 15.0, 117.0],
        }
    )

    now = HISTORY.follow(bars, on=date(2022, 12, 1))

    # The fund that was META has no symbol any more; IBM is in no span and stays.
    assert now.rows() == [
        ("META", date(2022, 6, 8), 196.6),
        ("META", date(2022, 6, 9), 184.0),
        ("IBM", date(2021, 12, 1), 117.0),
    ]


def test_a_day_on_which_nobody_had_the_name_is_missing() -> None:
    with pytest.raises(MissingDataError, match="META named no instrument on 2022-03-01"):
        HISTORY.instrument("META", date(2022, 3, 1))


def test_two_owners_of_one_ticker_are_a_conflict() -> None:
    spans = tuple(
        TickerSpan(instrument=name, symbol="X", first=date(2020, 1, day))
        for name, day in (("one", 1), ("two", 2))
    )
    with pytest.raises(ConflictError, match=r"symbol X: the spans .* overlap"):
        TickerHistory(spans)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    span = TickerSpan(instrument="x", symbol="X", first=date(2020, 1, 2), last=date(2020, 1, 1))
    with pytest.raises(InvalidInputError, match="lies before"):
        TickerHistory((span,))


JOINED = Membership(
    universe="large",
    symbol="A",
    first=date(2020, 1, 1),
    last=date(2021, 6, 30),
    known_at=datetime(2019, 12, 1, tzinfo=UTC),
    end_known_at=datetime(2021, 6, 15, tzinfo=UTC),
)
LATER = Membership(
    universe="large",
    symbol="B",
    first=date(2021, 1, 1),
    last=None,
    known_at=datetime(2020, 12, 1, tzinfo=UTC),
)


def test_membership_is_of_a_day_and_as_known() -> None:
    large = universe("large", [JOINED, LATER])

    assert large.members(date(2020, 6, 1)) == ("A",)
    assert large.members(date(2021, 3, 1)) == ("A", "B")
    assert large.members(date(2021, 12, 1)) == ("B",)
    # In May 2021 nobody knew that A would leave.
    assert large.members(date(2021, 12, 1), as_of=datetime(2021, 5, 1, tzinfo=UTC)) == ("A", "B")


def test_the_mask_agrees_with_the_members() -> None:
    large = universe("large", [JOINED, LATER])
    sessions = np.array(["2019-12-31", "2020-06-01", "2021-03-01", "2021-12-01"], "datetime64[D]")

    mask = large.mask(["B", "A", "C"], sessions)

    for column, day in enumerate(sessions.tolist()):
        members = {s for s, inside in zip("BAC", mask[:, column], strict=True) if inside}
        assert members == set(large.members(day))


def test_an_unknown_universe_is_missing() -> None:
    with pytest.raises(MissingDataError, match="universe 'small'"):
        universe("small", [JOINED])
