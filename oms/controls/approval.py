"""The only maker of an `ApprovedOrder`: all nine layers, every breach, active overrides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NewType

from basics.errors import RefusedError
from oms.controls.book import credit, exposure, risk, state
from oms.controls.breach import Breach, Layer
from oms.controls.context import ControlContext
from oms.controls.form import form, permission
from oms.controls.trade import price, rate, size
from oms.orders import Order

ApprovedOrder = NewType("ApprovedOrder", Order)

Control = Callable[[Order, ControlContext], Iterator[Breach]]

LAYERS: Final[Mapping[Layer, Control]] = {
    Layer.FORM: form,
    Layer.PERMISSION: permission,
    Layer.PRICE: price,
    Layer.SIZE: size,
    Layer.RATE: rate,
    Layer.CREDIT: credit,
    Layer.EXPOSURE: exposure,
    Layer.RISK: risk,
    Layer.STATE: state,
}


def check(order: Order, context: ControlContext) -> tuple[Breach, ...]:
    """Return every rule that `order` breaks, layer by layer, overrides not applied.

    Every layer answers, so that one refusal tells all that must change.
    """
    return tuple(breach for control in LAYERS.values() for breach in control(order, context))


def refusals(order: Order, context: ControlContext) -> tuple[Breach, ...]:
    """Return the breaches that no override in force lifts."""
    found = check(order, context)
    if not found or not context.overrides:
        return found
    scopes = frozenset({order.book.strategy, order.book.portfolio})
    return tuple(
        breach
        for breach in found
        if not any(o.lifts(breach, scopes=scopes, now=context.now) for o in context.overrides)
    )


def approve(order: Order, context: ControlContext) -> ApprovedOrder:
    """Return `order` approved.

    Raises
    ------
    RefusedError
        With every breach, separated by `; `.
    """
    found: Sequence[Breach] = refusals(order, context)
    if found:
        listed = "; ".join(str(breach) for breach in found)
        raise RefusedError(f"order {order.cl_ord_id} is refused: {listed}")
    return ApprovedOrder(order)
