"""Layer 6, cash, margin and credit; layer 7, exposure; layer 8, risk; layer 9, trading state.

These layers look at the book as it could become: holdings, working orders, the rest of every
algorithm's schedule, and the order. An order that only reduces its position passes layers 6 to 8:
to refuse it would keep the book in breach.
"""

from collections.abc import Iterator
from decimal import Decimal

from basics.money import to_decimal
from oms.controls.breach import Breach, OrdRejReason
from oms.controls.context import ControlContext, TradingState
from oms.orders import ZERO, Order


def credit(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check that equity covers the margin that the book would bind."""
    if context.reduces(order):
        return
    if context.equity <= 0:
        yield _breach("CREDIT_EQUITY_GONE", equity=f"{context.equity:.2f}")
        return
    gross, _, _ = _exposure(order, context)
    needed = gross * context.limits.margin_rate + context.margin_in_use
    if needed > context.equity:
        yield _breach(
            "CREDIT_MARGIN_SHORT",
            needed=f"{needed:.2f}",
            equity=f"{context.equity:.2f}",
        )


def exposure(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check position, gross and net exposure."""
    if context.reduces(order) or context.equity <= 0:
        return
    limits, equity = context.limits, context.equity
    unpriced = sorted(symbol for symbol in context.positions if symbol not in context.prices)
    if unpriced:
        # Fails closed: what has no price would count as no exposure.
        yield _breach("EXPOSURE_PRICE_MISSING", held=",".join(unpriced))
    gross, net, position = _exposure(order, context)
    for rule, value, limit in (
        ("EXPOSURE_ABOVE_POSITION", abs(position), limits.max_position),
        ("EXPOSURE_ABOVE_GROSS", gross, limits.max_gross),
        ("EXPOSURE_ABOVE_NET", abs(net), limits.max_net),
    ):
        if value > limit * equity:
            yield _breach(
                rule,
                symbol=order.symbol,
                share=f"{value / equity:.4f}",
                limit=limit,
            )


def risk(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check value at risk before and after, drawdown and daily loss."""
    if context.reduces(order):
        return
    limits, equity = context.limits, context.equity
    if to_decimal(context.drawdown, digits=9) > limits.max_drawdown:
        yield _breach(
            "RISK_ABOVE_DRAWDOWN",
            drawdown=f"{context.drawdown:.4f}",
            limit=limits.max_drawdown,
        )
    if -context.daily_pnl > limits.max_daily_loss * equity:
        yield _breach(
            "RISK_ABOVE_DAILY_LOSS",
            pnl=f"{context.daily_pnl:.2f}",
            limit=limits.max_daily_loss,
        )
    if context.risk is None or equity <= 0:
        return
    signed = float(order.leaves_quantity) * order.side.sign
    before, after = (
        context.risk.value_at_risk(),
        context.risk.value_at_risk_after(order.symbol, signed),
    )
    for rule, value, limit in (
        ("RISK_ABOVE_VALUE_AT_RISK", after, limits.max_value_at_risk),
        ("RISK_ABOVE_INCREMENTAL", after - before, limits.max_incremental_value_at_risk),
    ):
        # A trade that lowers the risk of a book in breach helps it.
        if after > before and value > float(limit * equity):
            yield _breach(
                rule,
                symbol=order.symbol,
                share=f"{value / float(equity):.4f}",
                limit=limit,
            )


def state(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check the kill switch and the trading state."""
    if context.kill_switch:
        yield _closed("STATE_KILL_SWITCH", why=repr(context.kill_switch))
    if context.trading_state is TradingState.HALTED:
        yield _closed("STATE_HALTED", book=order.book.strategy)
    elif context.trading_state is TradingState.REDUCING and not context.reduces(order):
        yield _closed(
            "STATE_REDUCING_ONLY",
            symbol=order.symbol,
            position=context.position(order.symbol),
            side=order.side.name,
        )


def _exposure(order: Order, context: ControlContext) -> tuple[Decimal, Decimal, Decimal]:
    """Return gross, net and the symbol's own exposure at their worst, in money."""
    gross = net = own = ZERO
    for symbol in {*context.positions, *context.working, order.symbol}:
        unit = context.value_of_one(symbol)
        if unit is None:
            continue  # Refused already: by layer 3 the order's own symbol, by layer 7 a holding.
        value = context.worst_position(symbol, order) * unit
        gross += abs(value)
        net += value
        if symbol == order.symbol:
            own = value
    return gross, net, own


def _breach(rule: str, **detail: object) -> Breach:
    return Breach(rule, OrdRejReason.ORDER_EXCEEDS_LIMIT, tuple(detail.items()))


def _closed(rule: str, **detail: object) -> Breach:
    return Breach(rule, OrdRejReason.EXCHANGE_CLOSED, tuple(detail.items()))
