"""Factor and map files: corporate actions, and which name an instrument traded under when."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from basics.errors import MissingDataError
from infra.sources.lean.files import csv_rows, day_of
from market.actions import CorporateAction
from market.calendars import exchange_calendar
from market.datasets import SESSION
from market.reference import TickerSpan

ROUNDING = 1e-6  # The files give seven digits.
OPEN_END = date(2049, 1, 1)  # Lean writes 20501231 where a name still runs.


def factors(path: Path, closes: Callable[[date], float | None]) -> list[CorporateAction]:
    """Return the splits and dividends of a factor file.

    A row (date, price factor, split factor, close on that date in newer files) holds up to its
    date. From one row to the next the split factor changes by a split and the price factor by a
    dividend, on the session after the earlier row's date.

    Parameters
    ----------
    closes : callable
        Returns the close of a day, for files that do not carry it.

    Raises
    ------
    MissingDataError
        If a dividend's amount needs a close that neither the file nor `closes` has.
    """
    actions = []
    for before, after in pairwise(row for row in csv_rows(path) if not row[0].startswith("no_")):
        day = day_of(before[0], path)
        session = _next_session(day)
        keep = float(before[1]) / float(after[1])
        split = float(after[2]) / float(before[2])
        if session is None or (abs(keep - 1) < ROUNDING and abs(split - 1) < ROUNDING):
            continue
        dividend = 0.0
        if abs(keep - 1) >= ROUNDING:
            close = float(before[3]) if len(before) > 3 else closes(day)
            if not close:
                raise MissingDataError(f"{path.name}: no close of {day} for the dividend after it")
            dividend = max(close * (1 - keep), 0.0)
        actions.append(
            CorporateAction(
                symbol=path.stem.upper(),
                session=session,
                split=round(split, 4),  # Factors have seven digits: 0.142857 / 0.0714286.
                dividend=dividend,
                known_at=datetime.combine(session, datetime.min.time(), UTC),
            )
        )
    return actions


def names(path: Path) -> list[TickerSpan]:
    """Return the spans of a map file: its first row is the first day, each other one an end."""
    rows = [(day_of(row[0], path), row[1].upper()) for row in csv_rows(path)]
    starts = [rows[0][0], *(day + timedelta(days=1) for day, _ in rows[1:])] if rows else []
    return [
        TickerSpan(
            instrument=path.stem.upper(),
            symbol=symbol,
            first=first,
            last=None if last >= OPEN_END else last,
        )
        for first, (last, symbol) in zip(starts, rows[1:], strict=False)
    ]


def _next_session(day: date) -> date | None:
    sessions = exchange_calendar("XNYS").table[SESSION]
    place = int(sessions.search_sorted(day, side="right"))
    return sessions[place] if place < len(sessions) else None
