"""Tests of what an exchange's calendar says of a session, by hand from New York's calendar."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.exchange_days import NAMES, exchange_values


def _told(name: str, *days: str, code: str = "XNYS") -> list[float]:
    return exchange_values(f"exchange.{code}.{name}", np.array(days, "datetime64[D]")).tolist()


def test_thanksgiving_week_of_2022_by_hand() -> None:
    # Wednesday 23 November; the 24th is Thanksgiving; the 25th closes at 13:00; the month ends
    # on Wednesday the 30th.
    days = ("2022-11-23", "2022-11-25", "2022-11-28", "2022-11-30", "2022-12-01")
    assert _told("half_day", *days) == [0, 1, 0, 0, 0]
    assert _told("sessions_to_holiday", *days) == [0, 20, 19, 17, 16]  # To 26 December.
    assert _told("sessions_since_holiday", *days)[1:] == [0, 1, 3, 4]
    assert _told("first_of_week", *days) == [0, 0, 1, 0, 0]
    assert _told("last_of_week", *days) == [0, 1, 0, 0, 0]
    assert _told("first_of_month", *days) == [0, 0, 0, 0, 1]
    assert _told("last_of_month", *days) == [0, 0, 0, 1, 0]
    assert _told("sessions_to_month_end", *days) == [4, 3, 2, 0, 21 - 1]
    assert _told("session_of_month", *days) == [17, 18, 19, 21, 1]


def test_options_expire_on_the_third_friday_or_the_day_before_a_holiday() -> None:
    # 16 December 2022 is a third Friday; on 21 March 2008 and 18 April 2014, third Fridays too,
    # New York kept Good Friday.
    days = ("2022-12-16", "2022-12-12", "2022-12-09", "2008-03-20", "2014-04-17", "2008-03-24")
    assert _told("expiry_day", *days) == [1, 0, 0, 1, 1, 0]
    assert _told("expiry_week", *days) == [1, 1, 0, 1, 1, 0]
    assert _told("sessions_to_expiry", *days)[:5] == [0, 4, 5, 0, 0]


def test_a_closure_that_nobody_planned_is_not_seen_coming() -> None:
    # New York stayed closed from 11 to 14 September 2001: on the 10th nothing of it was known.
    assert _told("sessions_to_month_end", "2001-09-10") == [14]
    assert _told("sessions_to_expiry", "2001-09-10") == [9]
    assert _told("last_of_week", "2001-09-10") == [0]
    # Afterwards it was.
    assert _told("sessions_since_holiday", "2001-09-17", "2001-09-18") == [0, 1]
    # Nor was the day of mourning on Wednesday 5 December 2018, one of the
    # fourteen sessions that were planned until Christmas.
    assert _told("sessions_to_holiday", "2018-12-04") == [14]


def test_another_exchange_has_its_own_days() -> None:
    # London kept 2 May 2022 as a holiday, New York did not.
    assert _told("session_of_month", "2022-05-03", code="XLON") == [1]
    assert _told("session_of_month", "2022-05-03", code="XNYS") == [2]
    # Riyadh trades from Sunday to Thursday.
    assert _told("first_of_week", "2022-06-05", "2022-06-06", code="XSAU") == [1, 0]
    assert _told("last_of_week", "2022-06-08", "2022-06-09", code="XSAU") == [0, 1]


def test_a_day_without_a_session_has_no_values() -> None:
    for name in NAMES:
        assert np.isnan(_told(name, "2022-12-31", "2022-11-24", "1950-01-03")).all(), name


def test_an_unknown_field_or_exchange_is_named() -> None:
    with pytest.raises(MissingDataError, match=r"there is no exchange\.XNYS\.moon"):
        _told("moon", "2022-12-30")
    with pytest.raises(InvalidInputError, match="unknown exchange calendar 'NOWHERE'"):
        _told("half_day", "2022-12-30", code="NOWHERE")
