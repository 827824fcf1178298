"""Measure one book: its state of the market, its positions, its single numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.correlation import absorption_ratio, average_correlation, correlation_break
from measures.covariance import correlation_of, sample_covariance
from measures.drawdown import calmar_ratio, conditional_drawdown_at_risk, drawdown_at_risk
from measures.performance import sharpe_ratio, sortino_ratio
from risk.book import Book
from risk.decomposition import (
    NormalComponents,
    incremental,
    shortfall_components,
)
from risk.estimators import MIN_OBSERVATIONS
from risk.evidence import HEADLINE
from risk.exposure import Exposure, downside_beta, effective_bets, exposure_of, shrunk_betas
from risk.market_state import RateBetas, estimate_rate_betas, estimate_state
from risk.pricing import position_pnl
from risk.profile import BookMeasures, PositionRisk, TailEstimate
from risk.scenarios import historical
from risk.shocks import MarketState
from risk.stress import days_to_liquidate, liquidation_cost
from services.risk_factors import factor_betas
from services.risk_inputs import RiskInputs

SESSIONS_A_YEAR = 252
# The estimator behind the limits and the chart: its rule is the plainest, so that a control
# before a trade and the nightly report can never differ by a fitted parameter.
HEADLINE_METHOD = "historical"
RATE_SERIES = "AAA"
_RECENT_SESSIONS = 126
# A ratio of a shorter life is noise.
_MIN_LIFE = 20
_POSITION_NUMBERS = (
    "component_var",
    "component_es",
    "marginal_var",
    "incremental_var",
    "beta",
    "days_to_liquidate",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBook:
    """What was learnt of a book on the way to its profile.

    Attributes
    ----------
    market : ndarray of shape (n_sessions,)
        Benchmark returns on the book's sessions.
    pnl : ndarray of shape (n_sessions,)
        What today's book would have made on each session.
    """

    book: Book
    equity: float
    market: FloatArray
    state: MarketState
    rates: RateBetas | None
    pnl: FloatArray


def is_measurable(book: Book) -> bool:
    """Return whether anything is held with history enough for an estimate."""
    return bool(book.symbols) and book.returns.shape[1] >= MIN_OBSERVATIONS


def measure_book(inputs: RiskInputs, book: Book, equity: float) -> MeasuredBook:
    """Estimate the market state of a measurable book."""
    market = _market_returns(inputs, book)
    rates = _rate_betas(inputs, book)
    state = estimate_state(
        book.symbols,
        book.returns,
        market=market,
        rates=rates,
        daily_notional=inputs.daily_notional,
    )
    state = replace(state, factor_betas=factor_betas(inputs.factors, book))
    return MeasuredBook(
        book=book,
        equity=equity,
        market=market,
        state=state,
        rates=rates,
        pnl=book.exposures @ book.returns,
    )


def _market_returns(inputs: RiskInputs, book: Book) -> FloatArray:
    """Return the benchmark on the book's sessions; the equally weighted universe by default."""
    if inputs.benchmark is None:
        close = inputs.prices["close"][:, -len(book.sessions) - 1 :]
        with np.errstate(invalid="ignore", divide="ignore"):
            returns = close[:, 1:] / close[:, :-1] - 1.0
        known = np.isfinite(returns)
        mean: FloatArray = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(
            known.sum(axis=0), 1
        )
        return mean
    by_session = dict(
        zip(inputs.benchmark.sessions.tolist(), inputs.benchmark.values.tolist(), strict=True)
    )
    return np.array([by_session.get(day, 0.0) for day in book.sessions.tolist()])


def _rate_betas(inputs: RiskInputs, book: Book) -> RateBetas | None:
    if RATE_SERIES not in inputs.yields:
        return None
    series = inputs.yields[RATE_SERIES]
    rows = [inputs.prices.symbols.index(symbol) for symbol in book.symbols]
    try:
        return estimate_rate_betas(
            inputs.prices["close"][rows], inputs.prices.sessions, series.sessions, series.values
        )
    except MissingDataError:
        return None


def exposure_of_holdings(inputs: RiskInputs, equity: float) -> Exposure:
    """Measure sizes over every holding with a value, measurable or not."""
    valued = sorted(s for s, h in inputs.holdings.items() if np.isfinite(h.market_value))
    values = np.array([inputs.holdings[s].market_value for s in valued], dtype=np.float64)
    return exposure_of(valued, values, equity=equity, sectors=inputs.sectors)


def positions_of(
    inputs: RiskInputs, measured: MeasuredBook | None, components: NormalComponents, equity: float
) -> tuple[PositionRisk, ...]:
    """Return every holding, the largest component first, the unmeasured last."""
    rows = {} if measured is None else _position_numbers(measured, components)
    positions = []
    for symbol in sorted(inputs.holdings):
        holding = inputs.holdings[symbol]
        if holding.quantity == 0:
            continue
        value = holding.market_value if np.isfinite(holding.market_value) else 0.0
        numbers = rows.get(symbol, dict.fromkeys(_POSITION_NUMBERS))
        positions.append(
            PositionRisk(
                symbol=symbol,
                sector=inputs.sectors.get(symbol, "unclassified"),
                quantity=float(holding.quantity),
                market_value=float(value),
                weight=float(value) / equity,
                **numbers,
            )
        )
    return tuple(sorted(positions, key=lambda p: (-(p.component_var or -np.inf), p.symbol)))


def _position_numbers(
    measured: MeasuredBook, components: NormalComponents
) -> dict[str, dict[str, float | None]]:
    book, state = measured.book, measured.state
    pnl = position_pnl(book.exposures, historical(book.symbols, book.returns))
    tail_parts = shortfall_components(pnl, confidence=HEADLINE)
    value_without, _ = incremental(pnl, confidence=HEADLINE)
    days = days_to_liquidate(book.exposures, state.daily_notional)
    columns = (
        components.component,
        tail_parts,
        components.marginal,
        value_without,
        state.market_betas,
        days,
    )
    return {
        symbol: {
            name: float(column[row]) if np.isfinite(column[row]) else None
            for name, column in zip(_POSITION_NUMBERS, columns, strict=True)
        }
        for row, symbol in enumerate(book.symbols)
    }


def single_numbers(
    inputs: RiskInputs, measured: MeasuredBook | None, tails: tuple[TailEstimate, ...]
) -> BookMeasures:
    """Return the single numbers of a book; most are None for one that cannot be measured."""
    wealth = inputs.equity.values
    falls = 1.0 - wealth / np.maximum.accumulate(wealth)
    drawdown, deepest = float(falls[-1]), float(falls.max())
    if measured is None:
        return BookMeasures(
            **dict.fromkeys(_UNMEASURED),
            drawdown=drawdown,
            max_drawdown=deepest,
            liquidation_cost=0.0,
            spread_cost=0.0,
            **_own_life(wealth),
        )
    book, state = measured.book, measured.state
    correlation, _ = correlation_of(sample_covariance(book.returns))
    weights = book.exposures / measured.equity
    cost = float(liquidation_cost(state, book.exposures).sum())
    headline = tail_of(tails, HEADLINE_METHOD, HEADLINE)
    days = days_to_liquidate(book.exposures, state.daily_notional)
    several = len(book.symbols) > 1
    return BookMeasures(
        beta=float(weights @ state.market_betas),
        shrunk_beta=float(weights @ shrunk_betas(state.market_betas)),
        downside_beta=_known(
            lambda: downside_beta(measured.pnl / measured.equity, measured.market)
        ),
        drawdown=drawdown,
        max_drawdown=deepest,
        volatility=float(measured.pnl.std(ddof=1)) / measured.equity * SESSIONS_A_YEAR**0.5,
        average_correlation=average_correlation(correlation) if several else None,
        absorption_ratio=_absorption(state.covariance) if several else None,
        correlation_break_p=_break_p(book.returns) if several else None,
        effective_bets=effective_bets(book.exposures, state.covariance),
        liquidation_cost=cost,
        liquidity_adjusted_var=None if headline is None else headline.value_at_risk + cost,
        longest_days_to_liquidate=float(np.nanmax(days)) if np.isfinite(days).any() else None,
        breach_probability=None,
        spread_cost=float(np.abs(book.exposures) @ state.half_spreads),
        **_own_life(wealth),
    )


def _known(measure: Callable[[], float]) -> float | None:
    """Return a number, None where nothing moves that it could be measured by."""
    try:
        return measure()
    except MissingDataError:
        return None


def _own_life(wealth: FloatArray) -> dict[str, Any]:
    """Return the ratios and drawdowns of the book's own equity, None for too short a life."""
    if len(wealth) <= _MIN_LIFE or not (wealth > 0).all():
        return {}
    returns = wealth[1:] / wealth[:-1] - 1.0
    numbers = {
        "sharpe": sharpe_ratio(returns),
        "sortino": sortino_ratio(returns),
        "calmar": calmar_ratio(returns),
        "drawdown_at_risk": drawdown_at_risk(returns),
        "conditional_drawdown_at_risk": conditional_drawdown_at_risk(returns),
    }
    return {name: float(n) if np.isfinite(n) else None for name, n in numbers.items()}


def tail_of(tails: tuple[TailEstimate, ...], method: str, confidence: float) -> TailEstimate | None:
    """Return the one-day estimate of a method at a confidence, None if there is none."""
    return next(
        (
            t
            for t in tails
            if t.method == method and t.confidence == confidence and t.horizon_days == 1
        ),
        None,
    )


_UNMEASURED = (
    "beta",
    "shrunk_beta",
    "downside_beta",
    "volatility",
    "average_correlation",
    "absorption_ratio",
    "correlation_break_p",
    "effective_bets",
    "liquidity_adjusted_var",
    "longest_days_to_liquidate",
    "breach_probability",
)


def _absorption(covariance: FloatArray) -> float | None:
    try:
        return absorption_ratio(covariance)
    except MissingDataError:  # Nothing held ever moved.
        return None


def _break_p(returns: FloatArray) -> float | None:
    """Test the last half year's correlations against those before."""
    recent, before = returns[:, -_RECENT_SESSIONS:], returns[:, :-_RECENT_SESSIONS]
    try:
        _, p_value = correlation_break(
            correlation_of(sample_covariance(before))[0],
            correlation_of(sample_covariance(recent))[0],
            n_before=before.shape[1],
            n_after=recent.shape[1],
        )
    except (MissingDataError, np.linalg.LinAlgError):
        return None
    return p_value
