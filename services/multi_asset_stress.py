"""Stress of a book of every kind of instrument: revalued in full in each shocked market.

A scenario of basis `revaluation` moves prices, curves, currencies and volatilities at once and
revalues everything. One of basis `tail_loss` leaves the market where it is and makes it more
volatile or more correlated: its loss is the normal shortfall of the book's revalued returns, as
for stocks. One of basis `liquidation` needs traded volume and is not run; nor are replays of past
windows, which a market has only if it was observed then.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from basics.arrays import FloatArray
from basics.instruments import InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from risk.market_draws import shock_moves
from risk.revaluation import HeldInstrument, delta_gamma_vega_pnl, revalue_book
from risk.stress import Basis, StressResult, StressScenario, run_stress
from services.risk_measures import MeasuredBook


def stresses_of(
    scenarios: Sequence[StressScenario],
    measured: MeasuredBook,
    held: Mapping[str, HeldInstrument],
    snapshot: MarketSnapshot,
    history: MarketMoves,
    *,
    pairs: Mapping[str, str],
) -> tuple[StressResult, ...]:
    """Run the scenarios that this book can be run through, in their order."""
    priced = [held[symbol] for symbol in measured.book.symbols]
    found: list[StressResult] = []
    for scenario in scenarios:
        if not scenario.is_given:
            continue
        if scenario.basis is Basis.TAIL_LOSS:
            found += run_stress(
                [scenario], measured.state, measured.book.exposures, equity=measured.equity
            )
        elif scenario.basis is Basis.REVALUATION:
            moves = shock_moves(
                scenario.shock, snapshot, history, market=measured.market, pairs=pairs
            )
            found.append(_revalued(scenario, priced, snapshot, moves, measured.equity))
    return tuple(found)


def _revalued(
    scenario: StressScenario,
    priced: Sequence[HeldInstrument],
    snapshot: MarketSnapshot,
    moves: MarketMoves,
    equity: float,
) -> StressResult:
    book = revalue_book(priced, snapshot, moves)
    losses: FloatArray = 0.0 - book.pnl[:, 0]
    order = np.argsort(-losses, kind="stable")
    loss = float(losses.sum())
    return StressResult(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        basis=scenario.basis,
        loss=loss,
        loss_fraction=loss / equity,
        contributions={book.symbols[i]: float(losses[i]) for i in order},
        note=_greeks_note(priced, snapshot, moves, dict(zip(book.symbols, losses, strict=True))),
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
