"""Exchange sessions: which days trade, when they open and close, half days included.

Calendars come from `exchange_calendars` under their ISO 10383 code (XNYS, XNAS, XLON, ...).
Dates are sessions; moments are aware UTC.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from market.datasets import SESSION, UTC_MICROSECONDS

FIRST_YEAR = 1960  # Earlier rules are not coded in the library for most exchanges.


@dataclass(frozen=True, slots=True)
class ExchangeCalendar:
    """The sessions of one exchange.

    Attributes
    ----------
    table : DataFrame
        One row for each session, ascending: session, open_time, close_time, half_day (whether it
        closes earlier than the session before it would lead one to expect).
    scheduled : Series of date
        The days on which the exchange was to trade by its rules, ascending: also those on which
        something kept it closed at short notice.
    """

    code: str
    table: pl.DataFrame
    scheduled: pl.Series

    def sessions(self, start: date, end: date) -> pl.Series:
        """Return the sessions from `start` to `end`, both included, ascending.

        Raises
        ------
        MissingDataError
            If the calendar does not reach that far.
        """
        first, last = self.table[SESSION][0], self.table[SESSION][-1]
        # A week's slack: the range's own first and last days may be no sessions.
        if start < first - timedelta(days=7) or end > last + timedelta(days=7):
            raise MissingDataError(
                f"calendar {self.code} knows {first} to {last}, asked for {start} to {end}"
            )
        return self.table.filter(pl.col(SESSION).is_between(start, end))[SESSION]

    def is_session(self, day: date) -> bool:
        """Return whether the exchange trades on `day`."""
        return not self.table.filter(pl.col(SESSION) == day).is_empty()

    def shift(self, session: date, count: int) -> date:
        """Return the session `count` sessions after `session` (before it, when negative).

        Raises
        ------
        InvalidInputError
            If `session` is no session.
        MissingDataError
            If the calendar ends before that.
        """
        place = self.table[SESSION].search_sorted(session)
        if not self.is_session(session):
            raise InvalidInputError(f"{session} is no session of {self.code}")
        if not 0 <= place + count < self.table.height:
            raise MissingDataError(f"calendar {self.code} ends before {session} {count:+d}")
        answer: date = self.table[SESSION][place + count]
        return answer

    def with_times(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add `open_time` and `close_time` of each row's session; null where it is none."""
        times = self.table.select(SESSION, "open_time", "close_time")
        return rows.join(times, on=SESSION, how="left", maintain_order="left")


@lru_cache(maxsize=16)
def exchange_calendar(code: str) -> ExchangeCalendar:
    """Return the calendar of the exchange with this ISO 10383 code, from 1960 on.

    Where the library knows an exchange's rules only from later on, from then on.

    Raises
    ------
    InvalidInputError
        If the code is unknown.
    """
    import exchange_calendars

    try:
        with warnings.catch_warnings():
            # The library reads its times in a way that pandas announces to change.
            warnings.simplefilter("ignore")
            known = type(exchange_calendars.get_calendar(code))
            earliest = known.bound_min()
            late = earliest is not None and earliest.year >= FIRST_YEAR
            start = earliest if late else f"{FIRST_YEAR}-01-01"
            calendar = exchange_calendars.get_calendar(code, start=start)
    except exchange_calendars.errors.InvalidCalendarName:
        raise InvalidInputError(
            f"unknown exchange calendar {code!r}: give an ISO 10383 code such as XNYS"
        ) from None
    holidays = _holidays(calendar)
    table = _table(calendar).filter(~pl.col(SESSION).is_in(holidays))
    return ExchangeCalendar(code, table, _scheduled(calendar, holidays))


def _holidays(calendar: Any) -> list[date]:  # noqa: ANN401 - the library has no types
    """Return the holidays by rule; the library takes those before 1970 for sessions."""
    if calendar.regular_holidays is None:
        return []
    found = calendar.regular_holidays.holidays(calendar.first_session, calendar.last_session)
    return list(found.date)


def _scheduled(calendar: Any, holidays: Sequence[date]) -> pl.Series:  # noqa: ANN401
    first, last = calendar.first_session.date(), calendar.last_session.date()
    days = pl.date_range(first, last, eager=True).alias(SESSION)
    weekdays = [number for number, open_ in enumerate(calendar.weekmask, 1) if open_ == "1"]
    return days.filter(days.dt.weekday().is_in(weekdays) & ~days.is_in(list(holidays)))


def _table(calendar: Any) -> pl.DataFrame:  # noqa: ANN401 - the library has no types
    """Turn the library's schedule into polars, and mark sessions that close early."""
    schedule = calendar.schedule
    early = set(calendar.early_closes.date)
    sessions = pl.Series(SESSION, schedule.index.to_numpy()).cast(pl.Date)
    return pl.DataFrame(
        {
            SESSION: sessions,
            "open_time": pl.Series(schedule["open"].dt.tz_localize(None).to_numpy())
            .dt.replace_time_zone("UTC")
            .cast(UTC_MICROSECONDS),
            "close_time": pl.Series(schedule["close"].dt.tz_localize(None).to_numpy())
            .dt.replace_time_zone("UTC")
            .cast(UTC_MICROSECONDS),
            "half_day": [day in early for day in sessions],
        }
    )
