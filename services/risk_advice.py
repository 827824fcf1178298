"""The profile of a book with the solved trades that restore its limits, where it is in breach."""

from dataclasses import replace

from basics.errors import MissingDataError, RefusedError
from market.liquidity import ALMGREN_2005, ImpactModel
from risk.profile import Advice, AdvisedTrade, RiskProfile
from services.remediation import RemedyReport, remedy_for
from services.risk import RiskService
from services.risk_inputs import RiskInputs


def advised_profile(
    inputs: RiskInputs, *, risk: RiskService, impact: ImpactModel = ALMGREN_2005
) -> RiskProfile:
    """Return the profile of a book; in breach, with the cheapest trades that restore its limits.

    The single moves of `risk.recommendations` stay behind the solved list: they say what each
    limit would ask for alone. Where no remedy can be solved a note says why.
    """
    profile = risk.profile(inputs)
    if not any(check.breached for check in profile.limits):
        return profile
    try:
        remedy = remedy_for(
            inputs,
            limits=risk.limits,
            scenarios=risk.scenarios,
            impact=impact,
            lookback=risk.lookback,
        )
    except (MissingDataError, RefusedError) as error:
        return replace(profile, notes=(*profile.notes, f"No remedy was solved: {error}"))
    if not remedy.trades:
        return profile
    return replace(
        profile,
        advice=Advice(
            trades=tuple(
                AdvisedTrade(t.symbol, t.quantity, t.value, t.expected_cost) for t in remedy.trades
            ),
            expected_cost=remedy.expected_cost,
            after=remedy.after,
            not_solved=remedy.not_solved,
        ),
        recommendations=(_summary(remedy, profile.currency), *profile.recommendations),
    )


def _summary(remedy: RemedyReport, currency: str) -> str:
    trades = "; ".join(
        f"{'buy' if t.quantity > 0 else 'sell'} {abs(t.quantity):,.0f} of {t.symbol}"
        for t in remedy.trades
    )
    broken, left = (sum(c.breached for c in checks) for checks in (remedy.before, remedy.after))
    return (
        f"Solved together, {len(remedy.trades)} trades at an expected cost of "
        f"{remedy.expected_cost:,.0f} {currency} take the breaches from {broken} to {left}: "
        f"{trades}."
    )
