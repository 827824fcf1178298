"""Tests of sectors by date: what counted, and what was known."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError
from market.sectors import SectorHistory, SectorSpan

DAYS = np.array(["2018-09-20", "2018-09-28", "2018-10-01", "2019-01-02"], "datetime64[D]")


def _span(sector: str, first: str, last: str | None, known: str) -> SectorSpan:
    return SectorSpan(
        symbol="T",
        sector=sector,
        first=date.fromisoformat(first),
        last=None if last is None else date.fromisoformat(last),
        known_at=datetime.fromisoformat(known).replace(tzinfo=UTC),
    )


TELECOM = _span("Telecom", "2000-01-01", "2018-09-27", "2000-01-01")
MEDIA = _span("Media", "2018-09-28", None, "2018-01-11")


def test_the_sector_of_the_session_counts() -> None:
    history = SectorHistory((TELECOM, MEDIA), {"U": "Utilities", "T": "Utilities"})

    numbers = history.numbers(("T", "U", "X"), DAYS)

    assert history.names == ("Media", "Telecom", "Utilities")
    np.testing.assert_array_equal(numbers, [[1.0, 0.0, 0.0, 0.0], [2.0] * 4, [np.nan] * 4])


def test_a_change_learned_of_late_moves_nothing_before() -> None:
    late = _span("Media", "2018-09-28", None, "2018-12-24")
    history = SectorHistory((TELECOM, late), {"T": "Unsorted"})

    known = history.numbers(("T",), DAYS)
    before = history.numbers(("T",), DAYS, as_of=datetime(2018, 12, 1, tzinfo=UTC))

    # Between the end of one span and the day the other was known, the undated table says.
    np.testing.assert_array_equal(known, [[1.0, 2.0, 2.0, 0.0]])
    np.testing.assert_array_equal(before, [[1.0, 2.0, 2.0, 2.0]])


def test_spans_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConflictError, match="T: the spans from 2000-01-01 and 2018-09-01 overlap"):
        SectorHistory((TELECOM, _span("Media", "2018-09-01", None, "2018-01-01")))
    with pytest.raises(InvalidInputError, match="lies before"):
        _span("Media", "2018-09-01", "2018-08-01", "2018-01-01")
