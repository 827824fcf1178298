"""Compute the risk profile of one book: align, measure, test, stress, judge."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from risk.book import align_book
from risk.book_shape import covariance_views, tail_shape
from risk.decomposition import NormalComponents, by_group, normal_components
from risk.evidence import (
    HEADLINE,
    NO_EVIDENCE,
    Evidence,
    book_history_evidence,
    constant_book_evidence,
    daily_returns,
    forecast_chart,
    laws_today,
    tail_table,
)
from risk.joint import Draws, draws_from
from risk.limits import Limit, evaluate, worst_state
from risk.profile import RiskProfile, TailEstimate
from risk.recommendations import recommend
from risk.stress import StressResult, StressScenario, run_stress
from risk.verdict import verdict_of
from services.risk_breakdown import decomposition_of, movement_of
from services.risk_found_stress import found_scenario
from services.risk_inputs import RiskInputs
from services.risk_judgement import calibrated_probability, notes_of, observations, stress_notes
from services.risk_measures import (
    HEADLINE_METHOD,
    MeasuredBook,
    exposure_of_holdings,
    is_measurable,
    measure_book,
    positions_of,
    single_numbers,
)
from services.risk_scopes import scope_observations


def compute_profile(
    inputs: RiskInputs,
    *,
    limits: Sequence[Limit],
    scenarios: Sequence[StressScenario],
    lookback: int,
    rng: np.random.Generator | None = None,
) -> RiskProfile:
    """Compute the profile of one book.

    An empty book, or one of which nothing can be measured, has a profile too: no tails, no
    stresses, its drawdown still held against the limits.

    Parameters
    ----------
    lookback : int
        Sessions of history that today's estimates and every past forecast use.
    rng : Generator or None
        For the simulated p-values and the bootstrap of the confidence set; without it the
        estimators are not backtested, which is all that a what-if needs.
    """
    equity = float(inputs.equity.values[-1])
    book = align_book(inputs.holdings, inputs.prices, lookback=lookback)
    measured = measure_book(inputs, book, equity) if is_measurable(book) else None
    exposure = exposure_of_holdings(inputs, equity)
    evidence = NO_EVIDENCE
    tails: tuple[TailEstimate, ...] = ()
    stresses: tuple[StressResult, ...] = ()
    components = NormalComponents(0.0, np.zeros(0), np.zeros(0))
    if measured is not None:
        evidence, tails = tested_tails(inputs, measured, lookback, rng)
        components = normal_components(
            book.exposures, measured.state.covariance, confidence=HEADLINE
        )
        stresses = _stresses(inputs, measured, scenarios)
    positions = positions_of(inputs, measured, components, equity)
    measures = single_numbers(inputs, measured, tails)
    explained = _explained(inputs, measured, components, lookback)
    observed = observations(inputs.scope, exposure, measures, tails, stresses, positions)
    observed += scope_observations(inputs, measured, explained.get("decomposition", ()))
    checks = evaluate(limits, observed, as_of=inputs.as_of)
    calibration, probability = calibrated_probability(
        inputs, measured, checks, limits, drawdown=measures.drawdown
    )
    verdict = verdict_of(
        probability, checks, previous=inputs.previous.level if inputs.previous else None
    )
    return RiskProfile(
        scope=inputs.scope,
        as_of=inputs.as_of,
        currency=inputs.currency,
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
        components_by_sector=by_group(book.symbols, components.component, inputs.sectors)
        if measured
        else {},
        stresses=stresses,
        limits=checks,
        calibration=calibration,
        recommendations=recommend(checks, positions, equity=equity),
        left_out=book.left_out,
        notes=notes_of(inputs, measured, lookback),
        **explained,
    )


def _explained(
    inputs: RiskInputs,
    measured: MeasuredBook | None,
    components: NormalComponents,
    lookback: int,
) -> dict[str, Any]:
    """Return the parts of a profile that say where its risk comes from, and what it rests on."""
    if measured is None:
        return {}
    book = measured.book
    return {
        "decomposition": decomposition_of(inputs, measured, components),
        "movement": movement_of(inputs, measured, lookback=lookback),
        "tail_shape": tail_shape(measured.pnl, book.returns, measured.market),
        "covariances": covariance_views(
            book.exposures, book.returns, equity=measured.equity, confidence=HEADLINE
        ),
    }


def tested_tails(
    inputs: RiskInputs, measured: MeasuredBook, lookback: int, rng: np.random.Generator | None
) -> tuple[Evidence, tuple[TailEstimate, ...]]:
    """Return the tail by every method, with the evidence of each where `rng` is given."""
    if rng is None:
        return NO_EVIDENCE, tail_table(measured.pnl, equity=measured.equity, evidence=NO_EVIDENCE)
    draws = draws_from(rng)
    evidence = _evidence(inputs, measured, lookback, rng, draws)
    laws = laws_today(measured.book.exposures, measured.book.returns, draws)
    return evidence, tail_table(measured.pnl, equity=measured.equity, evidence=evidence, laws=laws)


def _evidence(
    inputs: RiskInputs,
    measured: MeasuredBook,
    lookback: int,
    rng: np.random.Generator,
    draws: Draws,
) -> Evidence:
    book = measured.book
    if inputs.exposures is not None:
        own = book_history_evidence(
            inputs.prices,
            inputs.exposures,
            inputs.equity.values,
            lookback=lookback,
            rng=rng,
            draws=draws,
        )
        if own.runs:
            return own
    rows = [inputs.prices.symbols.index(symbol) for symbol in book.symbols]
    returns = daily_returns(inputs.prices["close"][rows])
    return constant_book_evidence(
        book.exposures,
        returns,
        inputs.prices.sessions[1:],
        lookback=lookback,
        rng=rng,
        draws=draws,
    )


def _stresses(
    inputs: RiskInputs, measured: MeasuredBook, scenarios: Sequence[StressScenario]
) -> tuple[StressResult, ...]:
    """Run the scenarios that are given and those that can be found; the rest are left out."""
    notes = stress_notes(measured)
    ready = []
    for scenario in scenarios:
        if scenario.is_given:
            ready.append(scenario)
            continue
        found = found_scenario(inputs, measured, scenario)
        if found is not None:
            ready.append(found[0])
            notes[scenario.name] = found[1]
    return run_stress(
        ready, measured.state, measured.book.exposures, equity=measured.equity, notes=notes
    )
