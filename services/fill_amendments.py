"""Correct or cancel a fill that is booked: what the broker says of it after the fact.

A fill is named by venue and ExecID (FIX ExecType G and H). Rows are only ever appended: the
difference is posted on the day of the amendment, and the same amendment again changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from basics.errors import InvalidInputError, MissingDataError, RefusedError
from basics.identifiers import short_id
from basics.trading import Fill
from pnl.events import FillCancel, FillCorrection, LedgerEvent
from services.accounting import Accounting, BookingReport
from services.order_tickets import DESK


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is said of a fill: that it never happened, or its right terms.

    Attributes
    ----------
    quantity, price, fee : Decimal or None
        The right ones; None where they stand.
    """

    venue: str
    exec_id: str
    reason: str
    cancel: bool = False
    quantity: Decimal | None = None
    price: Decimal | None = None
    fee: Decimal | None = None


def amend_fill(
    accounting: Accounting, run_id: str, asked: Amendment, *, day: date | None = None
) -> BookingReport:
    """Book the amendment on `day`, the last day that the run has entries of if left out.

    Raises
    ------
    RefusedError
        Without a reason, or in the desk's own books, which follow what the venue says.
    MissingDataError
        If no such fill is in effect.
    InvalidInputError
        If a correction changes nothing, or its terms are none of a fill.
    """
    if not asked.reason.strip():
        raise RefusedError(f"amending fill {asked.exec_id} of {asked.venue} needs a reason")
    if run_id == DESK:
        raise RefusedError("the desk's own fills are amended by what their venue reports")
    fill, last = _in_effect(accounting, run_id, asked)
    event_id = short_id(asked, prefix=f"amend|{asked.venue}|{asked.exec_id}")
    if any(_name(event) == event_id for _, event in accounting.store.events(run_id)):
        return BookingReport(
            booked=0, seen_before=1, last_sequence=accounting.store.last_sequence(run_id)
        )
    if fill is None:
        raise MissingDataError(
            f"run {run_id!r} has no fill {asked.exec_id} of {asked.venue} in effect: it is "
            "cancelled, or was never booked"
        )
    return accounting.book_events(run_id, [_event(asked, fill, event_id, day or last)])


def _event(asked: Amendment, fill: Fill, event_id: str, day: date) -> FillCancel | FillCorrection:
    if asked.cancel:
        return FillCancel(
            event_id=event_id, book=fill.book, day=day, venue=asked.venue,
            exec_id=asked.exec_id, reason=asked.reason,
        )  # fmt: skip
    given = {"quantity": asked.quantity, "price": asked.price, "fee": asked.fee}
    terms = {name: value for name, value in given.items() if value is not None}
    better = replace(fill, **terms)  # type: ignore[arg-type]
    if better == fill:
        terms_now = (fill.quantity, fill.price, fill.fee)
        units, price, fee = (f"{number.normalize():f}" for number in terms_now)
        raise InvalidInputError(
            f"fill {asked.exec_id} stands as {units} at {price}, fee {fee}: give the quantity, "
            "price or fee that is right"
        )
    return FillCorrection(event_id=event_id, day=day, fill=better, reason=asked.reason)


def _name(event: LedgerEvent) -> str:
    return "" if isinstance(event, Fill) else event.event_id


def _in_effect(accounting: Accounting, run_id: str, asked: Amendment) -> tuple[Fill | None, date]:
    """Return the fill as it stands now, and the last day that the run has entries of."""
    name, found, last = (asked.venue, asked.exec_id), None, date.min
    for day, event in accounting.store.events(run_id):
        last = max(last, day)
        fill = event.fill if isinstance(event, FillCorrection) else event
        if isinstance(fill, Fill | FillCancel) and (fill.venue, fill.exec_id) == name:
            found = fill if isinstance(fill, Fill) else None
    return found, last
