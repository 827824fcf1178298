"""Layer 3, price collar; layer 4, order size and notional; layer 5, duplicates and rates."""

from collections.abc import Iterator

from oms.controls.breach import Breach, OrdRejReason
from oms.controls.context import ControlContext
from oms.orders import Order


def price(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check that prices lie within the collar around the reference price."""
    reference = context.prices.get(order.symbol)
    if reference is None:
        # Fails closed: an order that cannot be valued cannot be checked by any later layer.
        yield _breach("PRICE_REFERENCE_MISSING", symbol=order.symbol)
        return
    collar = context.limits.price_collar
    for asked in (order.limit_price, order.stop_price):
        if asked is None:
            continue
        distance = abs(asked / reference - 1)
        if distance > collar:
            yield _breach(
                "PRICE_OUTSIDE_COLLAR",
                price=asked,
                reference=reference,
                distance=f"{distance:.4f}",
                limit=collar,
            )


def size(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check quantity, notional and share of the daily volume."""
    limits = context.limits
    if order.quantity > limits.max_order_quantity:
        yield _breach("SIZE_ABOVE_QUANTITY", qty=order.quantity, limit=limits.max_order_quantity)
    unit = context.value_of_one(order.symbol)
    if unit is not None and order.quantity * unit > limits.max_order_notional:
        yield _breach(
            "SIZE_ABOVE_NOTIONAL",
            notional=f"{order.quantity * unit:.2f}",
            limit=limits.max_order_notional,
        )
    volume = context.daily_volume
    if volume is not None and order.quantity > volume * limits.max_volume_share:
        yield _breach(
            "SIZE_ABOVE_VOLUME_SHARE",
            qty=order.quantity,
            daily_volume=f"{volume:.0f}",
            limit=limits.max_volume_share,
        )


def rate(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check for an order sent twice, too many messages, and repeated execution."""
    limits, now = context.limits, context.now
    recent = context.recent
    if any(
        past.cl_ord_id == order.cl_ord_id
        or (
            now - past.sent_at < limits.duplicate_window
            and (past.symbol, past.side, past.quantity, past.limit_price)
            == (order.symbol, order.side, order.quantity, order.limit_price)
        )
        for past in recent
    ):
        yield Breach(
            "RATE_DUPLICATE_ORDER",
            OrdRejReason.DUPLICATE_ORDER,
            (("cl_ord_id", order.cl_ord_id), ("symbol", order.symbol)),
        )
    messages = sum(now - past.sent_at < limits.message_window for past in recent)
    if messages >= limits.max_messages:
        yield _breach(
            "RATE_ABOVE_MESSAGES",
            sent=messages,
            limit=limits.max_messages,
            seconds=limits.message_window.total_seconds(),
        )
    repeats = sum(
        past.symbol == order.symbol
        and past.side is order.side
        and now - past.sent_at < limits.repeat_window
        for past in recent
    )
    if repeats >= limits.max_repeats:
        yield _breach(
            "RATE_REPEATED_EXECUTION",
            symbol=order.symbol,
            sent=repeats,
            limit=limits.max_repeats,
            seconds=limits.repeat_window.total_seconds(),
        )


def _breach(rule: str, **detail: object) -> Breach:
    return Breach(rule, OrdRejReason.ORDER_EXCEEDS_LIMIT, tuple(detail.items()))
