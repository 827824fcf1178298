"""The full risk profile of a live book: every measure that the night's estimates allow at once.

Cheap figures follow every event (`services.live_risk`); this is taken at an interval and says of
which state and moment it is. Estimates of the market (covariance, scenarios, sensitivities, the
score's calibration, which estimator was best) are the night's: only the book is of now. What
belongs to the night alone, such as backtests and correlation breaks, stays in its profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from risk.decomposition import incremental
from risk.evidence import HEADLINE, NO_EVIDENCE, tail_table
from risk.exposure import downside_beta, shrunk_betas
from risk.groups import GroupRisk, factor_risks, group_risks
from risk.live import LiveBook
from risk.profile import BookMeasures, PositionRisk, TailEstimate
from risk.score import Level
from risk.stress import StressResult, days_to_liquidate, liquidation_cost, run_stress
from services.night_market import NightMarket
from services.risk_breakdown import UNCLASSIFIED
from services.risk_found_stress import reverse_scenario
from services.risk_measures import HEADLINE_METHOD, SESSIONS_A_YEAR, tail_of

OF_THE_NIGHT = (
    "average_correlation",
    "absorption_ratio",
    "correlation_break_p",
    "effective_bets",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHoldings:
    """A book of now, by symbol.

    Attributes
    ----------
    values, quantities : mapping of str to float
        Signed market value, in the base currency, and quantity.
    strategies : mapping of strategy to mapping of symbol to float
        The same values, by who holds them.
    """

    values: Mapping[str, float]
    quantities: Mapping[str, float]
    strategies: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProfile:
    """Everything that is known of the risk of a live book at one moment.

    Attributes
    ----------
    as_of, sequence : datetime, int
        The moment, and the live state, that the numbers are of.
    market_of : date
        The night whose estimates of the market are used.
    evidence_of : date or None
        The night whose backtests say which estimator is best.
    measures : BookMeasures
        None where a number is of the night alone (`OF_THE_NIGHT`, ratios of the equity).
    left_out : tuple of str
        Held symbols that only exposures cover.
    """

    as_of: datetime
    sequence: int
    market_of: date
    evidence_of: date | None
    equity: float
    score: float
    level: Level
    level_reason: str
    measures: BookMeasures
    tails: tuple[TailEstimate, ...]
    positions: tuple[PositionRisk, ...]
    decomposition: tuple[GroupRisk, ...]
    stresses: tuple[StressResult, ...]
    left_out: tuple[str, ...]


def tails_of(book: LiveBook, market: NightMarket, equity: float) -> tuple[TailEstimate, ...]:
    """Return VaR and ES by every estimator of one book, marked by the night's backtests."""
    if not book.exposures.any():
        return ()
    verdict = market.verdict
    return tuple(
        tail
        if tail.horizon_days != 1
        else replace(
            tail,
            best=(tail.method, tail.confidence) in verdict.best,
            in_confidence_set=(tail.method, tail.confidence) in verdict.in_confidence_set,
        )
        for tail in tail_table(book.pnl, equity=equity, evidence=NO_EVIDENCE, laws=book.laws())
    )


def stresses_of(book: LiveBook, market: NightMarket, equity: float) -> tuple[StressResult, ...]:
    """Return every scenario: written down, replayed, and the likeliest that loses a given part."""
    if not book.exposures.any():
        return ()
    found = list(book.stress_results(equity=equity, notes=dict(market.notes)))
    for scenario in market.scenarios:
        if scenario.is_ready:
            continue
        try:
            ready, note = reverse_scenario(
                scenario, market.state.symbols, book.exposures, book.covariance, equity=equity
            )
        except MissingDataError:
            continue  # Nothing that moves can lose: left out, never shown as a loss of zero.
        found += run_stress(
            [ready], market.state, book.exposures, equity=equity, notes={scenario.name: note}
        )
    return tuple(found)


def measures_of(
    book: LiveBook,
    market: NightMarket,
    *,
    equity: float,
    drawdown: float,
    probability: float,
    tails: tuple[TailEstimate, ...],
) -> BookMeasures:
    """Return the single numbers of a book, those of the night alone as None."""
    state, exposures = market.state, book.exposures
    cost = float(liquidation_cost(state, exposures).sum())
    days = days_to_liquidate(exposures, state.daily_notional)
    headline = tail_of(tails, HEADLINE_METHOD, HEADLINE)
    try:
        down = downside_beta(book.pnl / equity, market.benchmark)
    except MissingDataError:
        down = None
    return BookMeasures(
        **dict.fromkeys(OF_THE_NIGHT),
        beta=float(exposures @ state.market_betas) / equity,
        shrunk_beta=float(exposures @ shrunk_betas(state.market_betas)) / equity,
        downside_beta=down,
        drawdown=drawdown,
        max_drawdown=drawdown,
        volatility=float(book.pnl.std(ddof=1)) / equity * SESSIONS_A_YEAR**0.5,
        liquidation_cost=cost,
        liquidity_adjusted_var=None if headline is None else headline.value_at_risk + cost,
        longest_days_to_liquidate=float(np.nanmax(days)) if np.isfinite(days).any() else None,
        breach_probability=probability,
        spread_cost=float(np.abs(exposures) @ state.half_spreads),
    )


def positions_of(
    book: LiveBook, market: NightMarket, holdings: LiveHoldings, *, equity: float
) -> tuple[PositionRisk, ...]:
    """Return every holding with its share of the risk, the largest first, the unmeasured last."""
    state, exposures = market.state, book.exposures
    rows = np.flatnonzero(exposures)
    numbers: dict[str, dict[str, float | None]] = {}
    if rows.size:
        pnl = exposures[rows, None] * market.returns[rows]
        components = book.normal_components()[rows]
        columns = {
            "component_var": components,
            "component_es": book.shortfall_components()[rows],
            "marginal_var": components / exposures[rows],
            "incremental_var": incremental(pnl, confidence=HEADLINE)[0],
            "beta": state.market_betas[rows],
            "days_to_liquidate": days_to_liquidate(exposures[rows], state.daily_notional[rows]),
        }
        numbers = {
            state.symbols[row]: {
                name: float(column[i]) if np.isfinite(column[i]) else None
                for name, column in columns.items()
            }
            for i, row in enumerate(rows)
        }
    found = [
        PositionRisk(
            symbol=symbol,
            sector=market.sectors.get(symbol, UNCLASSIFIED),
            quantity=holdings.quantities.get(symbol, 0.0),
            market_value=value,
            weight=value / equity,
            **numbers.get(symbol, _UNMEASURED),
        )
        for symbol, value in sorted(holdings.values.items())
        if value
    ]
    return tuple(sorted(found, key=lambda p: (-(p.component_var or -np.inf), p.symbol)))


_UNMEASURED: dict[str, float | None] = dict.fromkeys(
    (
        "component_var",
        "component_es",
        "marginal_var",
        "incremental_var",
        "beta",
        "days_to_liquidate",
    )
)


def decomposition_of(
    book: LiveBook, market: NightMarket, holdings: LiveHoldings
) -> tuple[GroupRisk, ...]:
    """Split the risk by strategy, sector and factor."""
    exposures, symbols = book.exposures, market.state.symbols
    if not exposures.any():
        return ()
    held = np.flatnonzero(exposures)
    returns = market.returns[held]
    covariance = book.covariance[np.ix_(held, held)]
    names = np.array([market.sectors.get(symbols[row], UNCLASSIFIED) for row in held])
    groups: dict[str, dict[str, FloatArray]] = {
        "strategy": {
            name: np.array([values.get(symbols[row], 0.0) for row in held])
            for name, values in sorted(holdings.strategies.items())
        },
        "sector": {
            str(name): np.where(names == name, exposures[held], 0.0) for name in np.unique(names)
        },
    }
    rows: tuple[GroupRisk, ...] = ()
    for by, parts in groups.items():
        if parts:
            rows += group_risks(
                by, parts, covariance=covariance, returns=returns, confidence=HEADLINE
            )
    if not market.factors:
        return rows
    try:
        return rows + factor_risks(
            book.pnl,
            market.factors,
            value_at_risk=float(book.normal_components().sum()),
            confidence=HEADLINE,
        )
    except MissingDataError:  # A split that the data cannot carry is not shown.
        return rows
