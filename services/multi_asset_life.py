"""A book of every kind of instrument over its life: its backtest, and why its risk moved.

The forecast for a day is of the book as it stood at the close before, on the market of that
close, revalued in full in the moves of the sessions before; what it is held against is the change
of the book's equity, after costs. A position that cannot be priced on a day is not in that day's
forecast, and counted.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from basics.arrays import DateArray, FloatArray
from market.multi_asset import MarketMoves, MarketSnapshot
from measures.tail import tail_risk
from risk.estimators import MIN_OBSERVATIONS
from risk.evidence import HEADLINE, JOINT_REFIT, NO_EVIDENCE, Evidence, evidence_of
from risk.market_draws import joint_t_moves
from risk.movement import TailMovement
from risk.revaluation import HeldInstrument, Revaluation, revalue_book
from services.multi_asset_valuation import (
    BookDay,
    MultiAssetInputs,
    ValuedBook,
    last_moves,
    with_cash_prices,
    with_still_cash,
)

JOINT_METHOD = "joint_t_revalued"
JOINT_SCENARIOS = 4_096
_LAW_SCENARIOS = 1_024  # Of the joint law of each past day.


def drawn_market(valued: ValuedBook, rng: np.random.Generator) -> MarketMoves:
    """Draw the market that the joint law of today revalues the book in; drawn first from a seed."""
    return joint_t_moves(valued.moves, n_scenarios=JOINT_SCENARIOS, rng=rng)


def joint_pnl(valued: ValuedBook, drawn: MarketMoves) -> FloatArray:
    """Return each position's P&L in a drawn market, (n_positions, n_scenarios)."""
    held = [valued.held[symbol] for symbol in valued.revalued.symbols]
    return revalue_book(held, valued.snapshot, drawn).pnl


def lived_evidence(
    inputs: MultiAssetInputs, *, lookback: int, rng: np.random.Generator
) -> Evidence:
    """Backtest every estimator, the joint one included, on the book as it really stood."""
    days, equity = inputs.life, inputs.equity
    if len(days) < 2 or len(equity.sessions) < len(days):
        return NO_EVIDENCE
    at = _positions(inputs, days)
    window = min(lookback, int(at[0]))
    if window < MIN_OBSERVATIONS or (at[1:] - at[:-1] != 1).any():
        return NO_EVIDENCE
    rows, missing = [], 0
    for day, position in zip(days[:-1], at[:-1].tolist(), strict=True):
        book = _revalued(day, last_moves(inputs.moves, window, until=position))
        missing += len(book.left_out)
        rows.append(book.pnl.sum(axis=0))
    realised = np.diff(equity.values[-len(days) :])
    basis = (
        f"the book's own history: {len(realised)} sessions, each forecast of the book as it stood "
        f"at the close before, revalued in full in the {window} sessions before, held against "
        "realised P&L after costs"
    )
    if missing:
        basis += f"; {missing} positions of single days could not be priced and are not in them"
    sessions: DateArray = np.array([day.session for day in days[1:]], dtype="datetime64[D]")
    laws = ((JOINT_METHOD, _joint_laws(inputs, days[:-1], at[:-1], window, rng)),)
    return evidence_of(basis, sessions, np.stack(rows), realised, rng, laws=iter(laws))


def movement_of_life(inputs: MultiAssetInputs, *, lookback: int) -> TailMovement | None:
    """Say why the 99% VaR moved since the session before; None on the first day.

    Positions, market data and model are changed one after the other, and the book is revalued in
    full after each: today's positions on yesterday's market, then on today's, then with today's
    lookback. What was listed since has no price on yesterday's market, and enters with the market.
    """
    if len(inputs.life) < 2:
        return None
    before, after = inputs.life[-2:]
    at = int(_positions(inputs, (before,))[0])
    known = inputs.previous if inputs.previous and inputs.previous.as_of == before.session else None
    window = known.lookback if known and known.lookback else lookback
    old = last_moves(inputs.moves, window, until=at)
    if old.n_scenarios < MIN_OBSERVATIONS:
        return None

    def value(day: BookDay, held: Mapping[str, HeldInstrument], moves: MarketMoves) -> float:
        pnl = _revalued_book(held, day.snapshot, moves).pnl.sum(axis=0)
        return tail_risk(pnl, confidence=HEADLINE).value_at_risk

    start = value(before, before.held, old)
    traded = value(before, after.held, old)
    moved = value(after, after.held, last_moves(inputs.moves, window))
    end = value(after, after.held, last_moves(inputs.moves, lookback))
    single = {
        symbol: value(before, _with_one(before.held, after.held, symbol), old) - start
        for symbol in sorted({*before.held, *after.held})
        if _quantity(before.held, symbol) != _quantity(after.held, symbol)
    }
    published = None if known is None else known.value_at_risk
    return TailMovement(
        before=start,
        after=end,
        positions=traded - start,
        market_data=moved - traded,
        model=end - moved,
        by_symbol=dict(sorted(single.items(), key=lambda pair: (-abs(pair[1]), pair[0]))),
        interaction=traded - start - sum(single.values()),
        since=before.session,
        restated=None if published is None else start - published,
    )


def _positions(inputs: MultiAssetInputs, days: Sequence[BookDay]) -> np.ndarray:
    """Return how many scenarios were known at the close of each day."""
    sessions = np.array([day.session for day in days], dtype="datetime64[D]")
    return np.searchsorted(inputs.sessions, sessions, side="right")


def _revalued(day: BookDay, moves: MarketMoves) -> Revaluation:
    return _revalued_book(day.held, day.snapshot, moves)


def _revalued_book(
    held: Mapping[str, HeldInstrument], snapshot: MarketSnapshot, moves: MarketMoves
) -> Revaluation:
    return revalue_book(
        list(held.values()),
        with_cash_prices(snapshot),
        with_still_cash(moves, snapshot),
        known_moves=True,
    )


def _joint_laws(
    inputs: MultiAssetInputs,
    days: Sequence[BookDay],
    at: np.ndarray,
    window: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the joint law of every day, the market's estimated anew each month."""

    def laws() -> Iterator[FloatArray]:
        for row, day in enumerate(days):
            if row % JOINT_REFIT == 0:
                known = last_moves(inputs.moves, window, until=int(at[row]))
                drawn = joint_t_moves(known, n_scenarios=_LAW_SCENARIOS, rng=rng)
            yield _revalued(day, drawn).pnl.sum(axis=0)

    return np.stack(list(laws()))


def _quantity(held: Mapping[str, HeldInstrument], symbol: str) -> float:
    return held[symbol].quantity if symbol in held else 0.0


def _with_one(
    held: Mapping[str, HeldInstrument], traded: Mapping[str, HeldInstrument], symbol: str
) -> Mapping[str, HeldInstrument]:
    """Return what is held with the one position as it was traded to."""
    others = {name: position for name, position in held.items() if name != symbol}
    return others | ({symbol: traded[symbol]} if symbol in traded else {})
