"""What the calendar of an exchange says of a session, written like fields.

`field("exchange.XNYS.half_day")`. What looks ahead (how many sessions are left, when the next
holiday comes) counts the days on which the exchange was to trade by its rules, not those on
which it did: nobody knew on 2001-09-10 that it would stay closed. What looks back counts the
sessions that there were. So nothing of it is a leak.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from basics.arrays import BoolArray, DateArray, FloatArray, IntArray
from basics.errors import MissingDataError
from market.calendars import exchange_calendar

PREFIX = "exchange."
FRIDAY = 4
NAMES = (
    "first_of_month",
    "last_of_month",
    "session_of_month",
    "sessions_to_month_end",
    "first_of_week",
    "last_of_week",
    "half_day",
    "sessions_since_holiday",
    "sessions_to_holiday",
    "expiry_day",
    "expiry_week",
    "sessions_to_expiry",
)


def exchange_values(name: str, sessions: DateArray) -> FloatArray:
    """Return the field `exchange.CODE.NAME` for each session.

    `first_of_month`, `last_of_month`, `first_of_week`, `last_of_week`, `half_day`, `expiry_day`
    and `expiry_week` are 1 or 0; `session_of_month` is 1 on the first; `sessions_to_month_end`
    is 0 on the last. `sessions_to_holiday` is 0 on the last session before the next holiday on
    a trading weekday, `sessions_since_holiday` 0 on the first after one. Options expire on the
    third Friday of the month, on the trading day before if that is a holiday:
    `sessions_to_expiry` is 0 on that day, and `expiry_week` is its week.

    Returns
    -------
    ndarray of shape (n_sessions,)
        NaN on a day that is no session of the exchange.

    Raises
    ------
    MissingDataError
        If there is no such field.
    InvalidInputError
        If the exchange is unknown.
    """
    code, _, what = name.removeprefix(PREFIX).partition(".")
    if what not in NAMES:
        raise MissingDataError(f"there is no {name}: there are {PREFIX}CODE.{', '.join(NAMES)}")
    known, values = _tables(code)
    days = sessions.astype("datetime64[D]")
    place = np.minimum(np.searchsorted(known, days), len(known) - 1)
    return np.where(known[place] == days, values[what][place], np.nan)


@lru_cache(maxsize=8)
def _tables(code: str) -> tuple[DateArray, Mapping[str, FloatArray]]:
    """Return the sessions of the exchange and every field over them."""
    calendar = exchange_calendar(code)
    held = _days(calendar.table["session"].to_numpy())
    planned = _days(calendar.scheduled.to_numpy())
    # Where each session stands among the planned days; -1 + 1 for one that was not planned.
    after = np.searchsorted(planned, held, side="right")
    following = planned[np.minimum(after, len(planned) - 1)]
    begin = _week_begin(planned)
    month, week = _month(held), _week(held, begin)
    tables = {
        "first_of_month": np.append(True, month[1:] != month[:-1]),
        "last_of_month": _month(following) != month,
        "session_of_month": _count_within(month),
        "sessions_to_month_end": np.searchsorted(planned, _month_end(held), side="right") - after,
        "first_of_week": np.append(True, week[1:] != week[:-1]),
        "last_of_week": _week(following, begin) != week,
        "half_day": calendar.table["half_day"].to_numpy(),
        **_holidays(held, planned, after),
        **_expiry(held, planned, after, begin),
    }
    return held, {name: np.asarray(values, np.float64) for name, values in tables.items()}


def _holidays(held: DateArray, planned: DateArray, after: IntArray) -> Mapping[str, FloatArray]:
    """Return the sessions to the next planned holiday, and since the last day without trading."""
    trading_week = np.unique(_weekday(planned))
    every = np.arange(planned[0], planned[-1] + 1)
    weekdays = every[np.isin(_weekday(every), trading_week)]
    holidays = np.setdiff1d(weekdays, planned)
    coming = np.searchsorted(holidays, held, side="right")
    until = np.append(holidays, planned[-1] + 1)[coming]
    ahead = np.searchsorted(planned, until) - after
    closed = np.setdiff1d(weekdays, held)
    before = np.searchsorted(closed, held) - 1
    since = np.arange(len(held)) - np.searchsorted(held, closed[np.maximum(before, 0)])
    nan = np.nan
    return {
        "sessions_to_holiday": np.where(coming < len(holidays), ahead, nan),
        "sessions_since_holiday": np.where(before >= 0, since, nan),
    }


def _expiry(
    held: DateArray, planned: DateArray, after: IntArray, begin: int
) -> Mapping[str, BoolArray | IntArray]:
    """Return where each session stands to the third Friday of a month."""
    months = np.arange(held[0].astype("datetime64[M]"), planned[-1].astype("datetime64[M]") + 1)
    firsts = months.astype("datetime64[D]")
    fridays = firsts + (FRIDAY - _weekday(firsts)) % 7 + 14
    fridays = fridays[fridays <= planned[-1]]
    expiries = planned[np.searchsorted(planned, fridays, side="right") - 1]
    coming = np.minimum(np.searchsorted(expiries, held), len(expiries) - 1)
    ahead = np.searchsorted(planned, expiries[coming], side="right") - after
    return {
        "expiry_day": np.isin(held, expiries),
        "expiry_week": np.isin(_week(held, begin), _week(fridays, begin)),
        "sessions_to_expiry": np.maximum(ahead, 0),
    }


def _count_within(group: IntArray) -> IntArray:
    """Return 1, 2, 3, ... within each run of equal values."""
    begins = np.append(True, group[1:] != group[:-1])
    start = np.maximum.accumulate(np.where(begins, np.arange(len(group)), 0))
    return np.arange(len(group)) - start + 1


def _days(days: npt.NDArray[np.datetime64]) -> DateArray:
    return days.astype("datetime64[D]")


def _weekday(days: DateArray) -> IntArray:
    # Monday is 0; 1970-01-01 was a Thursday.
    return (days.astype(np.int64) + 3) % 7


def _week(days: DateArray, begin: int) -> IntArray:
    """Return the number of each day's week; weeks begin on the weekday `begin`."""
    return (days.astype(np.int64) + 3 - begin) // 7


def _week_begin(planned: DateArray) -> int:
    """Return the weekday on which the exchange's week begins: the first after its weekend."""
    open_ = set(_weekday(planned).tolist())
    return min((day for day in open_ if (day - 1) % 7 not in open_), default=0)


def _month(days: DateArray) -> IntArray:
    return days.astype("datetime64[M]").astype(np.int64)


def _month_end(days: DateArray) -> DateArray:
    return (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
