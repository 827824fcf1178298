"""What the date of a session says by itself: known long before, so never a leak.

They are written like fields: `field("session.weekday")`; what an exchange's calendar says is
`field("exchange.XNYS.half_day")`, see `features.exchange_days`.
"""

from collections.abc import Callable, Mapping

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from features import exchange_days

PREFIX = "session."
PREFIXES = (PREFIX, exchange_days.PREFIX)
# What the panel brings beside its bars: series of other datasets, and reference data.
CONTEXT_PREFIXES = ("series.", "reference.")


def calendar_values(name: str, sessions: DateArray) -> FloatArray:
    """Return the calendar field `name` for each session.

    `session.weekday` (Monday 0), `session.month` (1 to 12), `session.day_of_month`,
    `session.days_to_month_end` (calendar days, 0 on the last), `session.year_fraction`.

    Raises
    ------
    MissingDataError
        If there is no such calendar field.
    InvalidInputError
        If the exchange is unknown.
    """
    if name.startswith(exchange_days.PREFIX):
        return exchange_days.exchange_values(name, sessions)
    if name not in _VALUES:
        raise MissingDataError(f"there is no {name}: there are {', '.join(sorted(_VALUES))}")
    return _VALUES[name](sessions.astype("datetime64[D]")).astype(np.float64)


def _weekday(days: DateArray) -> FloatArray:
    # 1970-01-01 was a Thursday.
    return np.asarray((days.astype(np.int64) + 3) % 7, np.float64)


def _month(days: DateArray) -> FloatArray:
    return np.asarray(days.astype("datetime64[M]").astype(np.int64) % 12 + 1, np.float64)


def _day_of_month(days: DateArray) -> FloatArray:
    begin = days.astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray((days - begin).astype(np.int64) + 1, np.float64)


def _days_to_month_end(days: DateArray) -> FloatArray:
    following = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.asarray((following - days).astype(np.int64) - 1, np.float64)


def _year_fraction(days: DateArray) -> FloatArray:
    year = days.astype("datetime64[Y]")
    begin, end = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
    return np.asarray((days - begin).astype(np.int64) / (end - begin).astype(np.int64))


_VALUES: Mapping[str, Callable[[DateArray], FloatArray]] = {
    "session.weekday": _weekday,
    "session.month": _month,
    "session.day_of_month": _day_of_month,
    "session.days_to_month_end": _days_to_month_end,
    "session.year_fraction": _year_fraction,
}
