"""An exchange with one reference price per symbol: it executes there, at a cost.

A marketable order executes at once at the reference price moved by the expected concession
(`market.liquidity`): its impact moves the mid that it meets, and half the spread comes on top,
so that an execution tells the two apart; a limit that is not reached rests until the market
moves through it and then executes at its limit. What exceeds the cap on the share of a day's
volume is not executed. Report ids count up within an order, so the same orders on the same
market give the same reports, whichever process asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from basics.errors import InvalidInputError
from basics.money import round_money, to_decimal
from basics.trading import Liquidity, Side
from market.liquidity import ImpactModel
from oms.orders import ZERO, Execution, Order, Report
from oms.states import OrderEvent, OrderType, TimeInForce

PRICE_DIGITS: Final = 4  # An average price over several levels is finer than a tick.
AT_ONCE: Final = frozenset({TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL})
FOR_THE_DAY: Final = frozenset(TimeInForce) - {
    TimeInForce.GOOD_TILL_CANCEL,
    TimeInForce.GOOD_TILL_DATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the exchange knows of a symbol at one moment.

    Attributes
    ----------
    price : Decimal
        Reference (mid) price.
    daily_volume : float
        Units that trade in a day.
    volatility : float
        Standard deviation of daily returns, a fraction.
    """

    price: Decimal
    daily_volume: float
    volatility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """Commission: a fraction of notional and an amount per unit, with a minimum per trade."""

    rate: Decimal = Decimal(0)
    per_unit: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("rate", "per_unit", "minimum"):
            if not getattr(self, name) >= 0:
                raise InvalidInputError(f"fee {name} must not be negative: {getattr(self, name)}")

    def fee(self, *, quantity: Decimal, price: Decimal, currency: str) -> Decimal:
        """Return the fee of one trade, rounded to the currency's minor unit."""
        amount = self.rate * quantity * price + self.per_unit * quantity
        return round_money(max(amount, self.minimum), currency)


@dataclass(frozen=True, slots=True)
class _Offer:
    """How much the market takes of an order, at which price, and the mid that it then has."""

    quantity: Decimal
    price: Decimal
    mid: Decimal


class ReferenceExchange:
    """Keeps the orders it was sent and answers each with reports.

    Parameters
    ----------
    name : str
        The venue's name, part of every execution's identity.
    max_volume_share : Decimal
        Largest execution as a share of a day's volume.
    """

    def __init__(
        self,
        *,
        name: str,
        impact: ImpactModel,
        fees: FeeSchedule,
        max_volume_share: Decimal = Decimal("0.25"),
    ) -> None:
        self.name = name
        self._impact = impact
        self._fees = fees
        self._max_volume_share = max_volume_share
        self._orders: dict[str, Order] = {}
        self._open: dict[str, None] = {}  # In order of arrival.
        self._reports: dict[str, list[Report]] = {}
        self._quotes: Mapping[str, Quote] = {}
        self._now: datetime | None = None

    def move(self, quotes: Mapping[str, Quote], *, at: datetime) -> list[Report]:
        """Set the market to `quotes` at `at` and return what resting orders then do.

        A new day first expires what was good for the day before.
        """
        said: list[Report] = []
        if self._now is not None and at.date() > self._now.date():
            said += self._expire(at)
        self._quotes, self._now = quotes, at
        for cl_ord_id in list(self._open):
            said += self._work(cl_ord_id)
        return said

    def submit(self, order: Order) -> list[Report]:
        """Take `order`; an order sent twice gets its reports again and executes once."""
        if order.cl_ord_id in self._orders:
            return list(self._reports[order.cl_ord_id])
        self._take(order)
        if order.symbol not in self._quotes:
            self._say(order, OrderEvent.REJECTED, reason=f"no price for {order.symbol} (103=2)")
        else:
            self._say(order, OrderEvent.NEW)
            self._work(order.cl_ord_id, arriving=True)
        return list(self._reports[order.cl_ord_id])

    def restore(self, orders: Iterable[Order], *, at: datetime) -> None:
        """Forget everything and take `orders` as the open ones as of `at`.

        The next `move` tells by `at` whether a day has passed for them.
        """
        self._orders, self._open, self._reports = {}, {}, {}
        self._now = at
        for order in orders:
            self._take(order)

    def cancel(self, cl_ord_id: str) -> list[Report]:
        """Cancel what is left of an order, or say why that cannot be done."""
        order, refusal = self._requested(cl_ord_id, OrderEvent.CANCEL_REJECTED)
        if order is None:
            return refusal
        return [self._say(order, OrderEvent.CANCELED, reason="at the desk's request")]

    def replace(self, replacement: Order) -> list[Report]:
        """Give an order the quantity and limit of `replacement`, or say why not."""
        order, refusal = self._requested(replacement.cl_ord_id, OrderEvent.REPLACE_REJECTED)
        if order is None:
            return refusal
        said = self._say(
            order,
            OrderEvent.REPLACED,
            quantity=replacement.quantity,
            limit_price=replacement.limit_price,
        )
        return [said, *self._work(order.cl_ord_id, arriving=True)]

    def _take(self, order: Order) -> None:
        self._orders[order.cl_ord_id] = order
        self._open[order.cl_ord_id] = None
        self._reports[order.cl_ord_id] = []

    def _requested(self, cl_ord_id: str, refusal: OrderEvent) -> tuple[Order | None, list[Report]]:
        """Return the open order, or the reject that FIX prescribes (CxlRejReason(102))."""
        order = self._orders.get(cl_ord_id)
        if order is not None and not order.status.closed:
            return order, []
        why = "unknown order (102=1)" if order is None else "too late (102=0)"
        if order is not None:
            return None, [self._say(order, refusal, reason=why)]
        return None, [
            Report(
                venue=self.name,
                cl_ord_id=cl_ord_id,
                report_id=f"{cl_ord_id}:unknown",
                event=refusal,
                at=self._time(),
                reason=why,
            )
        ]

    def _work(self, cl_ord_id: str, *, arriving: bool = False) -> list[Report]:
        """Execute what the market allows, then end what must not rest."""
        order, said = self._orders[cl_ord_id], list[Report]()
        quote = self._quotes.get(order.symbol)
        if quote is not None and _triggered(order, quote.price):
            offer = self._offer(order, quote, arriving=arriving)
            whole = offer.quantity == order.leaves_quantity
            if offer.quantity and (whole or order.time_in_force is not TimeInForce.FILL_OR_KILL):
                said.append(self._execute(order, offer, arriving=arriving))
                order = self._orders[cl_ord_id]
        if order.status.closed:
            return said
        if order.time_in_force in AT_ONCE:
            said.append(self._say(order, OrderEvent.CANCELED, reason="could not execute at once"))
        elif order.order_type is OrderType.MARKET:
            reason = "beyond the share of volume on offer"
            said.append(self._say(order, OrderEvent.EXPIRED, reason=reason))
        return said

    def _offer(self, order: Order, quote: Quote, *, arriving: bool) -> _Offer:
        """Return what the market offers `order` now."""
        cap = Decimal(int(quote.daily_volume)) * self._max_volume_share
        quantity = min(order.leaves_quantity, cap.to_integral_value(ROUND_FLOOR))
        nothing = _Offer(ZERO, quote.price, quote.price)
        if quantity == 0:
            return nothing
        parts = self._impact.parts(
            float(quantity), volume=quote.daily_volume, volatility=quote.volatility
        )
        sign = order.side.sign
        price = _moved(quote.price, sign * float(parts.total))
        mid = _moved(quote.price, sign * float(parts.temporary + parts.permanent))
        limit = order.limit_price
        if limit is None:
            return _Offer(quantity, price, mid)
        if _takes(order, arriving=arriving):
            reached = _no_worse(order.side, price, limit)
            return _Offer(quantity, price, mid) if reached else nothing
        # A resting order provides the liquidity: the market comes to it, at its own price.
        reached = _no_worse(order.side, quote.price, limit)
        return _Offer(quantity, limit, quote.price) if reached else nothing

    def _execute(self, order: Order, offer: _Offer, *, arriving: bool) -> Report:
        takes = order.limit_price is None or _takes(order, arriving=arriving)
        execution = Execution(
            venue=self.name,
            exec_id=self._next_id(order),
            quantity=offer.quantity,
            price=offer.price,
            executed_at=self._time(),
            fee=self._fees.fee(quantity=offer.quantity, price=offer.price, currency=order.currency),
            liquidity=Liquidity.REMOVED if takes else Liquidity.ADDED,
            mid_price=offer.mid,
        )
        return self._say(order, OrderEvent.TRADE, execution=execution)

    def _expire(self, at: datetime) -> list[Report]:
        said = []
        for order in [self._orders[cl_ord_id] for cl_ord_id in self._open]:
            dated = order.expires_on is not None and at.date() > order.expires_on
            if dated or order.time_in_force in FOR_THE_DAY:
                said.append(self._say(order, OrderEvent.EXPIRED, reason="time in force is over"))
        return said

    def _say(self, order: Order, event: OrderEvent, **terms: Any) -> Report:  # noqa: ANN401 - fields of Report
        report = Report(
            venue=self.name,
            cl_ord_id=order.cl_ord_id,
            report_id=self._next_id(order),
            event=event,
            at=self._time(),
            **terms,
        )
        moved = order.after(report)
        self._orders[order.cl_ord_id] = moved
        self._reports[order.cl_ord_id].append(report)
        if moved.status.closed:
            self._open.pop(order.cl_ord_id, None)
        return report

    def _next_id(self, order: Order) -> str:
        said = sum(venue == self.name for venue, _ in order.reports_seen)
        return f"{order.cl_ord_id}:{said + 1}"

    def _time(self) -> datetime:
        if self._now is None:
            raise InvalidInputError(f"exchange {self.name} has no market yet: move it first")
        return self._now


def _moved(price: Decimal, by: float) -> Decimal:
    """Return `price` moved by a fraction of it."""
    return to_decimal(float(price * (1 + to_decimal(by, digits=9))), digits=PRICE_DIGITS)


def _takes(order: Order, *, arriving: bool) -> bool:
    """Whether a limit order meets the market as it comes in, or as its stop sets it free."""
    return arriving or order.stop_price is not None


def _triggered(order: Order, price: Decimal) -> bool:
    """Whether a stop has been reached (an order without one always is)."""
    if order.stop_price is None:
        return True
    buying = order.side is Side.BUY
    return price >= order.stop_price if buying else price <= order.stop_price


def _no_worse(side: Side, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if side is Side.BUY else price >= limit
