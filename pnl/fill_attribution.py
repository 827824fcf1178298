"""Profit by what a fill knows: its model version, experiment arm, order, side or hour.

Profit is linear in trades: a fill of q at p is worth q (m - p) less its fee at a mark of m,
whatever lots it opened or closed. Each fill's worth goes to its name; dividends, financing and
whole cents belong to no fill and stand as the residual, so that the sum is the booked total.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.money import round_money
from basics.trading import Fill
from pnl.attribution import Attribution, AttributionPart
from pnl.daily import DailyBooks
from pnl.events import FillCancel, FillCorrection, LedgerEvent, Settlement, Split
from pnl.lots import ZERO

UNKNOWN = "(unknown)"
FILL_KEYS: dict[str, Callable[[Fill], str]] = {
    "model_version": lambda fill: fill.lineage.model_version or UNKNOWN,
    "arm": lambda fill: fill.lineage.arm or UNKNOWN,
    "order": lambda fill: fill.cl_ord_id,
    "side": lambda fill: "buy" if fill.quantity > 0 else "sell",
    "hour": lambda fill: f"{fill.executed_at.hour:02}:00 UTC",
}


@dataclass(frozen=True, slots=True)
class StandingFill:
    """A fill in effect, at its quantity and price after splits.

    Attributes
    ----------
    closed_at : Decimal or None
        Price of the final settlement that closed it; None while the market marks it.
    """

    fill: Fill
    quantity: Decimal
    price: Decimal
    closed_at: Decimal | None = None

    def units(self, instrument: Instrument) -> float:
        """Return the signed units that a mark moves: none once settled."""
        return 0.0 if self.closed_at is not None else float(self.quantity * instrument.multiplier)

    def paid(self, instrument: Instrument) -> float:
        """Return what was paid for them, as booked, less what a settlement gave back."""
        units = self.quantity * instrument.multiplier
        paid = round_money(units * self.price, self.fill.currency)
        if self.closed_at is not None:
            paid -= round_money(units * self.closed_at, self.fill.currency)
        return float(paid)


def standing_fills(events: Iterable[LedgerEvent]) -> list[StandingFill]:
    """Return the fills in effect: corrected, cancelled, split and settled as the events say."""
    rows, settled = _standing(events)
    return [
        StandingFill(fill, quantity, price, settled.get(fill.symbol))
        for fill, quantity, price in rows
    ]


def by_fill(  # noqa: PLR0913 - both ends of the range, each part by name
    daily: DailyBooks,
    events: Iterable[LedgerEvent],
    marks: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    *,
    by: str,
    before: Iterable[LedgerEvent] = (),
    opening_marks: Mapping[str, Decimal] | None = None,
) -> Attribution:
    """Split the profit of the sessions of `daily` by a key of `FILL_KEYS`.

    Parameters
    ----------
    daily : DailyBooks
        Books whose last session is the close of `marks`.
    events : iterable of LedgerEvent
        Everything booked until then, in order.
    marks : mapping of str to Decimal
        Closing prices of the last session.
    before, opening_marks : iterable of LedgerEvent, mapping of str to Decimal
        Everything booked before the first session, and the closing prices then; left out where
        the books begin with that session.

    Raises
    ------
    InvalidInputError
        If the key is unknown, or a fill is in another currency than the books: convert first.
    MissingDataError
        If an instrument has neither a mark nor a final settlement.
    """
    if by not in FILL_KEYS:
        raise InvalidInputError(f"cannot attribute by {by!r}: one of {', '.join(FILL_KEYS)}")
    valuer = _Valuer(daily.currency, instruments, FILL_KEYS[by])
    worth, fees = valuer(events, marks)
    worth_before, fees_before = valuer(before, opening_marks or {})
    names = worth.keys() | worth_before.keys()
    paid = {name: fees.get(name, ZERO) - fees_before.get(name, ZERO) for name in names}
    parts = {
        name: round_money(worth.get(name, ZERO) - worth_before.get(name, ZERO), daily.currency)
        for name in names
    }
    parts = {name: amount for name, amount in parts.items() if amount or paid[name]}
    total = daily.money(daily.pnl.sum())
    return Attribution(
        by=by,
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(
            AttributionPart(name=name, pnl=parts[name], fees=paid[name])
            for name in sorted(parts, key=lambda name: (-parts[name], name))
        ),
        residual=total - sum(parts.values(), ZERO),
        total=total,
        exact=True,
        notes=("the residual is dividends, financing and whole cents, which belong to no fill",),
    )


@dataclass(frozen=True, slots=True)
class _Valuer:
    """What the fills in effect are worth at given marks, summed by name, and their fees."""

    currency: str
    instruments: Mapping[str, Instrument]
    name_of: Callable[[Fill], str]

    def __call__(
        self, events: Iterable[LedgerEvent], marks: Mapping[str, Decimal]
    ) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        worth: dict[str, Decimal] = {}
        fees: dict[str, Decimal] = {}
        standing, settled = _standing(events)
        for fill, units, price in standing:
            if fill.currency != self.currency:
                raise InvalidInputError(
                    f"fill {fill.exec_id} is in {fill.currency}, the books in {self.currency}"
                )
            mark = marks.get(fill.symbol, settled.get(fill.symbol))
            if mark is None:
                raise MissingDataError(f"no mark for {fill.symbol}: load its price")
            multiplier = self.instruments[fill.symbol].multiplier
            name = self.name_of(fill)
            fee = round_money(fill.fee, fill.currency)
            worth[name] = worth.get(name, ZERO) + units * (mark - price) * multiplier - fee
            fees[name] = fees.get(name, ZERO) + fee
        return worth, fees


def _standing(
    events: Iterable[LedgerEvent],
) -> tuple[list[tuple[Fill, Decimal, Decimal]], dict[str, Decimal]]:
    """Return the fills in effect with quantity and price after splits, and final settlements."""
    rows: dict[tuple[str, str], tuple[Fill, Decimal, Decimal]] = {}
    settled: dict[str, Decimal] = {}
    for event in events:
        match event:
            case Fill():
                rows[(event.venue, event.exec_id)] = event, event.quantity, event.price
            case FillCorrection(fill=fill):
                rows[(fill.venue, fill.exec_id)] = fill, fill.quantity, fill.price
            case FillCancel():
                rows.pop((event.venue, event.exec_id), None)
            case Split():
                _split(rows, event)
            case Settlement(final=True):
                settled[event.symbol] = event.price
    return list(rows.values()), settled


def _split(rows: dict[tuple[str, str], tuple[Fill, Decimal, Decimal]], split: Split) -> None:
    for key, (fill, units, price) in rows.items():
        if fill.symbol == split.symbol and fill.book == split.book:
            rows[key] = fill, units * split.new / split.old, price * split.old / split.new
