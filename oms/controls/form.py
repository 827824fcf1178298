"""Layer 1, form: can a venue read the order at all. Layer 2, permission: may the book trade it."""

from collections.abc import Iterator
from decimal import Decimal

from basics.trading import Side
from oms.controls.breach import Breach, OrdRejReason
from oms.controls.context import ControlContext
from oms.orders import Order
from oms.states import OrderStatus, OrderType, TimeInForce

LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def form(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check schema, tick, lot and precision."""
    yield from _prices_fit_type(order)
    if order.status is not OrderStatus.PENDING_NEW:
        yield _form("STATUS_NOT_PENDING_NEW", OrdRejReason.OTHER, status=order.status.name)
    if (order.time_in_force is TimeInForce.GOOD_TILL_DATE) != (order.expires_on is not None):
        yield _form(
            "EXPIRY_MISPLACED",
            OrdRejReason.UNSUPPORTED_CHARACTERISTIC,
            tif=order.time_in_force.name,
            expires_on=order.expires_on,
        )
    instrument = context.instrument
    if instrument is None:
        yield _form("SYMBOL_UNKNOWN", OrdRejReason.UNKNOWN_SYMBOL, symbol=order.symbol)
        return
    if order.currency != instrument.currency:
        yield _form(
            "CURRENCY_MISMATCH",
            OrdRejReason.UNSUPPORTED_CHARACTERISTIC,
            currency=order.currency,
            quoted_in=instrument.currency,
        )
    if order.quantity % instrument.lot_size:
        yield _form(
            "LOT_MISFIT",
            OrdRejReason.INCORRECT_QUANTITY,
            qty=order.quantity,
            lot=instrument.lot_size,
        )
    for name, price in (("limit", order.limit_price), ("stop", order.stop_price)):
        if price is not None and price % instrument.tick_size:
            yield _form(
                "TICK_MISFIT",
                OrdRejReason.UNSUPPORTED_CHARACTERISTIC,
                **{name: price},
                tick=instrument.tick_size,
            )


def permission(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check the restricted list, the kinds the book may trade, and short-sale rules."""
    limits, instrument = context.limits, context.instrument
    reason = context.restricted.get(order.symbol)
    if reason is not None:
        yield _permission("SYMBOL_RESTRICTED", symbol=order.symbol, why=repr(reason))
    if instrument is not None and instrument.kind not in limits.kinds:
        yield _permission("KIND_FORBIDDEN", kind=instrument.kind.value, book=order.book.strategy)
    if order.side is Side.BUY:
        return
    working = context.working.get(order.symbol)
    committed = order.leaves_quantity + (working.to_sell if working else Decimal(0))
    short = committed - max(context.position(order.symbol), Decimal(0))
    if order.side is Side.SELL and short > 0:
        yield _permission("SHORT_UNMARKED", symbol=order.symbol, beyond_holding=short)
    if short > 0 and not limits.may_short:
        yield _permission("SHORT_FORBIDDEN", symbol=order.symbol, short=short)
    located = context.locates.get(order.symbol, Decimal(0))
    # What is held short already was located when it was sold.
    if limits.needs_locate and short > located:
        yield _permission("LOCATE_MISSING", symbol=order.symbol, short=short, located=located)


def _prices_fit_type(order: Order) -> Iterator[Breach]:
    for name, price, types in (
        ("LIMIT_PRICE", order.limit_price, LIMITED),
        ("STOP_PRICE", order.stop_price, STOPPED),
    ):
        if (price is not None) != (order.order_type in types):
            yield _form(
                f"{name}_MISPLACED",
                OrdRejReason.UNSUPPORTED_CHARACTERISTIC,
                type=order.order_type.name,
                price=price,
            )


def _form(rule: str, reason: OrdRejReason, **detail: object) -> Breach:
    return Breach(f"FORM_{rule}", reason, tuple(detail.items()))


def _permission(rule: str, **detail: object) -> Breach:
    return Breach(f"PERMISSION_{rule}", OrdRejReason.BROKER_OPTION, tuple(detail.items()))
