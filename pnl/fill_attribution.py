"""Profit by what a fill knows: its model version, experiment arm, order, side or hour.

Profit is linear in trades: a fill of q at p is worth q (m - p) less its fee at a mark of m,
whatever lots it opened or closed, in its own currency at the rate of the close, as the books
value a position. Each fill's worth goes to its name; what cash earned, dividends, financing and
whole cents belong to no fill and stand as the residual, so that the sum is the booked total.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from basics.money import round_money
from basics.trading import Fill
from pnl.attribution import Attribution, AttributionPart
from pnl.daily import DailyBooks
from pnl.events import LedgerEvent
from pnl.lots import ZERO
from pnl.standing_fills import standing_fills

UNKNOWN = "(unknown)"
FILL_KEYS: dict[str, Callable[[Fill], str]] = {
    "model_version": lambda fill: fill.lineage.model_version or UNKNOWN,
    "arm": lambda fill: fill.lineage.arm or UNKNOWN,
    "order": lambda fill: fill.cl_ord_id,
    "side": lambda fill: "buy" if fill.quantity > 0 else "sell",
    "hour": lambda fill: f"{fill.executed_at.hour:02}:00 UTC",
}


@dataclass(frozen=True, slots=True)
class ClosingPrices:
    """What things were worth at one close.

    Attributes
    ----------
    marks : mapping of str to Decimal
        Price by symbol.
    rates : mapping of str to Decimal
        Units of the base for one of a currency; the base itself needs none.
    """

    marks: Mapping[str, Decimal]
    rates: Mapping[str, Decimal] = field(default_factory=dict)


def by_fill(  # noqa: PLR0913 - both ends of the range, each part by name
    daily: DailyBooks,
    events: Iterable[LedgerEvent],
    closing: ClosingPrices,
    instruments: Mapping[str, Instrument],
    *,
    by: str,
    before: Iterable[LedgerEvent] = (),
    opening: ClosingPrices | None = None,
) -> Attribution:
    """Split the profit of the sessions of `daily` by a key of `FILL_KEYS`.

    Parameters
    ----------
    daily : DailyBooks
        Books whose last session is the close of `closing`.
    events : iterable of LedgerEvent
        Everything booked until then, in order.
    closing : ClosingPrices
        At the close of the last session.
    before, opening : iterable of LedgerEvent, ClosingPrices
        Everything booked before the first session, and the prices at the close then; left out
        where the books begin with that session.

    Raises
    ------
    InvalidInputError
        If the key is unknown.
    MissingDataError
        If an instrument has neither a mark nor a final settlement, or a currency no rate.
    """
    if by not in FILL_KEYS:
        raise InvalidInputError(f"cannot attribute by {by!r}: one of {', '.join(FILL_KEYS)}")
    valuer = _Valuer(daily.currency, instruments, FILL_KEYS[by])
    worth, fees = valuer(events, closing)
    worth_before, fees_before = valuer(before, opening or ClosingPrices({}))
    names = worth.keys() | worth_before.keys()
    paid = {
        name: round_money(fees.get(name, ZERO) - fees_before.get(name, ZERO), daily.currency)
        for name in names
    }
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
        notes=(
            "the residual belongs to no fill: dividends, coupons, financing, what cash in other "
            "currencies earned, whole cents",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Valuer:
    """What the fills in effect are worth at given marks, summed by name, and their fees."""

    currency: str
    instruments: Mapping[str, Instrument]
    name_of: Callable[[Fill], str]

    def __call__(
        self, events: Iterable[LedgerEvent], close: ClosingPrices
    ) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        worth: dict[str, Decimal] = {}
        fees: dict[str, Decimal] = {}
        for one in standing_fills(events, self.instruments):
            fill = one.fill
            mark = close.marks.get(fill.symbol) if one.closed_at is None else one.closed_at
            if mark is None:
                raise MissingDataError(f"no mark for {fill.symbol}: load its price")
            multiplier = self.instruments[fill.symbol].multiplier
            name, rate = self.name_of(fill), self._rate(fill.currency, close)
            fee = round_money(fill.fee, fill.currency) * rate
            gain = one.quantity * (mark - one.price) * multiplier * rate
            worth[name] = worth.get(name, ZERO) + gain - fee
            fees[name] = fees.get(name, ZERO) + fee
        return worth, fees

    def _rate(self, currency: str, close: ClosingPrices) -> Decimal:
        if currency == self.currency:
            return Decimal(1)
        if currency not in close.rates:
            raise MissingDataError(
                f"no rate from {currency} to {self.currency}: load the exchange rate"
            )
        return close.rates[currency]
