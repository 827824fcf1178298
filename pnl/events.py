"""Everything besides a fill that changes the books, each with an identity of its own.

The ledger is the fold of fills and these events in the order of booking. Amounts are in the
event's currency; quantities and amounts of money are Decimal. A correction or a cancel names the
fill that it changes by (venue, exec_id), as FIX ExecType G and H do.
"""

from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from basics.errors import InvalidInputError, RefusedError
from basics.trading import Book, Fill


class CashKind(StrEnum):
    """Why cash came or went without a trade; the name is the account posted against."""

    CAPITAL = "capital"
    INTEREST = "interest"
    BORROW = "borrow"
    FEES = "fees"
    TAXES = "taxes"
    COUPONS = "coupons"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMovement:
    """Cash in (positive) or out (negative), with or without an instrument behind it.

    A deposit is CAPITAL of a positive amount; a borrow fee paid on a short is BORROW of a
    negative amount and names the symbol.
    """

    event_id: str
    book: Book
    day: date
    kind: CashKind
    amount: Decimal
    currency: str = "USD"
    symbol: str | None = None

    def __post_init__(self) -> None:
        _finite(self.event_id, "amount", self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyExchange:
    """Cash of one currency turned into another; both amounts are positive."""

    event_id: str
    book: Book
    day: date
    sold: Decimal
    sold_currency: str
    bought: Decimal
    bought_currency: str

    def __post_init__(self) -> None:
        _positive(self.event_id, "sold", self.sold)
        _positive(self.event_id, "bought", self.bought)
        if self.sold_currency == self.bought_currency:
            raise InvalidInputError(
                f"event {self.event_id}: an exchange needs two currencies, got {self.sold_currency}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dividend:
    """A dividend per unit held at the start of the ex-date; a short position pays it.

    Attributes
    ----------
    withholding : Decimal
        Fraction of the gross amount kept by the tax office, for a long position.
    """

    event_id: str
    book: Book
    symbol: str
    day: date
    per_unit: Decimal
    currency: str = "USD"
    withholding: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        _positive(self.event_id, "per_unit", self.per_unit)
        if not 0 <= self.withholding <= 1:
            raise InvalidInputError(
                f"event {self.event_id}: withholding must lie in [0, 1], got {self.withholding}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`new` units for every `old` ones; cost is unchanged (3 for 2: new 3, old 2).

    Attributes
    ----------
    fraction_price : Decimal or None
        Price per new unit at which a fraction below one lot is paid out in cash.
    """

    event_id: str
    book: Book
    symbol: str
    day: date
    new: int
    old: int
    fraction_price: Decimal | None = None

    def __post_init__(self) -> None:
        if self.new < 1 or self.old < 1:
            raise InvalidInputError(
                f"event {self.event_id}: a split needs whole parts, got {self.new} for {self.old}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Marks a position to `price` and pays the difference in cash.

    Daily for a future (variation margin); with `final` it closes the position: expiry of a
    future or a cash-settled option, redemption of a bond. Price 0 lets an option lapse.
    """

    event_id: str
    book: Book
    symbol: str
    day: date
    price: Decimal
    final: bool = False

    def __post_init__(self) -> None:
        _finite(self.event_id, "price", self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """An option turned into its underlying at the strike: exercise when long, else assignment.

    The option's premium is realised on the option, the underlying enters at the strike.

    Attributes
    ----------
    quantity : Decimal
        Contracts, positive; at most the position's size.
    """

    event_id: str
    book: Book
    symbol: str
    day: date
    quantity: Decimal

    def __post_init__(self) -> None:
        _positive(self.event_id, "quantity", self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCorrection:
    """ExecType G: `fill` replaces the earlier fill of the same (venue, exec_id)."""

    event_id: str
    day: date
    fill: Fill
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCancel:
    """ExecType H: the fill never happened. `book` is the fill's."""

    event_id: str
    book: Book
    day: date
    venue: str
    exec_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Cash changed by hand: needs a reason and a second person, and stays visible.

    Raises
    ------
    RefusedError
        If the approver is missing or is the author.
    """

    event_id: str
    book: Book
    day: date
    amount: Decimal
    currency: str
    reason: str
    author: str
    approver: str
    symbol: str | None = None

    def __post_init__(self) -> None:
        _finite(self.event_id, "amount", self.amount)
        if not self.reason.strip():
            raise RefusedError(f"adjustment {self.event_id} needs a reason")
        if not self.approver.strip() or self.approver == self.author:
            raise RefusedError(
                f"adjustment {self.event_id} by {self.author!r} needs a second person, "
                f"got {self.approver!r}"
            )


LedgerEvent: TypeAlias = (
    Fill
    | CashMovement
    | CurrencyExchange
    | Dividend
    | Split
    | Settlement
    | Exercise
    | FillCorrection
    | FillCancel
    | Adjustment
)


def fill_event_id(venue: str, exec_id: str) -> str:
    """Return the ledger's identity of a fill."""
    return f"fill|{venue}|{exec_id}"


EVENT_KINDS: dict[type, str] = {
    Fill: "trade",
    CashMovement: "cash",
    CurrencyExchange: "exchange",
    Dividend: "dividend",
    Split: "split",
    Settlement: "settlement",
    Exercise: "exercise",
    FillCorrection: "correction",
    FillCancel: "cancel",
    Adjustment: "adjustment",
}


def event_identity(event: LedgerEvent) -> str:
    """Return what names the event in the ledger."""
    if isinstance(event, Fill):
        return fill_event_id(event.venue, event.exec_id)
    return event.event_id


def event_kind(event: LedgerEvent) -> str:
    """Return the word for what happened."""
    return EVENT_KINDS[type(event)]


def event_book(event: LedgerEvent) -> Book:
    """Return whose books the event changes."""
    return event.fill.book if isinstance(event, FillCorrection) else event.book


def event_day(event: LedgerEvent) -> date:
    """Return the day to book on: a fill's date of execution in UTC, else the event's own."""
    return event.executed_at.astimezone(UTC).date() if isinstance(event, Fill) else event.day


def _finite(event_id: str, name: str, value: Decimal) -> None:
    if not value.is_finite():
        raise InvalidInputError(f"event {event_id}: {name} must be finite, got {value}")


def _positive(event_id: str, name: str, value: Decimal) -> None:
    if not (value.is_finite() and value > 0):
        raise InvalidInputError(f"event {event_id}: {name} must be positive, got {value}")
