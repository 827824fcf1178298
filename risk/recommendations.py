"""What would bring each breached limit back: one computed action a limit.

These are single moves, each solved for its own limit on the linear book; the cheapest set of
trades that restores all limits together is `strategy.remediation`.
"""

from collections.abc import Sequence

from risk.limits import LimitCheck, LimitState, Scope
from risk.profile import PositionRisk


def recommend(
    checks: Sequence[LimitCheck], positions: Sequence[PositionRisk], *, equity: float
) -> tuple[str, ...]:
    """Return one sentence a limit that is past its warning, worst first."""
    lines = []
    for check in checks:
        if check.state is LimitState.OK:
            continue
        lines.append(_action(check, positions, equity))
    return tuple(lines) or ("No limit is past its warning: no action is needed.",)


def _action(check: LimitCheck, positions: Sequence[PositionRisk], equity: float) -> str:
    excess = abs(check.value) - check.warn
    state = f"{check.metric} of {check.name} is {abs(check.value):.4g} ({check.state.value}"
    state += f", warning at {check.warn:.4g}, hard limit {check.hard:.4g})"
    if check.scope == Scope.SYMBOL.value:
        held = next((p for p in positions if p.symbol == check.name), None)
        if held is not None and held.market_value:
            units = excess * equity / abs(held.market_value / held.quantity)
            verb = "Sell" if held.quantity > 0 else "Buy back"
            return f"{verb} {units:,.0f} of {check.name} to return to the warning level: {state}."
    if check.scope == Scope.SECTOR.value:
        return f"Reduce {check.name} by {excess * equity:,.0f} in market value: {state}."
    if check.metric == "drawdown":
        return f"Hold new risk back until the drawdown recovers: {state}."
    if check.metric in {"value_at_risk_99", "expected_shortfall_975", "worst_stress_loss"}:
        share = 1.0 - check.warn / abs(check.value)
        most = max(positions, key=lambda p: p.component_var or 0.0, default=None)
        first = f", {most.symbol} first (its largest component)" if most else ""
        return f"Scale the book down by {share:.1%}{first}: {state}."
    share = 1.0 - check.warn / abs(check.value)
    return f"Scale the book down by {share:.1%}: {state}."
