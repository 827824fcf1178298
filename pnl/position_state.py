"""What one book holds of one instrument, and what each event does to it.

A pure fold: the state after events e1..en depends on them alone, so that a corrected history is
simply folded again and the difference posted.
"""

from dataclasses import dataclass
from decimal import Decimal

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from basics.money import round_money
from basics.trading import Book, Fill
from pnl.events import (
    Adjustment,
    CashKind,
    CashMovement,
    CurrencyExchange,
    Dividend,
    LedgerEvent,
    Settlement,
    Split,
)
from pnl.lots import ZERO, CostMethod, Lot, Lots
from pnl.postings import INCOME, Account

Deltas = dict[tuple[Account, str], Decimal]
MARGINED = frozenset({InstrumentKind.FUTURE})
"""Kinds whose notional is never paid: only gains, losses and fees move cash."""

CASH_KINDS = {kind: Account(kind.value) for kind in CashKind}
INCOME_BESIDE_TRADES = INCOME - {Account.REALISED, Account.FEES}
NEGATIVE_PRICES = frozenset({InstrumentKind.FUTURE})  # Oil settled at -37.63 on 2020-04-20.


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a book holds of an instrument, at cost.

    Attributes
    ----------
    quantity : Decimal
        Signed: positive long.
    cost : Decimal
        Money paid for what is open (negative: received for a short), fees apart. For a
        margined future the notional at entry or at the last daily settlement.
    realised : Decimal
        Gain taken so far, before fees.
    fees : Decimal
        Paid so far, positive.
    income : Decimal
        Dividends, coupons and interest received less borrow fees and taxes paid.
    """

    book: Book
    symbol: str
    currency: str
    multiplier: Decimal
    quantity: Decimal
    cost: Decimal
    realised: Decimal
    fees: Decimal
    income: Decimal
    lots: tuple[Lot, ...]

    @property
    def average_price(self) -> Decimal | None:
        """Average entry price of what is open; None when flat."""
        if not self.quantity:
            return None
        return self.cost / (self.quantity * self.multiplier)


class PositionState:
    """Lots of one (book, symbol) and the sums of everything posted for it."""

    __slots__ = ("balances", "instrument", "lots")

    def __init__(self, instrument: Instrument, method: CostMethod) -> None:
        self.instrument = instrument
        self.lots = Lots(method, cent=round_money(ZERO, instrument.currency))
        self.balances: Deltas = {}

    def apply(self, event: LedgerEvent) -> Deltas:
        """Change the state by `event` and return the signed amounts to post; they sum to zero.

        Raises
        ------
        InvalidInputError
            If the event does not fit the instrument; the state is then unchanged.
        """
        deltas = _deltas_of(self, event)
        for key, amount in deltas.items():
            self.balances[key] = self.balances.get(key, ZERO) + amount
        return deltas

    def trade(self, quantity: Decimal, price: Decimal, fee: Decimal) -> Deltas:
        """Trade a signed quantity at `price`, paying `fee`; return the amounts to post."""
        money = self.instrument.currency
        if price < 0 and self.instrument.kind not in NEGATIVE_PRICES:
            raise InvalidInputError(
                f"{self.instrument.symbol}: a price of {price} is negative, "
                f"which no {self.instrument.kind} has"
            )
        amount = round_money(quantity * price * self.instrument.multiplier, money)
        before = self.lots.cost
        realised = self.lots.trade(quantity, amount)
        return self._post(
            inventory=self.lots.cost - before,
            realised=realised,
            fee=round_money(fee, money),
        )

    def settle(self, price: Decimal, *, final: bool) -> Deltas:
        """Mark to `price` and take the gain as cash; `final` closes the position at it."""
        if final:
            return self.trade(-self.lots.quantity, price, ZERO) if self.lots.quantity else {}
        if self.instrument.kind not in MARGINED:
            raise InvalidInputError(
                f"{self.instrument.symbol}: only a future settles daily; use final=True to close"
            )
        return self._post(
            inventory=ZERO,
            realised=self.lots.revalue(price * self.instrument.multiplier),
            fee=ZERO,
        )

    def _post(self, *, inventory: Decimal, realised: Decimal, fee: Decimal) -> Deltas:
        money = self.instrument.currency
        if self.instrument.kind in MARGINED:
            inventory = ZERO
        return _without_zeros(
            {
                (Account.CASH, money): realised - inventory - fee,
                (Account.INVENTORY, money): inventory,
                (Account.REALISED, money): -realised,
                (Account.FEES, money): fee,
            }
        )


def position_of(book: Book, state: PositionState) -> Position:
    """Return the position that `state` holds for `book`."""
    sums = dict.fromkeys(Account, ZERO)
    for (account, _), amount in state.balances.items():
        sums[account] += amount
    return Position(
        book=book,
        symbol=state.instrument.symbol,
        currency=state.instrument.currency,
        multiplier=state.instrument.multiplier,
        quantity=state.lots.quantity,
        cost=state.lots.cost,
        realised=-sums[Account.REALISED],
        fees=sums[Account.FEES],
        income=-sum((sums[account] for account in INCOME_BESIDE_TRADES), ZERO),
        lots=state.lots.open,
    )


def _deltas_of(state: PositionState, event: LedgerEvent) -> Deltas:
    match event:
        case Fill():
            return _apply_fill(state, event)
        case CashMovement() | Adjustment():
            return _apply_transfer(event)
        case Dividend():
            return _apply_dividend(state, event)
        case Split():
            return _apply_split(state, event)
        case Settlement():
            return state.settle(event.price, final=event.final)
        case CurrencyExchange():
            return _apply_exchange(event)
    raise InvalidInputError(f"a {type(event).__name__} does not act on one position")


def _apply_fill(state: PositionState, fill: Fill) -> Deltas:
    if fill.currency != state.instrument.currency:
        raise InvalidInputError(
            f"fill {fill.exec_id}: {fill.symbol} trades in {state.instrument.currency}, "
            f"not {fill.currency}"
        )
    return state.trade(fill.quantity, fill.price, fill.fee)


def _apply_dividend(state: PositionState, event: Dividend) -> Deltas:
    units = state.lots.quantity * state.instrument.multiplier
    gross = round_money(units * event.per_unit, event.currency)
    tax = round_money(gross * event.withholding, event.currency) if gross > 0 else ZERO
    return _without_zeros(
        {
            (Account.CASH, event.currency): gross - tax,
            (Account.DIVIDENDS, event.currency): -gross,
            (Account.TAXES, event.currency): tax,
        }
    )


def _apply_split(state: PositionState, event: Split) -> Deltas:
    fraction = state.lots.after_split(event.new, event.old) % state.instrument.lot_size
    if fraction and event.fraction_price is None:
        raise InvalidInputError(
            f"event {event.event_id}: the split leaves {fraction} of a lot of "
            f"{state.instrument.lot_size}: give fraction_price"
        )
    state.lots.split(event.new, event.old)
    if not fraction or event.fraction_price is None:
        return {}
    return state.trade(-fraction, event.fraction_price, ZERO)


def _apply_exchange(event: CurrencyExchange) -> Deltas:
    sold = round_money(event.sold, event.sold_currency)
    bought = round_money(event.bought, event.bought_currency)
    return {
        (Account.CASH, event.sold_currency): -sold,
        (Account.EXCHANGE, event.sold_currency): sold,
        (Account.CASH, event.bought_currency): bought,
        (Account.EXCHANGE, event.bought_currency): -bought,
    }


def _apply_transfer(event: CashMovement | Adjustment) -> Deltas:
    source = CASH_KINDS[event.kind] if isinstance(event, CashMovement) else Account.ADJUSTMENTS
    amount = round_money(event.amount, event.currency)
    return _without_zeros(
        {(Account.CASH, event.currency): amount, (source, event.currency): -amount}
    )


def _without_zeros(deltas: Deltas) -> Deltas:
    return {key: amount for key, amount in deltas.items() if amount}
