"""Turn a scenario that must be found (a past window, a reverse stress) into a shock of symbols."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from risk.shocks import Shock
from risk.stress import StressScenario
from risk.stress_search import conditional_moves, replay_window, reverse_stress, worst_stretch
from services.risk_factors import factor_moves
from services.risk_inputs import RiskInputs
from services.risk_measures import MeasuredBook


def found_scenario(
    inputs: RiskInputs, measured: MeasuredBook, scenario: StressScenario
) -> tuple[StressScenario, str] | None:
    """Return the scenario with its shock and a note for the reader; None where data is missing.

    A stress that cannot be computed is left out, never shown as a loss of zero.
    """
    book, state = measured.book, measured.state
    try:
        if scenario.window is not None:
            return _replayed(inputs, measured, scenario)
        if scenario.factors is not None:
            return _propagated(inputs, measured, scenario, scenario.factors)
        if scenario.worst_sessions is not None:
            return _worst(measured, scenario, scenario.worst_sessions)
        return reverse_scenario(
            scenario, book.symbols, book.exposures, state.covariance, equity=measured.equity
        )
    except MissingDataError:
        return None


def reverse_scenario(
    scenario: StressScenario,
    symbols: Sequence[str],
    exposures: FloatArray,
    covariance: FloatArray,
    *,
    equity: float,
) -> tuple[StressScenario, str]:
    """Return a reverse stress with the likeliest shock that loses its part of equity.

    Raises
    ------
    MissingDataError
        If nothing that is held moves.
    """
    found = reverse_stress(exposures, covariance, loss=(scenario.reverse_loss or 0.0) * equity)
    mean = float(np.abs(exposures) @ found.moves / np.abs(exposures).sum())
    note = (
        f"{found.deviations:.1f} daily standard deviations away; the holdings move by "
        f"{mean:+.1%} on average."
    )
    return _shocked(scenario, symbols, found.moves), note


def _replayed(
    inputs: RiskInputs, measured: MeasuredBook, scenario: StressScenario
) -> tuple[StressScenario, str]:
    book = measured.book
    assert scenario.window is not None
    rows = [inputs.prices.symbols.index(symbol) for symbol in book.symbols]
    replay = replay_window(
        book.symbols,
        inputs.prices["close"][rows],
        inputs.prices.sessions,
        window=scenario.window,
        betas=measured.state.market_betas,
    )
    note = f"Closes of {replay.first} to {replay.last}, replayed."
    if replay.proxied:
        note += f" Moved by beta, for want of prices: {', '.join(replay.proxied)}."
    return _shocked(scenario, book.symbols, replay.returns), note


def _propagated(
    inputs: RiskInputs,
    measured: MeasuredBook,
    scenario: StressScenario,
    shocked: Mapping[str, float],
) -> tuple[StressScenario, str]:
    """Move some factors as told, and the others as they move with them on average."""
    known = measured.state.factor_betas
    if missing := sorted(set(shocked) - set(known)):
        raise MissingDataError(f"no history of {', '.join(missing)}: there is {', '.join(known)}")
    names, moves = factor_moves(inputs.factors, measured.book.sessions)
    found = conditional_moves(
        np.cov(moves), shocked={names.index(name): move for name, move in shocked.items()}
    )
    by_name = dict(zip(names, found.tolist(), strict=True))
    follow = [f"{name} {move:+.1%}" for name, move in by_name.items() if name not in shocked]
    note = (
        f"Given {', '.join(f'{name} {move:+.1%}' for name, move in shocked.items())}, expected of "
        f"the rest: {', '.join(follow) or 'nothing'}, by {moves.shape[1]} sessions. Each position "
        "moves by its betas to all of them."
    )
    return replace(scenario, shock=Shock(factor_returns=by_name)), note


def _worst(
    measured: MeasuredBook, scenario: StressScenario, sessions: int
) -> tuple[StressScenario, str]:
    book = measured.book
    part = worst_stretch(measured.pnl, sessions=sessions)
    moves = np.prod(1.0 + book.returns[:, part], axis=1) - 1.0
    note = f"Sessions {book.sessions[part.start]} to {book.sessions[part.stop - 1]}, replayed."
    return _shocked(scenario, book.symbols, moves), note


def _shocked(scenario: StressScenario, symbols: Sequence[str], moves: FloatArray) -> StressScenario:
    shock = Shock(symbol_returns=dict(zip(symbols, moves.tolist(), strict=True)))
    return replace(scenario, shock=shock)
