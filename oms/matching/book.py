"""A limit order book by price and time: who comes first at the best price trades first.

Pure and deterministic: every order gets its fills in the order in which they happen, and a
resting order keeps its place in the queue until it is filled, cancelled, or changed for the
worse of those behind it (a larger quantity, or another price).

Trades happen at the price of the order that rested. An order never trades with another of its
own owner: the incoming one is cut instead (self-match prevention, RTS 6 article 16).
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from basics.trading import Side

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """A limit order as the book sees it; quantity is what is left of it, positive."""

    order_id: str
    owner: str
    side: Side
    price: Decimal
    quantity: Decimal

    def __post_init__(self) -> None:
        for name in ("price", "quantity"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise InvalidInputError(f"{self.order_id}: {name} must be positive, got {value}")


@dataclass(frozen=True, slots=True)
class Match:
    """One trade: the incoming order took from the resting one, at the resting price."""

    taker: str
    maker: str
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of an incoming order.

    Attributes
    ----------
    resting : Decimal
        Quantity that now rests in the book.
    cut : Decimal
        Quantity that was dropped because it would have met its own owner.
    """

    matches: tuple[Match, ...]
    resting: Decimal
    cut: Decimal


@dataclass(slots=True)
class _BookSide:
    """One side: prices ascending, and the queue at each, first come first."""

    prices: list[Decimal] = field(default_factory=list)
    queues: dict[Decimal, OrderedDict[str, BookOrder]] = field(default_factory=dict)

    def add(self, order: BookOrder) -> None:
        if order.price not in self.queues:
            insort(self.prices, order.price)
            self.queues[order.price] = OrderedDict()
        self.queues[order.price][order.order_id] = order

    def drop(self, order: BookOrder) -> None:
        queue = self.queues[order.price]
        del queue[order.order_id]
        if not queue:
            del self.queues[order.price]
            self.prices.pop(bisect_left(self.prices, order.price))


class LimitOrderBook:
    """The orders that rest in one instrument."""

    def __init__(self) -> None:
        self._bids = _BookSide()
        self._asks = _BookSide()
        self._orders: dict[str, BookOrder] = {}

    @property
    def best_bid(self) -> Decimal | None:
        """Highest price bid, None without bids."""
        return self._bids.prices[-1] if self._bids.prices else None

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest price asked, None without asks."""
        return self._asks.prices[0] if self._asks.prices else None

    def add(self, order: BookOrder) -> Entry:
        """Match `order` with the other side, best price first, and rest what is left.

        Raises
        ------
        ConflictError
            If an order of this id rests already.
        """
        if order.order_id in self._orders:
            raise ConflictError(f"order {order.order_id} rests in the book already")
        matches: list[Match] = []
        left, cut = order.quantity, ZERO
        while left and (maker := self._best_against(order)) is not None:
            if maker.owner == order.owner:
                left, cut = ZERO, left
                break
            traded = min(left, maker.quantity)
            matches.append(Match(order.order_id, maker.order_id, maker.price, traded))
            left -= traded
            self._take(maker, traded)
        if left:
            self._rest(replace(order, quantity=left))
        return Entry(tuple(matches), left, cut)

    def cancel(self, order_id: str) -> BookOrder:
        """Take an order out and return what was left of it."""
        order = self.order(order_id)
        self._side(order).drop(order)
        del self._orders[order_id]
        return order

    def reduce(self, order_id: str, *, quantity: Decimal) -> BookOrder:
        """Lower an order to `quantity`; it keeps its place in the queue.

        Raises
        ------
        InvalidInputError
            If `quantity` is not lower: a larger order or another price joins the queue anew,
            by `cancel` and `add`.
        """
        order = self.order(order_id)
        if not 0 < quantity < order.quantity:
            raise InvalidInputError(
                f"{order_id}: {quantity} does not lower {order.quantity}; cancel and add instead"
            )
        lower = replace(order, quantity=quantity)
        self._side(order).queues[order.price][order_id] = lower
        self._orders[order_id] = lower
        return lower

    def order(self, order_id: str) -> BookOrder:
        """Return a resting order; `MissingDataError` if there is none."""
        try:
            return self._orders[order_id]
        except KeyError:
            raise MissingDataError(f"no order {order_id} rests in the book") from None

    def queue_ahead(self, order_id: str) -> Decimal:
        """Return the quantity that trades before this order at its price."""
        order, ahead = self.order(order_id), ZERO
        for other in self._side(order).queues[order.price].values():
            if other.order_id == order_id:
                break
            ahead += other.quantity
        return ahead

    def depth(self, side: Side, *, levels: int = 10) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return (price, quantity) of the best levels of a side, best first."""
        book = self._bids if side is Side.BUY else self._asks
        prices = book.prices[::-1] if side is Side.BUY else book.prices
        return tuple(
            (price, sum((o.quantity for o in book.queues[price].values()), ZERO))
            for price in prices[:levels]
        )

    def _best_against(self, order: BookOrder) -> BookOrder | None:
        """Return the order that `order` would meet next, None when none is in reach."""
        if order.side is Side.BUY:
            price, other = self.best_ask, self._asks
            reaches = price is not None and price <= order.price
        else:
            price, other = self.best_bid, self._bids
            reaches = price is not None and price >= order.price
        return next(iter(other.queues[price].values())) if price is not None and reaches else None

    def _take(self, maker: BookOrder, quantity: Decimal) -> None:
        if quantity == maker.quantity:
            self.cancel(maker.order_id)
        else:
            self.reduce(maker.order_id, quantity=maker.quantity - quantity)

    def _rest(self, order: BookOrder) -> None:
        self._side(order).add(order)
        self._orders[order.order_id] = order

    def _side(self, order: BookOrder) -> _BookSide:
        return self._bids if order.side is Side.BUY else self._asks
