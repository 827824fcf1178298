"""What the limits observe of a live book: the metrics of the nightly profile, read in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.exposure import Exposure, exposure_of
from risk.limits import Observation, Scope
from risk.live import CONFIDENCES, LiveBook
from risk.profile import BookMeasures, PositionRisk, TailEstimate
from risk.shocks import MarketState
from risk.stress import StressResult, StressScenario, days_to_liquidate
from services.night_market import NightMarket
from services.risk_judgement import observations
from services.risk_measures import HEADLINE_METHOD
from services.risk_scopes import MARKET, PART_METRICS

# Scopes that hold all of a portfolio, by kind and name.
Whole = Sequence[tuple[Scope, str]]


@dataclass(frozen=True, slots=True)
class Observed:
    """One book, seen by the limits.

    Attributes
    ----------
    tails : (list of float, list of float)
        Historical value at risk and expected shortfall over CONFIDENCES.
    stresses : mapping of scenario to loss
    observed : list of Observation
        What limits may bind.
    """

    exposure: Exposure
    tails: tuple[list[float], list[float]]
    stresses: dict[str, float]
    observed: list[Observation]


def observe(
    book: LiveBook,
    values: Mapping[str, float],
    market: NightMarket,
    *,
    portfolio: str,
    equity: float,
    drawdown: float,
) -> Observed:
    """Return what the limits see of `values`, of which `book` has those with scenarios.

    Raises
    ------
    InvalidInputError
        If equity is not positive.
    """
    symbols = sorted(symbol for symbol, value in values.items() if value)
    amounts = np.array([values[symbol] for symbol in symbols])
    exposure = exposure_of(symbols, amounts, equity=equity, sectors=market.sectors)
    # Plus zero: an empty book loses nothing, not minus nothing.
    value, shortfall = ((tail + 0.0).tolist() for tail in book.headline())
    stresses = book.stress_losses()
    observed = observations(
        portfolio,
        exposure,
        _single_numbers(book, market.state, equity, drawdown),
        _tails(value, shortfall, equity),
        [_stress(s, stresses[s.name], equity) for s in market.scenarios if s.is_ready],
        [_position(s, v, equity) for s, v in zip(symbols, amounts.tolist(), strict=True)],
    )
    return Observed(exposure, (value, shortfall), stresses, observed)


def in_scopes(observed: Sequence[Observation], whole: Whole) -> list[Observation]:
    """Return what is observed, with what fund, account and market factor see of the same book."""
    found = list(observed)
    sizes = [abs(o.value) for o in observed if o.scope is Scope.SYMBOL]
    seen = {o.metric: o.value for o in observed if o.scope is Scope.PORTFOLIO}
    seen["largest_position"] = max(sizes, default=0.0)
    for scope, name in whole:
        found += [Observation(m, scope, name, seen[m]) for m in PART_METRICS if m in seen]
    found.append(Observation("exposure", Scope.FACTOR, MARKET, seen["beta"]))
    return found


def worse(held: Sequence[Observation], reach: Sequence[Observation]) -> list[Observation]:
    """Return each observation at the larger of its two sizes."""
    found = {(o.metric, o.scope, o.name): o for o in held}
    for other in reach:
        key = (other.metric, other.scope, other.name)
        if key not in found or abs(other.value) > abs(found[key].value):
            found[key] = other
    return list(found.values())


def _single_numbers(
    book: LiveBook, state: MarketState, equity: float, drawdown: float
) -> BookMeasures:
    exposures = book.exposures
    days = days_to_liquidate(exposures, state.daily_notional)
    return BookMeasures(
        **dict.fromkeys(_NIGHTLY),
        beta=float(exposures @ state.market_betas) / equity,
        longest_days_to_liquidate=float(np.nanmax(days)) if np.isfinite(days).any() else None,
        drawdown=drawdown,
        max_drawdown=drawdown,
        liquidation_cost=0.0,
        spread_cost=0.0,
    )


_NIGHTLY = (
    "shrunk_beta",
    "downside_beta",
    "volatility",
    "average_correlation",
    "absorption_ratio",
    "correlation_break_p",
    "effective_bets",
    "liquidity_adjusted_var",
    "breach_probability",
)


def _tails(
    value: Sequence[float], shortfall: Sequence[float], equity: float
) -> tuple[TailEstimate, ...]:
    return tuple(
        TailEstimate(
            method=HEADLINE_METHOD,
            confidence=confidence,
            horizon_days=1,
            value_at_risk=v,
            expected_shortfall=s,
            var_fraction=v / equity,
            es_fraction=s / equity,
            quantile_rule="acerbi_tasche",
        )
        for confidence, v, s in zip(CONFIDENCES, value, shortfall, strict=True)
    )


def _stress(scenario: StressScenario, loss: float, equity: float) -> StressResult:
    return StressResult(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        basis=scenario.basis,
        loss=loss,
        loss_fraction=loss / equity,
        contributions={},
        limited=scenario.is_limited,
    )


def _position(symbol: str, value: float, equity: float) -> PositionRisk:
    return PositionRisk(
        symbol=symbol, sector="", quantity=0.0, market_value=value, weight=value / equity,
        component_var=None, component_es=None, marginal_var=None, incremental_var=None,
        beta=None, days_to_liquidate=None,
    )  # fmt: skip
