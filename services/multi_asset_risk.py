"""The risk of a book of every kind of instrument, as the same profile that a stock book has.

Every position is revalued in every scenario of the market's history: options and bonds in full,
everything at the scenario's own exchange rate. What follows reads the matrix of P&L as it reads
that of stocks. A position's exposure is what it moves with: its value, the notional of a future,
delta times the underlying of an option; its return is its P&L over that. One instrument that
cannot be priced is left out by name and hides nothing of the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from market.multi_asset import MarketMoves
from risk.book_shape import covariance_views, tail_shape
from risk.decomposition import NormalComponents, by_group, normal_components
from risk.evidence import (
    CONFIDENCES,
    HEADLINE,
    NO_EVIDENCE,
    Evidence,
    constant_book_evidence,
    forecast_chart,
    tail_table,
)
from risk.exposure import Exposure, exposure_of
from risk.groups import GroupRisk, factor_risks, group_risks
from risk.instruments import InstrumentRisk
from risk.limits import Limit, LimitCheck, evaluate, worst_state
from risk.profile import RiskProfile, TailEstimate
from risk.recommendations import recommend
from risk.score import UNCALIBRATED, Calibration, breach_probability
from risk.score_history import calibrated
from risk.sensitivities import instrument_risk
from risk.stress import StressScenario
from risk.verdict import verdict_of
from services.multi_asset_life import (
    JOINT_METHOD,
    JOINT_SCENARIOS,
    drawn_market,
    joint_pnl,
    lived_evidence,
    movement_of_life,
)
from services.multi_asset_stress import stresses_of
from services.multi_asset_valuation import (
    CASH,
    SIMULATED,
    MultiAssetInputs,
    ValuedBook,
    linear_inputs,
    measured_book,
    value_book,
)
from services.risk_judgement import drawdown_limit, observations
from services.risk_measures import (
    HEADLINE_METHOD,
    MeasuredBook,
    positions_of,
    single_numbers,
)
from services.risk_scopes import scope_observations

EQUITY_MARKET = "equity market"


def multi_asset_profile(
    inputs: MultiAssetInputs,
    *,
    limits: Sequence[Limit],
    scenarios: Sequence[StressScenario],
    lookback: int,
    rng: np.random.Generator,
) -> RiskProfile:
    """Compute the profile of one book.

    An empty book, one of which nothing can be priced, and one with too short a history have a
    profile too: what could not be measured is empty.

    Parameters
    ----------
    lookback : int
        Scenarios of history behind an estimate, at most.
    """
    valued = value_book(inputs, lookback=lookback)
    linear, measured = linear_inputs(inputs, valued), measured_book(inputs, valued)
    equity = float(inputs.equity.values[-1])
    evidence = NO_EVIDENCE
    tails: tuple[TailEstimate, ...] = ()
    components = NormalComponents(0.0, np.zeros(0), np.zeros(0))
    if measured is not None:
        evidence, tails = _tails(inputs, valued, measured, lookback, rng)
        components = normal_components(
            measured.book.exposures, measured.state.covariance, confidence=HEADLINE
        )
    stresses = () if measured is None else stresses_of(
        scenarios, measured, valued, pairs=inputs.pairs, observed=inputs.market != SIMULATED
    )  # fmt: skip
    exposure = _exposure(valued, equity)
    positions = positions_of(linear, measured, components, equity)
    measures = single_numbers(linear, measured, tails)
    decomposition = _decomposition(inputs, valued, measured, components)
    observed = observations(inputs.scope, exposure, measures, tails, stresses, positions)
    observed += scope_observations(
        linear,
        measured,
        [row for row in decomposition if row.name != EQUITY_MARKET],  # It is `market`, by betas.
        beside=[symbol for symbol, kind in valued.kinds.items() if kind == CASH],
    )
    checks = evaluate(limits, observed, as_of=inputs.snapshot.as_of)
    limit = drawdown_limit(inputs.scope, inputs.snapshot.as_of, limits)
    calibration, probability = _calibrated(measured, checks, limit, measures.drawdown)
    previous = inputs.previous.level if inputs.previous else None
    verdict = verdict_of(probability, checks, previous=previous)
    return RiskProfile(
        scope=inputs.scope,
        as_of=inputs.snapshot.as_of,
        currency=inputs.snapshot.base_currency,
        equity=equity,
        score=verdict.score,
        chance_score=verdict.chance_score,
        level=verdict.level,
        level_reason=verdict.reason,
        limit_state=worst_state(checks).value,
        exposure=exposure,
        measures=replace(measures, breach_probability=probability),
        tails=tails,
        backtests=tuple(test for run in evidence.runs for test in run.tests),
        backtest_basis=evidence.basis,
        forecast=forecast_chart(evidence, method=HEADLINE_METHOD),
        positions=positions,
        components_by_sector=by_group(
            valued.revalued.symbols, components.component, valued.kinds
        ) if measured else {},
        stresses=stresses,
        limits=checks,
        calibration=calibration,
        recommendations=recommend(checks, positions, equity=equity),
        decomposition=decomposition,
        tail_shape=None if measured is None else tail_shape(
            measured.pnl, measured.book.returns, measured.market
        ),
        covariances=() if measured is None else covariance_views(
            measured.book.exposures, measured.book.returns, equity=equity, confidence=HEADLINE
        ),
        instruments=_instruments(valued, measured),
        movement=None if measured is None else movement_of_life(inputs, lookback=lookback),
        left_out=valued.revalued.left_out,
        notes=_notes(inputs, valued, measured),
    )  # fmt: skip


def _tails(
    inputs: MultiAssetInputs,
    valued: ValuedBook,
    measured: MeasuredBook,
    lookback: int,
    rng: np.random.Generator,
) -> tuple[Evidence, tuple[TailEstimate, ...]]:
    """Return the tail by every method; the joint one draws the market and revalues the book."""
    law = joint_pnl(valued, drawn_market(valued, rng)).sum(axis=0)
    book = measured.book
    evidence = lived_evidence(inputs, lookback=lookback, rng=rng)
    if not evidence.runs:
        evidence = constant_book_evidence(
            book.exposures, book.returns, book.sessions, lookback=lookback, rng=rng
        )
    laws = {JOINT_METHOD: law}
    return evidence, tail_table(
        measured.pnl, equity=measured.equity, evidence=evidence, laws=laws
    )  # fmt: skip


def _exposure(valued: ValuedBook, equity: float) -> Exposure:
    """Measure sizes of what is invested; cash is none."""
    rows = [i for i, s in enumerate(valued.revalued.symbols) if valued.kinds[s] != CASH]
    symbols = [valued.revalued.symbols[i] for i in rows]
    return exposure_of(symbols, valued.exposures[rows], equity=equity, sectors=valued.kinds)


def _calibrated(
    measured: MeasuredBook | None, checks: Sequence[LimitCheck], limit: float, drawdown: float
) -> tuple[Calibration, float]:
    if measured is None:
        used = max((check.utilisation for check in checks), default=0.0)
        return UNCALIBRATED, breach_probability(float(drawdown >= limit), used, UNCALIBRATED)
    returns = measured.pnl / measured.equity
    return calibrated(returns, checks, limit=limit, drawdown=drawdown)


def _decomposition(
    inputs: MultiAssetInputs,
    valued: ValuedBook,
    measured: MeasuredBook | None,
    components: NormalComponents,
) -> tuple[GroupRisk, ...]:
    """Split the risk by strategy, kind of instrument, currency and market factor."""
    if measured is None:
        return ()
    symbols, exposures = measured.book.symbols, measured.book.exposures
    currencies = {s: valued.held[s].instrument.currency for s in symbols}
    rows: tuple[GroupRisk, ...] = ()
    for by, groups in (
        ("strategy", _strategies(inputs, valued)),
        ("sector", _masks(symbols, exposures, valued.kinds)),
        ("currency", _masks(symbols, exposures, currencies)),
    ):
        rows += group_risks(
            by, groups, covariance=measured.state.covariance, returns=measured.book.returns,
            confidence=HEADLINE,
        )  # fmt: skip
    try:
        return rows + factor_risks(
            measured.pnl,
            _factors(valued.moves, measured.market),
            value_at_risk=components.value_at_risk,
            confidence=HEADLINE,
        )
    except MissingDataError:  # A split that the data cannot carry is not shown.
        return rows


def _masks(
    symbols: Sequence[str], exposures: FloatArray, names: Mapping[str, str]
) -> dict[str, FloatArray]:
    of = np.array([names[symbol] for symbol in symbols])
    return {str(name): np.where(of == name, exposures, 0.0) for name in np.unique(of)}


def _strategies(inputs: MultiAssetInputs, valued: ValuedBook) -> dict[str, FloatArray]:
    """Return what each strategy holds of each exposure, pro rata to the quantity."""
    symbols = valued.revalued.symbols
    found = {}
    for strategy in sorted({*inputs.held, *inputs.cash}):
        own = {f"{CASH} {c}": amount for c, amount in inputs.cash.get(strategy, {}).items()}
        for position in inputs.held.get(strategy, ()):
            symbol = position.instrument.symbol
            own[symbol] = own.get(symbol, 0.0) + position.quantity
        shares = [own.get(s, 0.0) / valued.held[s].quantity for s in symbols]
        found[strategy] = np.array(shares) * valued.exposures
    return found


def _factors(moves: MarketMoves, market: FloatArray) -> dict[str, FloatArray]:
    """Return the market, each currency, the level of each curve and each volatility."""
    factors = {EQUITY_MARKET: market}
    factors |= {f"{name} rate of exchange": values for name, values in moves.fx.items()}
    factors |= {f"{name} level of rates": v.mean(axis=0) for name, v in moves.curves.items()}
    return factors | {f"volatility of {name}": v for name, v in moves.volatilities.items()}


def _instruments(valued: ValuedBook, measured: MeasuredBook | None) -> InstrumentRisk:
    confidences = CONFIDENCES if measured is not None else ()
    return instrument_risk(
        valued.held, valued.snapshot, valued.moves, valued.revalued, confidences=confidences
    )


def _notes(
    inputs: MultiAssetInputs, valued: ValuedBook, measured: MeasuredBook | None
) -> tuple[str, ...]:
    notes = [
        f"The market of this portfolio is {inputs.market}."
        + (" No figure here is evidence of anything." if inputs.market != "observed" else ""),
        f"Every position is revalued in {valued.moves.n_scenarios} past sessions' moves of prices, "
        f"exchange rates, curves and volatilities; {JOINT_METHOD.replace('_', ' ')} draws "
        f"{JOINT_SCENARIOS:,} from a joint Student t instead"
        + (", and has a backtest of its own." if inputs.life else ", and has no backtest."),
        "Exposures and weights are deltas: an option counts its delta times its underlying, a "
        "future its notional. Components of VaR are normal on the revalued P&L.",
    ]
    if not inputs.trading:
        notes.append("No traded volume is known: nothing is said of days to liquidate.")
    else:
        notes.append(
            "Days to liquidate and costs of a sale rest on the money that trades in a day"
            + (f": {inputs.trading_source}." if inputs.trading_source else ".")
        )
    if measured is None:
        notes.append("Nothing held can be measured: no tail, no stress, no evidence is shown.")
    return (*notes, *inputs.notes)
