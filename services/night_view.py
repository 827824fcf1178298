"""The last night as people ask for it: every book in one line, or one book in full.

What a row does not carry, the last weekly long run may: its stamp stands beside the row, dated.
"""

from dataclasses import dataclass
from datetime import date

from basics.errors import MissingDataError
from risk.nightly import HEADLINE_METHOD, NightFailure, NightRow
from services.morning import last_night
from services.nightly_risk import NightReport
from services.ports import ResultStore
from services.weekly_risk import WeeklyStamp

HEADLINE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class NightLine:
    """One book of the night in one line.

    Attributes
    ----------
    value_at_risk, expected_shortfall : float
        By the estimator behind the limits, 99%, one day; positive losses.
    zone, kupiec_p
        Of that estimator's backtest.
    best : str or None
        The estimator of the lowest Fissler-Ziegel loss at 99%.
    tests : tuple of str
        Which tests the row carries.
    weekly : WeeklyStamp or None
        What the last long run says of the book.
    """

    book: str
    score: float
    level: str
    limit_state: str
    breached: tuple[str, ...]
    value_at_risk: float
    expected_shortfall: float
    zone: str
    kupiec_p: float
    best: str | None
    tests: tuple[str, ...]
    basis: str
    weekly: WeeklyStamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightList:
    """Every book of a night, the riskiest first."""

    as_of: date
    lines: tuple[NightLine, ...]
    failures: tuple[NightFailure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightBook:
    """One book of a night: its row, or why there is none."""

    as_of: date
    book: str
    row: NightRow | None
    reason: str | None
    weekly: WeeklyStamp | None


def night_list(results: ResultStore) -> NightList:
    """Return the last night's books.

    Raises
    ------
    MissingDataError
        If no night was stored.
    """
    night = last_night(results)
    return NightList(
        as_of=night.as_of,
        lines=tuple(line_of(row, night.weekly.get(row.name)) for row in night.rows),
        failures=night.failures,
    )


def night_book(results: ResultStore, book: str) -> NightBook:
    """Return one book of the last night.

    Raises
    ------
    MissingDataError
        If no night was stored, or the book is none of its.
    """
    night = last_night(results)
    row = next((row for row in night.rows if row.name == book), None)
    reason = next((item.reason for item in night.failures if item.name == book), None)
    if row is None and reason is None:
        raise MissingDataError(
            f"the night of {night.as_of} has no book {book!r}: it has {_named(night)}"
        )
    return NightBook(
        as_of=night.as_of, book=book, row=row, reason=reason, weekly=night.weekly.get(book)
    )


def line_of(row: NightRow, weekly: WeeklyStamp | None) -> NightLine:
    """Return a row in one line; a book whose life is known shows the numbers tested on it."""
    head = next(
        method
        for method in row.methods
        if (method.method, method.confidence) == (HEADLINE_METHOD, HEADLINE)
    )
    tested = row.evidence.methods if row.evidence is not None else ()
    own = next((m for m in tested if (m.method, m.confidence) == (head.method, HEADLINE)), None)
    scored = tested or row.methods
    return NightLine(
        book=row.name,
        score=row.score,
        level=row.level,
        limit_state=row.limit_state,
        breached=row.breached,
        value_at_risk=head.value_at_risk if own is None else own.value_at_risk,
        expected_shortfall=head.expected_shortfall if own is None else own.expected_shortfall,
        zone=head.zone if own is None else own.backtest.zone,
        kupiec_p=head.kupiec_p if own is None else own.backtest.kupiec_p,
        best=next((m.method for m in scored if m.best and m.confidence == HEADLINE), None),
        tests=row.tests,
        basis=row.evidence.basis if row.evidence is not None else "today's book held constant",
        weekly=weekly,
    )


def _named(night: NightReport) -> str:
    names = sorted([*(row.name for row in night.rows), *(item.name for item in night.failures)])
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
