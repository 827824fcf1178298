"""From a book in breach to the cheapest trades that bring it back, judged by the register itself.

The limits that a programme can state (tail risk, gross, net, beta, factor exposures, weights,
linear and tail stresses, days to liquidate) are restored together by `strategy.remediation`; then
the book is profiled again as it would stand, so that before and after come from the one evaluator
of limits. A drawdown is history, and a liquidation stress is not convex in the trades: both are
told, not solved.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from market.liquidity import ImpactModel
from risk.book import Book, Holding, align_book
from risk.limits import Limit, LimitCheck, Scope
from risk.shocks import MarketState
from risk.stress import PARTICIPATION_CAP, TAIL_CONFIDENCE, Basis, StressScenario
from services.risk_breakdown import UNCLASSIFIED
from services.risk_inputs import RiskInputs
from services.risk_measures import is_measurable, measure_book
from services.risk_profile import compute_profile
from services.risk_scopes import MARKET
from strategy.remediation import BookToRemedy, RemedyTrade, remediate
from strategy.restrictions import (
    DeviationRestriction,
    GrossRestriction,
    NetRestriction,
    Restriction,
    StressRestriction,
    TailRestriction,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyReport:
    """What to trade, what it costs, and every limit before and after.

    Attributes
    ----------
    trades : tuple of RemedyTrade
        Largest value first; empty when no solvable limit is breached.
    expected_cost : float
        In the currency of the book.
    before, after : tuple of LimitCheck
        As the register judges the book now and after the trades.
    not_solved : tuple of str
        Breached limits that no trade of this programme addresses.
    """

    trades: tuple[RemedyTrade, ...]
    expected_cost: float
    before: tuple[LimitCheck, ...]
    after: tuple[LimitCheck, ...]
    not_solved: tuple[str, ...]


def remedy_for(
    inputs: RiskInputs,
    *,
    limits: Sequence[Limit],
    scenarios: Sequence[StressScenario],
    impact: ImpactModel,
    lookback: int,
    reduce_only: bool = True,
) -> RemedyReport:
    """Return the cheapest trades that bring every solvable metric below its soft threshold.

    Raises
    ------
    MissingDataError
        If nothing in the book can be measured, or a held symbol's volume is unknown.
    RefusedError
        If no trades restore all limits at once.
    """
    before = _checks(inputs, limits, scenarios, lookback)
    equity = float(inputs.equity.values[-1])
    book = align_book(inputs.holdings, inputs.prices, lookback=lookback)
    if not is_measurable(book):
        raise MissingDataError(f"{inputs.scope}: nothing held can be measured: load its prices")
    state = measure_book(inputs, book, equity).state
    # What the policy does not hold against the limit binds no trade; a replay that it does is
    # judged after the trades, for it is found from the book that they leave.
    given = [scenario for scenario in scenarios if scenario.is_given and scenario.is_limited]
    restrictions = _restrictions(before, book, state, given, inputs.sectors, equity)
    remedy = remediate(
        _to_remedy(book, state, equity), restrictions, impact=impact, reduce_only=reduce_only
    )
    traded = {trade.symbol: trade for trade in remedy.trades}
    after = _checks(_traded(inputs, traded), limits, scenarios, lookback)
    return RemedyReport(
        trades=remedy.trades,
        expected_cost=remedy.expected_cost,
        before=before,
        after=after,
        not_solved=tuple(f"{c.metric} of {c.name}" for c in after if c.breached),
    )


def scaled(limits: Sequence[Limit], scale: float) -> tuple[Limit, ...]:
    """Return the limits with every threshold multiplied by `scale`, overrides dropped if not 1."""
    if not 0 < scale < math.inf:
        raise InvalidInputError(f"limits can be scaled by a positive number, got {scale}")
    if scale == 1:
        return tuple(limits)
    deepest = max((limit.hard for limit in limits if limit.metric == "drawdown"), default=0.0)
    if deepest * scale >= 1:
        raise InvalidInputError(
            f"a scale of {scale:g} would let the drawdown reach {deepest * scale:.0%}: take less "
            f"than {1 / deepest:g}"
        )
    return tuple(
        replace(
            limit,
            warn=limit.warn * scale,
            soft=limit.soft * scale,
            hard=limit.hard * scale,
            override=None,
        )
        for limit in limits
    )


def _checks(
    inputs: RiskInputs,
    limits: Sequence[Limit],
    scenarios: Sequence[StressScenario],
    lookback: int,
) -> tuple[LimitCheck, ...]:
    profile = compute_profile(inputs, limits=limits, scenarios=scenarios, lookback=lookback)
    return profile.limits


def _traded(inputs: RiskInputs, trades: Mapping[str, RemedyTrade]) -> RiskInputs:
    """Return the book as the trades leave it, each shared out to accounts by what they hold."""
    holdings = dict(inputs.holdings)
    left = {}
    for symbol, trade in trades.items():
        held = holdings[symbol]
        value = held.market_value + trade.value
        holdings[symbol] = Holding(held.quantity + trade.quantity, value)
        left[symbol] = value / held.market_value
    accounts = {
        account: {symbol: value * left.get(symbol, 1.0) for symbol, value in own.items()}
        for account, own in inputs.accounts.items()
    }
    return replace(inputs, holdings=holdings, accounts=accounts)


def _to_remedy(book: Book, state: MarketState, equity: float) -> BookToRemedy:
    unknown = [
        symbol
        for symbol, notional in zip(book.symbols, state.daily_notional, strict=True)
        if not notional > 0
    ]
    if unknown:
        raise MissingDataError(
            f"no traded volume is known for {', '.join(unknown)}: a remedy cannot be priced"
        )
    values = book.exposures / book.quantities
    return BookToRemedy(
        symbols=book.symbols,
        quantities=book.quantities,
        unit_values=values,
        daily_volumes=state.daily_notional / values,
        volatilities=state.volatilities,
        lots=np.ones(len(values)),
        equity=equity,
    )


def _restrictions(
    checks: Iterable[LimitCheck],
    book: Book,
    state: MarketState,
    scenarios: Sequence[StressScenario],
    sectors: Mapping[str, str],
    equity: float,
) -> list[Restriction]:
    """State every solvable limit of the register, at its soft threshold."""
    found: list[Restriction] = []
    for check in checks:
        name, bound = f"{check.metric} of {check.name}", check.soft
        rows = _net_rows(check, book, state, sectors)
        if rows:
            found += [NetRestriction(name=name, weights=row, bound=bound) for row in rows]
        elif check.metric == "gross_leverage":
            everything = np.ones(len(book.symbols))
            found.append(GrossRestriction(name=name, weights=everything, bound=bound))
        elif check.metric == "value_at_risk_99":
            found.append(_tail(name, book, 0.99, bound, shortfall=False))
        elif check.metric == "expected_shortfall_975":
            found.append(_tail(name, book, 0.975, bound, shortfall=True))
        elif check.metric == "worst_stress_loss":
            found += _stresses(scenarios, state, bound)
        elif check.metric == "days_to_liquidate":
            found += _liquidity(book, state, bound, equity)
    return found


def _net_rows(
    check: LimitCheck, book: Book, state: MarketState, sectors: Mapping[str, str]
) -> list[FloatArray]:
    """Return the weights of each net exposure that a limit bounds, none for any other limit."""
    single = list(np.eye(len(book.symbols)))
    if check.metric == "largest_position":
        return single
    if check.metric == "weight" and check.scope == Scope.SYMBOL.value:
        return [
            row for row, symbol in zip(single, book.symbols, strict=True) if symbol == check.name
        ]
    if check.metric == "weight":
        sector = [sectors.get(symbol, UNCLASSIFIED) for symbol in book.symbols]
        return [np.array([float(own == check.name) for own in sector])]
    factors = {**state.factor_betas, MARKET: state.market_betas}
    named = {
        "net_leverage": np.ones(len(book.symbols)),
        "beta": state.market_betas,
        "exposure": factors.get(check.name),
    }
    row = named.get(check.metric)
    return [] if row is None else [row]


def _tail(
    name: str, book: Book, confidence: float, bound: float, *, shortfall: bool
) -> TailRestriction:
    return TailRestriction(
        name=name,
        scenarios=np.ascontiguousarray(book.returns.T),
        confidence=confidence,
        bound=bound,
        shortfall=shortfall,
    )


def _stresses(
    scenarios: Sequence[StressScenario], state: MarketState, bound: float
) -> list[Restriction]:
    found: list[Restriction] = []
    for scenario in scenarios:
        after = scenario.shock.apply(state)
        if scenario.basis is Basis.TAIL_LOSS:
            quantile = NormalDist().inv_cdf(TAIL_CONFIDENCE)
            found.append(
                DeviationRestriction(
                    name=scenario.name,
                    covariance=after.covariance,
                    multiple=NormalDist().pdf(quantile) / (1 - TAIL_CONFIDENCE),
                    bound=bound,
                    mean=after.moves,
                )
            )
        elif scenario.basis is not Basis.LIQUIDATION:
            found.append(StressRestriction(name=scenario.name, returns=after.moves, bound=bound))
    return found


def _liquidity(book: Book, state: MarketState, days: float, equity: float) -> list[Restriction]:
    """Bound each position by what its volume lets go within `days` at the participation cap."""
    rows = np.eye(len(book.symbols))
    return [
        NetRestriction(
            name=f"days_to_liquidate {symbol}",
            weights=rows[n],
            bound=days * PARTICIPATION_CAP * float(notional) / equity,
        )
        for n, (symbol, notional) in enumerate(zip(book.symbols, state.daily_notional, strict=True))
        if notional > 0
    ]
