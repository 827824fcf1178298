"""The fills in effect: corrected, cancelled, split, settled and exercised as the events say.

Profit is linear in trades, so whatever happens to a position happens to each of its fills in
proportion: a split changes units and price, a settlement closes them at its price, and an
exercised option's fill turns into the underlying at the strike, under the same order and model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from basics.errors import MissingDataError
from basics.instruments import Instrument, OptionRight
from basics.money import round_money
from basics.trading import Book, Fill
from pnl.events import Exercise, FillCancel, FillCorrection, LedgerEvent, Settlement, Split
from pnl.lots import ZERO


@dataclass(frozen=True, slots=True)
class StandingFill:
    """A fill in effect, or a part of one, at its quantity and price after splits.

    Attributes
    ----------
    fill : Fill
        As it was delivered; of what an exercise delivered, the option's fill in the underlying's
        name and without its fee.
    closed_at : Decimal or None
        Price at which it was closed without a fill; None while the market marks it.
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


def standing_fills(
    events: Iterable[LedgerEvent], instruments: Mapping[str, Instrument]
) -> list[StandingFill]:
    """Return the fills in effect, in order.

    Raises
    ------
    MissingDataError
        If an exercised option's terms are not among `instruments`.
    """
    standing: list[StandingFill] = []
    for event in _amended(events):
        match event:
            case Fill():
                standing.append(StandingFill(event, event.quantity, event.price))
            case Split():
                standing = _split(standing, event, instruments)
            case Settlement(final=True):
                standing = _closed(standing, (event.book, event.symbol), Decimal(1), event.price)
            case Exercise():
                standing = _exercised(standing, event, instruments)
    return standing


def _amended(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """Return the events with each corrected fill in its first place, and without cancelled ones."""
    found: list[LedgerEvent | None] = []
    place: dict[tuple[str, str], int] = {}
    for event in events:
        match event:
            case Fill():
                place[event.venue, event.exec_id] = len(found)
                found.append(event)
            case FillCorrection(fill=fill):
                found[place[fill.venue, fill.exec_id]] = fill
            case FillCancel():
                found[place.pop((event.venue, event.exec_id))] = None
            case _:
                found.append(event)
    return [event for event in found if event is not None]


Owner = tuple[Book, str]


def _open(one: StandingFill, owner: Owner) -> bool:
    return one.closed_at is None and (one.fill.book, one.fill.symbol) == owner


def _closed(
    standing: Sequence[StandingFill], owner: Owner, share: Decimal, price: Decimal
) -> list[StandingFill]:
    """Close a share of everything that is open, each fill in proportion."""
    found = []
    for one in standing:
        if not _open(one, owner):
            found.append(one)
            continue
        gone = one.quantity * share
        found.append(replace(one, quantity=gone, closed_at=price))
        if gone != one.quantity:
            # The fee was counted with the part that is closed.
            free = replace(one.fill, fee=ZERO)
            found.append(replace(one, fill=free, quantity=one.quantity - gone))
    return found


def _split(
    standing: Sequence[StandingFill], event: Split, instruments: Mapping[str, Instrument]
) -> list[StandingFill]:
    owner = (event.book, event.symbol)
    found = [
        replace(
            one,
            quantity=one.quantity * event.new / event.old,
            price=one.price * event.old / event.new,
        )
        if _open(one, owner)
        else one
        for one in standing
    ]
    held = _held(found, owner)
    if event.fraction_price is None or not held:
        return found
    fraction = held % _terms(event.symbol, instruments).lot_size
    return _closed(found, owner, fraction / held, event.fraction_price) if fraction else found


def _exercised(
    standing: Sequence[StandingFill], event: Exercise, instruments: Mapping[str, Instrument]
) -> list[StandingFill]:
    """Close contracts at zero, and give each of their fills its part of the underlying."""
    owner, option = (event.book, event.symbol), _terms(event.symbol, instruments)
    held = _held(standing, owner)
    if option.option is None or not held:
        return list(standing)
    terms = option.option
    underlying = _terms(terms.underlying, instruments)
    share = event.quantity / abs(held)
    sign = 1 if terms.right is OptionRight.CALL else -1
    units = sign * option.multiplier / underlying.multiplier
    delivered = [
        StandingFill(
            replace(one.fill, symbol=terms.underlying, currency=underlying.currency, fee=ZERO),
            one.quantity * share * units,
            terms.strike,
        )
        for one in standing
        if _open(one, owner)
    ]
    return [*_closed(standing, owner, share, ZERO), *delivered]


def _held(standing: Iterable[StandingFill], owner: Owner) -> Decimal:
    return sum((one.quantity for one in standing if _open(one, owner)), ZERO)


def _terms(symbol: str, instruments: Mapping[str, Instrument]) -> Instrument:
    try:
        return instruments[symbol]
    except KeyError:
        raise MissingDataError(
            f"no terms of {symbol!r}: give its instrument, or its underlying's, too"
        ) from None
