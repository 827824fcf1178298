"""What was traded as a section of the day's report: strategies, costs, refusals, last fills."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from basics.trading import Fill
from oms.controls import LAYERS, RULES, Layer
from pnl.shortfall import Slippage, fill_slippage
from services.ports import OrderRefusal
from services.trading import DESK, TradingResult

LAST_FILLS = 12
TOP_REASONS = 3
ZERO = Decimal(0)
_RULE = re.compile(r"\b(" + "|".join(RULES) + r")(?=:)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    """What trading cost, of one kind; positive when paid."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTrading:
    """What one strategy traded.

    Attributes
    ----------
    turnover : float
        Traded notional, both ways, over mean equity, for the whole span.
    """

    strategy: str
    fills: int
    traded_notional: Decimal
    fees: Decimal
    turnover: float
    final_equity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    """One fill, to follow from its decision."""

    session: date
    strategy: str
    symbol: str
    quantity: Decimal
    price: Decimal
    decision_price: Decimal | None
    fee: Decimal
    model_version: str | None
    cl_ord_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalReason:
    """A rule, or a venue's words, and how many orders it refused."""

    reason: str
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRefusals:
    """How many orders one layer of the controls, or a venue, refused.

    Attributes
    ----------
    reasons : tuple of RefusalReason
        The commonest, most orders first.
    """

    layer: str
    orders: int
    reasons: tuple[RefusalReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSection:
    """Orders, refusals, fills and what trading cost, over every session traded."""

    first_session: date
    last_session: date
    sessions: int
    orders: int
    refused: int
    fills: int
    layers: tuple[str, ...]
    refusals: tuple[LayerRefusals, ...] = ()
    strategies: tuple[StrategyTrading, ...]
    costs: tuple[CostPart, ...]
    last_fills: tuple[FillRow, ...]


def trading_section(
    result: TradingResult, fills: Sequence[Fill], rejections: Sequence[OrderRefusal] = ()
) -> TradingSection:
    """Return what was traded; costs are measured on the fills that stand."""
    return TradingSection(
        first_session=result.sessions[0],
        last_session=result.sessions[-1],
        sessions=len(result.sessions),
        orders=result.orders,
        refused=result.refused,
        fills=len(fills),
        layers=tuple(map(_layer_name, LAYERS)),
        refusals=refusals_by_layer(rejections),
        strategies=_strategies(result, fills),
        costs=_costs(fills),
        last_fills=tuple(_row(fill) for fill in fills[: -LAST_FILLS - 1 : -1]),
    )


def refusals_by_layer(rejections: Sequence[OrderRefusal]) -> tuple[LayerRefusals, ...]:
    """Return how many orders each layer refused and its commonest reasons, all layers named.

    A control's reason is the rule, a venue's the words that it sent. An order that breaks rules
    of two layers counts in both. Behind the nine layers come the desk's other refusals and each
    venue, where there are any.
    """
    refused: dict[str, set[str]] = {_layer_name(layer): set() for layer in LAYERS}
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for rejection in rejections:
        for layer, reason in _blamed(rejection):
            refused.setdefault(layer, set()).add(rejection.cl_ord_id)
            reasons[layer][reason] += 1
    return tuple(
        LayerRefusals(
            layer=layer,
            orders=len(orders),
            reasons=tuple(
                RefusalReason(reason=reason, orders=count)
                for reason, count in sorted(
                    reasons[layer].items(), key=lambda item: (-item[1], item[0])
                )[:TOP_REASONS]
            ),
        )
        for layer, orders in refused.items()
    )


def _blamed(rejection: OrderRefusal) -> Sequence[tuple[str, str]]:
    """Return (layer, reason) of each rule that an order broke, or who refused it and why."""
    if rejection.venue != DESK:
        return [(f"venue {rejection.venue}", rejection.reason)]
    rules = sorted(set(_RULE.findall(rejection.reason)))
    named = [(_layer_name(RULES[rule]), rule) for rule in rules]
    return named or [("desk", rejection.reason)]


def _layer_name(layer: Layer) -> str:
    return layer.name.lower().replace("_", " ")


def _strategies(result: TradingResult, fills: Sequence[Fill]) -> tuple[StrategyTrading, ...]:
    return tuple(
        StrategyTrading(
            strategy=name,
            fills=len(own),
            traded_notional=_notional(own),
            fees=sum((fill.fee for fill in own), ZERO),
            turnover=result.turnover[name],
            final_equity=float(path[-1]),
        )
        for name, path in sorted(result.equity.items())
        if np.isfinite(path[-1])
        for own in [[fill for fill in fills if fill.book.strategy == name]]
    )


def _costs(fills: Sequence[Fill]) -> tuple[CostPart, ...]:
    """Return fees and the split of implementation shortfall, over stocks (multiplier 1)."""
    lost = sum((fill_slippage(fill) for fill in fills), Slippage())
    return (
        CostPart(name="fees", amount=sum((fill.fee for fill in fills), ZERO)),
        CostPart(name="spread", amount=lost.spread),
        CostPart(name="impact", amount=lost.impact),
        CostPart(name="delay", amount=lost.delay),
    )


def _notional(fills: Sequence[Fill]) -> Decimal:
    return sum((abs(fill.quantity * fill.price) for fill in fills), ZERO)


def _row(fill: Fill) -> FillRow:
    return FillRow(
        session=fill.executed_at.date(),
        strategy=fill.book.strategy,
        symbol=fill.symbol,
        quantity=fill.quantity,
        price=fill.price,
        decision_price=fill.decision_price,
        fee=fill.fee,
        model_version=fill.lineage.model_version,
        cl_ord_id=fill.cl_ord_id,
    )
