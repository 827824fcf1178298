"""What is asked of the live desk, and the orders and reports that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from basics.clock import Clock
from basics.errors import ConflictError
from basics.trading import Book, Side, placed_lineage
from oms.controls import Judged, RecentOrder
from oms.orders import Order, Report
from oms.states import OrderEvent, OrderType, TimeInForce
from services.desk_market import MarketView

DESK: Final = "desk"  # The run of live orders, and the name under which the desk reports.

_TERMS: Final = (
    "cl_ord_id",
    "symbol",
    "side",
    "quantity",
    "order_type",
    "limit_price",
    "stop_price",
    "time_in_force",
    "expires_on",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTicket:
    """What a person or program asks to trade.

    Attributes
    ----------
    cl_ord_id : str
        Chosen by whoever asks; asking again with it changes nothing.
    """

    cl_ord_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_on: date | None = None


def order_of(ticket: OrderTicket, book: Book, market: MarketView, clock: Clock) -> Order:
    """Return the order that `ticket` asks for, decided at the market of now."""
    price = market.prices.get(ticket.symbol)
    instrument = market.instruments.get(ticket.symbol)
    return Order(
        **{name: getattr(ticket, name) for name in _TERMS},
        book=book,
        created_at=clock.now(),
        decision_price=price,
        arrival_price=price,
        currency="USD" if instrument is None else instrument.currency,
        lineage=placed_lineage(book.strategy),
    )


def same_order(order: Order, ticket: OrderTicket) -> Order:
    """Return `order` when `ticket` asks for it again, refuse another under the same name."""
    # Quantity and limit may have been replaced since.
    fixed = ("symbol", "side", "order_type", "stop_price", "time_in_force", "expires_on")
    other = [name for name in fixed if getattr(order, name) != getattr(ticket, name)]
    if other:
        raise ConflictError(
            f"cl_ord_id {order.cl_ord_id} is taken by an order with another {', '.join(other)}: "
            "choose a new one"
        )
    return order


def desk_report(
    order: Order,
    event: OrderEvent,
    clock: Clock,
    *,
    reason: str = "",
    after: Sequence[Report] = (),
) -> Report:
    """Return the desk's own report on an order: a request, a note or a refusal.

    Parameters
    ----------
    after : sequence of Report
        Reports of the desk that the order will have seen by then.
    """
    number = sum(venue == DESK for venue, _ in order.reports_seen) + len(after) + 1
    return Report(
        venue=DESK,
        cl_ord_id=order.cl_ord_id,
        report_id=f"{order.cl_ord_id}:{DESK}:{number}",
        event=event,
        at=clock.now(),
        reason=reason,
    )


def warning_of(near: Judged) -> str:
    """Return what is noted on an order that was let through past a warn or soft threshold."""
    check = near.check
    threshold = check.soft if check.breached else check.warn
    return (
        f"passed with a warning: {check.metric} of {check.scope} {check.name} would be "
        f"{abs(check.value):.4g}, above the {check.state.value} limit of {threshold:.4g} "
        f"({check.unit}; hard {check.hard:.4g})"
    )


def recent_of(order: Order) -> RecentOrder:
    """Return what the rate controls remember of `order`."""
    return RecentOrder(
        order.cl_ord_id,
        order.symbol,
        order.side,
        order.quantity,
        order.limit_price,
        order.created_at,
    )
