"""A book of every kind of instrument as one row of the night, beside the books of stocks.

Its universe is its own positions: a return is a position's revalued P&L over its exposure, so that
exposures times returns are the book revalued in full in every scenario, and the night's
estimators, their backtests, components, limits and score read it like any other. A revalued
stress becomes the move of each position that loses what the revaluation says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.errors import QuantDeskError
from measures.drawdown import drawdown_series
from risk.nightly import NightBooks, NightFailure, NightMarket, NightRow, measure_books
from risk.shocks import Shock
from risk.stress import Basis, StressResult, StressScenario
from risk.tested import BookEvidence
from services.multi_asset_stress import stresses_of
from services.multi_asset_valuation import (
    SIMULATED,
    MultiAssetInputs,
    ValuedBook,
    measured_book,
    value_book,
)
from services.nightly_risk import NightPolicy, NightStress
from services.risk_measures import MeasuredBook

NOTHING_MEASURED = "nothing held can be measured"


@dataclass(frozen=True, slots=True)
class MultiAssetNight:
    """What the night keeps of the book; a failure stands in the place of a row."""

    risk: NightRow | NightFailure
    stress: NightStress | NightFailure


def multi_asset_night(
    inputs: MultiAssetInputs,
    policy: NightPolicy,
    *,
    lookback: int,
    evidence: BookEvidence | None = None,
) -> MultiAssetNight:
    """Measure and stress one book as the night does; what fails is a row, never raised.

    Parameters
    ----------
    evidence : BookEvidence or None
        Of the book's profile, which limits are then held against.
    """
    try:
        valued = value_book(inputs, lookback=lookback)
        measured = measured_book(inputs, valued)
        if measured is None:
            failure = NightFailure(inputs.scope, _why(valued))
            return MultiAssetNight(failure, failure)
        # A reverse stress is of one book and is left to its profile, as for stocks.
        scenarios = [s for s in policy.scenarios if s.reverse_loss is None]
        stresses = stresses_of(
            scenarios, measured, valued, pairs=inputs.pairs, observed=inputs.market != SIMULATED
        )
        risk = _row(
            inputs,
            valued,
            measured,
            replace(policy, scenarios=_as_moves(scenarios, measured, stresses)),
            evidence,
        )
    except QuantDeskError as error:
        failure = NightFailure(inputs.scope, str(error))
        return MultiAssetNight(failure, failure)
    return MultiAssetNight(risk, NightStress(name=inputs.scope, stresses=stresses))


def _why(valued: ValuedBook) -> str:
    left = valued.revalued.left_out
    if not left:
        return "the book is empty" if not valued.held else NOTHING_MEASURED
    return f"{NOTHING_MEASURED}: " + "; ".join(f"{row.symbol}: {row.reason}" for row in left)


def _row(
    inputs: MultiAssetInputs,
    valued: ValuedBook,
    measured: MeasuredBook,
    policy: NightPolicy,
    evidence: BookEvidence | None,
) -> NightRow | NightFailure:
    wealth = inputs.equity.values
    falls = drawdown_series(wealth[1:] / wealth[:-1] - 1.0) if len(wealth) > 1 else np.zeros(1)
    books = NightBooks(
        names=(inputs.scope,),
        exposures=measured.book.exposures[None, :],
        equity=np.array([measured.equity]),
        drawdown=np.array([float(falls[-1])]),
    )
    returns = measured.book.returns
    rows, failures = measure_books(
        books,
        NightMarket(state=measured.state, returns=returns, sectors=valued.kinds),
        limits=policy.limits,
        scenarios=policy.scenarios,
        as_of=policy.as_of,
        window=min(policy.window, returns.shape[1] // 2),
        previous=policy.previous,
        tested={} if evidence is None else {inputs.scope: evidence},
    )
    return rows[0] if rows else failures[0]


def _as_moves(
    scenarios: Sequence[StressScenario], measured: MeasuredBook, stresses: Sequence[StressResult]
) -> list[StressScenario]:
    """Return the scenarios that were run, a revalued one as the move of each position."""
    results = {result.name: result for result in stresses}
    exposures = dict(zip(measured.book.symbols, measured.book.exposures.tolist(), strict=True))
    run = []
    for scenario in scenarios:
        if scenario.name not in results:
            continue
        if scenario.basis is Basis.REVALUATION:
            lost = results[scenario.name].contributions
            moves = {symbol: -loss / exposures[symbol] for symbol, loss in lost.items()}
            run.append(replace(scenario, shock=Shock(symbol_returns=moves)))
        else:
            run.append(scenario)
    return run
