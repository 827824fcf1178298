"""Turn a scenario that must be found (a past window, a reverse stress) into a shock of symbols."""

from dataclasses import replace

import numpy as np

from basics.errors import MissingDataError
from risk.shocks import Shock
from risk.stress import StressScenario
from risk.stress_search import replay_window, reverse_stress
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
            rows = [inputs.prices.symbols.index(symbol) for symbol in book.symbols]
            replay = replay_window(
                book.symbols,
                inputs.prices["close"][rows],
                inputs.prices.sessions,
                window=scenario.window,
                betas=state.market_betas,
            )
            moves, note = replay.returns, f"Closes of {replay.first} to {replay.last}, replayed."
            if replay.proxied:
                note += f" Moved by beta, for want of prices: {', '.join(replay.proxied)}."
        else:
            loss = (scenario.reverse_loss or 0.0) * measured.equity
            found = reverse_stress(book.exposures, state.covariance, loss=loss)
            moves = found.moves
            mean = float(np.abs(book.exposures) @ moves / np.abs(book.exposures).sum())
            note = (
                f"{found.deviations:.1f} daily standard deviations away; the holdings move by "
                f"{mean:+.1%} on average."
            )
    except MissingDataError:
        return None
    shock = Shock(symbol_returns=dict(zip(book.symbols, moves.tolist(), strict=True)))
    return replace(scenario, shock=shock), note
