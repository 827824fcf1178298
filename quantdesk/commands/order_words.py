"""An order in the words of its user."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oms.orders import Order


def order_document(order: "Order") -> dict[str, Any]:
    """Return an order in the words of its user."""
    return {
        "cl_ord_id": order.cl_ord_id,
        "symbol": order.symbol,
        "side": order.side.name.lower(),
        "quantity": order.quantity,
        "order_type": order.order_type.name.lower(),
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "time_in_force": order.time_in_force.name.lower(),
        "status": order.status.name.lower(),
        "cum_quantity": order.cum_quantity,
        "leaves_quantity": order.leaves_quantity,
        "average_price": order.average_price,
        "created_at": order.created_at,
        "strategy": order.book.strategy,
        "portfolio": order.book.portfolio,
        "warnings": list(order.warnings),
    }
