"""Layer 6, cash, margin and credit; layer 7, exposure; layer 8, risk; layer 9, trading state.

These layers look at the book as it could become: holdings, working orders, the rest of every
algorithm's schedule, and the order. Layers 7 and 8 hold no numbers: they ask the limit register,
as the report and the alerts do. An order that only reduces its position passes layers 6 to 8: to
refuse it would keep the book in breach; so does one that lessens what is beyond a limit.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from oms.controls.breach import Breach, OrdRejReason
from oms.controls.context import ControlContext, TradingState
from oms.controls.observed import (
    Change,
    Judged,
    exposure_changes,
    judged,
    risk_changes,
    unmeasured,
)
from oms.orders import ZERO, Order


def credit(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Check that equity covers the margin that the book would bind."""
    if context.reduces(order):
        return
    if context.equity <= 0:
        yield _breach("CREDIT_EQUITY_GONE", equity=f"{context.equity:.2f}")
        return
    needed = _gross(order, context) * context.limits.margin_rate + context.margin_in_use
    if needed > context.equity:
        yield _breach(
            "CREDIT_MARGIN_SHORT",
            needed=f"{needed:.2f}",
            equity=f"{context.equity:.2f}",
        )


def exposure(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Ask the limit register about positions, concentrations, gross and net exposure."""
    if context.reduces(order) or context.equity <= 0:
        return
    unpriced = sorted(symbol for symbol in context.positions if symbol not in context.prices)
    if unpriced:
        # Fails closed: what has no price would count as no exposure.
        yield _breach("EXPOSURE_PRICE_MISSING", held=",".join(unpriced))
    yield from _beyond(order, context, exposure_changes(order, context))


def risk(order: Order, context: ControlContext) -> Iterator[Breach]:
    """Ask the limit register about VaR, ES, stress and liquidity, drawdown and daily loss."""
    if context.reduces(order):
        return
    if unmeasured(order, context):
        # Fails closed: what has no history would count as no risk.
        yield _breach("RISK_HISTORY_MISSING", symbol=order.symbol)
        context = replace(context, risk=None)
    yield from _beyond(order, context, risk_changes(order, context))


def near_limits(order: Order, context: ControlContext) -> tuple[Judged, ...]:
    """Return the warn and soft thresholds that the order passes and is let through, worst first."""
    if context.reduces(order) or context.equity <= 0 or unmeasured(order, context):
        return ()
    found = [
        one
        for changes in (exposure_changes(order, context), risk_changes(order, context))
        for one in judged(context, changes)
        if one.warns
    ]
    return tuple(sorted(found, key=lambda one: -one.check.utilisation))


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


def _gross(order: Order, context: ControlContext) -> Decimal:
    """Return the gross exposure of the book at its worst, in money."""
    gross = ZERO
    for symbol in {*context.positions, *context.working, order.symbol}:
        unit = context.value_of_one(symbol)
        if unit is None:
            continue  # Refused already: by layer 3 the order's own symbol, by layer 7 a holding.
        gross += abs(context.worst_position(symbol, order) * unit)
    return gross


def _beyond(order: Order, context: ControlContext, changes: Iterator[Change]) -> Iterator[Breach]:
    for found in judged(context, changes):
        if found.refuses:
            yield _breach(
                found.rule,
                symbol=order.symbol,
                scope=found.check.scope,
                name=found.check.name,
                share=f"{abs(found.check.value):.4f}",
                limit=found.check.hard,
            )


def _breach(rule: str, **detail: object) -> Breach:
    return Breach(rule, OrdRejReason.ORDER_EXCEEDS_LIMIT, tuple(detail.items()))


def _closed(rule: str, **detail: object) -> Breach:
    return Breach(rule, OrdRejReason.EXCHANGE_CLOSED, tuple(detail.items()))
