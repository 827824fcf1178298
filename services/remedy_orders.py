"""A remedy as orders: each of its trades a market order, named so that asking twice sends once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from basics.identifiers import short_id
from basics.trading import Side
from services.order_tickets import OrderTicket
from strategy.remediation import RemedyTrade


def remedy_tickets(trades: Sequence[RemedyTrade], *, as_of: date) -> tuple[OrderTicket, ...]:
    """Return the orders of a remedy that only reduces positions, largest value first.

    Parameters
    ----------
    as_of : date
        Of the book that was remedied; with symbol and quantity it names the order.
    """
    return tuple(
        OrderTicket(
            cl_ord_id=short_id(as_of, trade.symbol, trade.quantity, prefix="remedy"),
            symbol=trade.symbol,
            side=Side.BUY if trade.quantity > 0 else Side.SELL,
            quantity=Decimal(round(abs(trade.quantity))),
        )
        for trade in trades
    )
