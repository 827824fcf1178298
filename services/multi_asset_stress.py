"""Stress of a book of every kind of instrument: revalued in full in each shocked market.

A scenario of basis `revaluation` moves prices, curves, currencies and volatilities at once and
revalues everything; its shock is written down, or found: the worst stretch of the history, a past
window where the market was observed then, and the likeliest joint move that loses a part of
equity, scaled until the revalued book loses just that. One of basis `tail_loss` leaves the market
where it is and makes it more volatile or more correlated: its loss is the normal shortfall of the
book's revalued returns, as for stocks. One of basis `liquidation` is run where traded volume is
known, on deltas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.instruments import InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from risk.market_draws import compounded_moves, likeliest_moves, shock_moves
from risk.revaluation import HeldInstrument, delta_gamma_vega_pnl, revalue_book
from risk.stress import Basis, StressResult, StressScenario, run_stress
from risk.stress_factors import losses_by_move
from risk.stress_search import worst_stretch
from services.multi_asset_valuation import ValuedBook
from services.risk_measures import MeasuredBook

# How far along the line of likeliest moves a loss is looked for, in multiples of what a linear
# book would need; points of a grid, and how often it is narrowed: a loss within 1e-5 of it.
_FURTHEST, _GRID, _ZOOMS = 8.0, 65, 4


def stresses_of(
    scenarios: Sequence[StressScenario],
    measured: MeasuredBook,
    valued: ValuedBook,
    *,
    pairs: Mapping[str, str],
    observed: bool,
) -> tuple[StressResult, ...]:
    """Run the scenarios that this book can be run through, in their order.

    Parameters
    ----------
    observed : bool
        Whether the history was observed, so that a window of the calendar means something.
    """
    priced = [valued.held[symbol] for symbol in measured.book.symbols]
    has_volume = bool(np.isfinite(measured.state.daily_notional).any())
    found: list[StressResult] = []
    for scenario in scenarios:
        if scenario.basis is Basis.TAIL_LOSS or (
            scenario.basis is Basis.LIQUIDATION and has_volume
        ):
            found += run_stress(
                [scenario], measured.state, measured.book.exposures, equity=measured.equity
            )
        elif scenario.basis is Basis.REVALUATION:
            try:
                moves, note = _moves(scenario, measured, valued, pairs=pairs, observed=observed)
            except MissingDataError:  # Left out, never shown as a loss of zero.
                continue
            result = _revalued(scenario, priced, valued.snapshot, moves, measured.equity, note)
            parts = losses_by_move(priced, valued.snapshot, moves, pairs=pairs, loss=result.loss)
            found.append(replace(result, by_factor=parts))
    return tuple(found)


def _moves(
    scenario: StressScenario,
    measured: MeasuredBook,
    valued: ValuedBook,
    *,
    pairs: Mapping[str, str],
    observed: bool,
) -> tuple[MarketMoves, str]:
    """Return the one scenario of the market, and a note for the reader."""
    history, sessions = valued.moves, measured.book.sessions
    if scenario.factors is not None:
        raise MissingDataError("no style factor is known of this market")
    if scenario.reverse_loss is not None:
        return _likeliest(scenario.reverse_loss * measured.equity, measured, valued)
    if scenario.worst_sessions is not None:
        part = worst_stretch(measured.pnl, sessions=scenario.worst_sessions)
    elif scenario.window is not None:
        if not observed:
            raise MissingDataError("the market was not observed then")
        ends = np.array(scenario.window, dtype="datetime64[D]")
        part = slice(
            int(np.searchsorted(sessions, ends[0])),
            int(np.searchsorted(sessions, ends[1], side="right")),
        )
        if ends[0] < sessions[0] or ends[1] > sessions[-1] or part.start >= part.stop:
            raise MissingDataError(f"the history does not cover {ends[0]} to {ends[1]}")
    else:
        moves = shock_moves(
            scenario.shock, valued.snapshot, history, market=measured.market, pairs=pairs
        )
        return moves, ""
    note = f"Sessions {sessions[part.start]} to {sessions[part.stop - 1]}, replayed. "
    return compounded_moves(history, part), note


def _likeliest(loss: float, measured: MeasuredBook, valued: ValuedBook) -> tuple[MarketMoves, str]:
    """Return the likeliest moves of which the revalued book loses `loss`.

    Raises
    ------
    MissingDataError
        If the book has no risk, or the line of likeliest moves never loses as much.
    """
    deviation = float(measured.pnl.std())
    if not deviation > 0:
        raise MissingDataError("the book has no risk: nothing can lose that")
    priced = [valued.held[symbol] for symbol in measured.book.symbols]
    low, high = 0.0, _FURTHEST * loss / deviation
    for _ in range(_ZOOMS):  # Each narrows the multiple to one step of the grid before.
        grid = np.linspace(low, high, _GRID)
        moves = likeliest_moves(valued.moves, measured.pnl, grid)
        lost = -revalue_book(priced, valued.snapshot, moves).pnl.sum(axis=0)
        reached = np.flatnonzero(lost >= loss)
        if not len(reached):
            raise MissingDataError(f"no likely move of the market loses {loss:,.0f}")
        at = max(int(reached[0]), 1)
        low, high = float(grid[at - 1]), float(grid[at])
    note = f"{high:.1f} daily standard deviations away. "
    return likeliest_moves(valued.moves, measured.pnl, np.array([high])), note


def _revalued(
    scenario: StressScenario,
    priced: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    equity: float,
    note: str,
) -> StressResult:
    book = revalue_book(priced, snapshot, moves)
    losses: FloatArray = 0.0 - book.pnl[:, 0]
    order = np.argsort(-losses, kind="stable")
    loss = float(losses.sum())
    unpriced = ", ".join(left.symbol for left in book.left_out)
    return StressResult(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        basis=scenario.basis,
        loss=loss,
        loss_fraction=loss / equity,
        contributions={book.symbols[i]: float(losses[i]) for i in order},
        note=note
        + (f"Not priced in this market, thus not in the loss: {unpriced}. " if unpriced else "")
        + _greeks_note(priced, snapshot, moves, dict(zip(book.symbols, losses, strict=True))),
        found=not scenario.is_given,
        limited=scenario.is_limited,
    )


def _greeks_note(
    priced: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    losses: Mapping[str, float],
) -> str:
    """Say what the greeks would have said of the options, where there are any."""
    options = [p for p in priced if p.instrument.kind is InstrumentKind.OPTION]
    if not options:
        return ""
    quick = -sum(float(delta_gamma_vega_pnl(p, snapshot, moves)[0]) for p in options)
    full = sum(losses.get(p.instrument.symbol, 0.0) for p in options)
    if abs(quick) < 1.0 and abs(full) < 1.0:
        return ""
    return f"Options make {-full:+,.0f} revalued, {-quick:+,.0f} by delta, gamma and vega alone."
