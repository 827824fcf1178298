"""What an order would make of its book, as observations that the limit register judges.

A book is seen as it could become: holdings, working orders, the rest of every algorithm's
schedule, and the order, at their worst. The same figures are taken of the order's strategy, and
of the portfolio, the account and the fund, whose other books are counted as they stand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from oms.controls.context import Beside, ControlContext, RiskFigures, RiskView
from oms.orders import Order
from risk.limits import LimitCheck, LimitState, Observation, Scope

# The factor whose loadings are betas on the equally weighted universe.
MARKET: Final = "market"

_EXPOSURE: Final = {
    "largest_position": "EXPOSURE_ABOVE_POSITION",
    "gross_leverage": "EXPOSURE_ABOVE_GROSS",
    "net_leverage": "EXPOSURE_ABOVE_NET",
    "beta": "EXPOSURE_ABOVE_FACTOR",
    "hhi": "EXPOSURE_ABOVE_CONCENTRATION",
}
_RISK: Final = {
    "drawdown": "RISK_ABOVE_DRAWDOWN",
    "daily_loss": "RISK_ABOVE_DAILY_LOSS",
    "value_at_risk_99": "RISK_ABOVE_VALUE_AT_RISK",
    "expected_shortfall_975": "RISK_ABOVE_SHORTFALL",
    "worst_stress_loss": "RISK_ABOVE_STRESS",
    "days_to_liquidate": "RISK_ABOVE_LIQUIDITY",
    "incremental_value_at_risk_99": "RISK_ABOVE_INCREMENTAL",
}
_NOTHING: Final = Beside()


@dataclass(frozen=True, slots=True)
class Change:
    """An observation after the order, and its size before; None for what no order changes."""

    rule: str
    after: Observation
    before: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A limit held against what the order would make of its book.

    Attributes
    ----------
    worse : bool
        Whether the order pushes the figure up, or is not what moves it.
    """

    rule: str
    check: LimitCheck
    worse: bool

    @property
    def refuses(self) -> bool:
        """Whether the figure is beyond the hard threshold, and not brought nearer to it."""
        return self.worse and self.check.state is LimitState.HARD

    @property
    def warns(self) -> bool:
        """Whether the order may pass, and somebody should know."""
        return self.worse and self.check.state in {LimitState.WARN, LimitState.SOFT}


def judged(context: ControlContext, changes: Iterator[Change]) -> Iterator[Judged]:
    """Ask the register about every change."""
    listed = list(changes)
    before = {(c.after.metric, c.after.scope, c.after.name): c for c in listed}
    checks = context.risk_limits.check([c.after for c in listed], as_of=context.as_of)
    for check in checks:
        change = before[check.metric, Scope(check.scope), check.name]
        worse = change.before is None or abs(check.value) > abs(change.before)
        yield Judged(change.rule, check, worse)


def exposure_changes(order: Order, context: ControlContext) -> Iterator[Change]:
    """Yield gross, net, largest position and beta of every book, and the concentrations."""
    unit = context.value_of_one(order.symbol)
    if unit is None:
        return  # Layer 3 refuses it.
    own = (
        float(context.worst_position(order.symbol) * unit),
        float(context.worst_position(order.symbol, order) * unit),
    )
    others = _other_values(order, context)
    for scope, name in _books(order):
        beside = context.beside.get(scope, _NOTHING)
        equity = float(context.equity) + beside.equity
        if equity > 0 and any(context.risk_limits.limits(metric, scope) for metric in _EXPOSURE):
            values = _merged(others, beside, order.symbol)
            yield from _of_book(order, context, (scope, name), (values, own, equity))
    yield from _concentrations(order, context, others, own)


def risk_changes(order: Order, context: ControlContext) -> Iterator[Change]:
    """Yield drawdown, daily loss, VaR, ES, worst stress and days to liquidate of every book."""
    known: dict[int, tuple[RiskFigures, RiskFigures]] = {}  # Mostly the books share one view.
    for scope, name in _books(order):
        beside = context.beside.get(scope, _NOTHING)
        equity = float(context.equity) + beside.equity
        if equity <= 0:
            continue
        lost = -(float(context.daily_pnl) + beside.daily_pnl) / equity
        drawdown = context.drawdown if beside.drawdown is None else beside.drawdown
        found: list[tuple[str, float, float | None]] = [
            ("drawdown", drawdown, None),
            ("daily_loss", max(lost, 0.0), None),
        ]
        risk = context.risk if beside is _NOTHING else beside.risk
        if risk is not None and any(context.risk_limits.limits(m, scope) for m in _OF_VIEW):
            if id(risk) not in known:
                known[id(risk)] = _before_and_after(order, context, risk)
            found += _of_equity(*known[id(risk)], equity)
        for metric, after, before in found:
            if context.risk_limits.limits(metric, scope):
                yield Change(_RISK[metric], Observation(metric, scope, name, after), before)


def unmeasured(order: Order, context: ControlContext) -> bool:
    """Return whether a limit on risk binds the order, and the risk of its symbol is not known."""
    risk = context.risk
    return (
        risk is not None
        and not risk.covers(order.symbol)
        and any(
            context.risk_limits.limits(metric, scope)
            for metric in _OF_VIEW
            for scope, _ in _books(order)
        )
    )


def _before_and_after(
    order: Order, context: ControlContext, risk: RiskView
) -> tuple[RiskFigures, RiskFigures]:
    """Return the risk without and with the order, working orders at their worst."""
    held = context.worst_position(order.symbol)
    change = float(context.worst_position(order.symbol, order) - held)
    now = risk.figures()
    return now, risk.figures_after(order.symbol, change) if change else now


def _of_equity(
    now: RiskFigures, then: RiskFigures, equity: float
) -> Iterator[tuple[str, float, float | None]]:
    """Yield each metric that the figures know, after the order and before."""
    more = max(then.value_at_risk - now.value_at_risk, 0.0)
    yield "value_at_risk_99", then.value_at_risk / equity, now.value_at_risk / equity
    yield "incremental_value_at_risk_99", more / equity, 0.0
    for metric, (name, is_fraction) in _FIGURES.items():
        before, after = getattr(now, name), getattr(then, name)
        if before is not None and after is not None:
            unit = equity if is_fraction else 1.0
            yield metric, max(after, 0.0) / unit, max(before, 0.0) / unit


# Metric, the figure of a view behind it, and whether it is a fraction of equity.
_FIGURES: Final = {
    "expected_shortfall_975": ("expected_shortfall", True),
    "worst_stress_loss": ("worst_stress_loss", True),
    "days_to_liquidate": ("days_to_liquidate", False),
}
_OF_VIEW: Final = ("value_at_risk_99", "incremental_value_at_risk_99", *_FIGURES)


def _books(order: Order) -> tuple[tuple[Scope, str], ...]:
    book = order.book
    return (
        (Scope.STRATEGY, book.strategy),
        (Scope.PORTFOLIO, book.portfolio),
        (Scope.ACCOUNT, book.account),
        (Scope.FUND, book.fund),
    )


def _other_values(order: Order, context: ControlContext) -> dict[str, float]:
    """Return the worst value of each symbol of the book, but the order's own."""
    values = {}
    for symbol in {*context.positions, *context.working} - {order.symbol}:
        unit = context.value_of_one(symbol)
        if unit is not None:  # Layer 7 refuses a holding without a price.
            values[symbol] = float(context.worst_position(symbol) * unit)
    return values


def _merged(others: dict[str, float], beside: Beside, symbol: str) -> dict[str, float]:
    """Return the values of the wider book; the order's symbol holds what others have of it."""
    merged = dict(others)
    for name, value in beside.values.items():
        merged[name] = merged.get(name, 0.0) + value
    merged.setdefault(symbol, 0.0)
    return merged


def _of_book(
    order: Order,
    context: ControlContext,
    book: tuple[Scope, str],
    state: tuple[dict[str, float], tuple[float, float], float],
) -> Iterator[Change]:
    values, own, equity = state
    elsewhere = values[order.symbol]
    rest = [value for symbol, value in values.items() if symbol != order.symbol]
    gross, net = sum(map(abs, rest)), sum(rest)
    betas = context.betas
    held = (elsewhere + own[0], elsewhere + own[1])
    pull = sum(betas.get(symbol, 0.0) * v for symbol, v in values.items() if symbol != order.symbol)
    sizes = {
        "largest_position": held,
        "gross_leverage": (gross + abs(held[0]), gross + abs(held[1])),
        "net_leverage": (net + held[0], net + held[1]),
    }
    if betas:
        beta = betas.get(order.symbol, 0.0)
        sizes["beta"] = (pull + beta * held[0], pull + beta * held[1])
    for metric, (before, after) in sizes.items():
        if context.risk_limits.limits(metric, book[0]):
            observation = Observation(metric, *book, after / equity)
            yield Change(_EXPOSURE[metric], observation, before / equity)
    if context.risk_limits.limits("hhi", book[0]):
        squares = sum(value * value for value in rest)
        shares = [_hhi(squares, gross, size) for size in held]
        yield Change(_EXPOSURE["hhi"], Observation("hhi", *book, shares[1]), shares[0])


def _hhi(squares: float, gross: float, one: float) -> float:
    """Return the Herfindahl index of shares of gross exposure, 0 for an empty book."""
    whole = gross + abs(one)
    return (squares + one * one) / whole**2 if whole else 0.0


def _concentrations(
    order: Order, context: ControlContext, others: dict[str, float], own: tuple[float, float]
) -> Iterator[Change]:
    """Yield the weights of symbol and sector in the portfolio, and its pull on the factor."""
    beside = context.beside.get(Scope.PORTFOLIO, _NOTHING)
    equity = float(context.equity) + beside.equity
    if equity <= 0:
        return
    values = _merged(others, beside, order.symbol)
    sums: list[tuple[str, str, Scope, str, float, float]] = [
        ("EXPOSURE_ABOVE_CONCENTRATION", "weight", Scope.SYMBOL, order.symbol,
         values[order.symbol], 1.0)
    ]  # fmt: skip
    sector = context.sectors.get(order.symbol)
    if sector is not None:
        total = sum(v for symbol, v in values.items() if context.sectors.get(symbol) == sector)
        sums.append(("EXPOSURE_ABOVE_CONCENTRATION", "weight", Scope.SECTOR, sector, total, 1.0))
    if context.betas:
        betas = context.betas
        total = sum(betas.get(symbol, 0.0) * v for symbol, v in values.items())
        sums.append(
            ("EXPOSURE_ABOVE_FACTOR", "exposure", Scope.FACTOR, MARKET, total,
             betas.get(order.symbol, 0.0))
        )  # fmt: skip
    for rule, metric, scope, name, rest, loading in sums:
        if context.risk_limits.limits(metric, scope):
            after = (rest + loading * own[1]) / equity
            before = (rest + loading * own[0]) / equity
            yield Change(rule, Observation(metric, scope, name, after), before)
