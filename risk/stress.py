"""Stress results: what the book loses under each scenario, and which positions lose it.

A scenario states its basis, because two kinds of number must not be mixed up: `revaluation`
(prices move at once; the loss is certain in that world), `tail_loss` (volatility or correlation
changes; the loss is the stressed one-day ES) and `liquidation` (the cost of selling the book).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from market.liquidity import ALMGREN_2005
from measures.parametric_tail import normal_tail
from risk.decomposition import normal_components
from risk.shocks import MarketState, Shock

TAIL_CONFIDENCE = 0.99
PARTICIPATION_CAP = 0.10
SYMBOLS_PER_FACTOR = 3


_NO_SHOCK = Shock()


class Basis(StrEnum):
    """What the loss of a scenario means."""

    REVALUATION = "revaluation"
    TAIL_LOSS = "tail_loss"
    LIQUIDATION = "liquidation"


MARKET, RATES, SINGLE_NAMES = "market by beta", "yield", "single names"
_REST = {
    Basis.REVALUATION: "positions that lose all",
    Basis.TAIL_LOSS: "stressed tail",
    Basis.LIQUIDATION: "sale",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StressScenario:
    """A named scenario, as it stands in `policy/stress/*.toml`.

    Attributes
    ----------
    window : (date, date) or None
        Replays what the holdings did then; `found_shock` turns it into a shock.
    reverse_loss : float or None
        Looks for the likeliest shock that loses this fraction of equity.
    worst_sessions : int or None
        Replays the stretch of so many sessions of the history in which the book loses most.
    limited : bool or None
        Whether its loss counts for the limit `worst_stress_loss`; None: if it is written down.
    factors : mapping of factor to float or None
        Moves these factors so; the others follow by conditional expectation.
    """

    name: str
    title: str
    description: str
    basis: Basis
    shock: Shock = _NO_SHOCK
    window: tuple[date, date] | None = None
    reverse_loss: float | None = None
    worst_sessions: int | None = None
    limited: bool | None = None
    factors: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.limited and self.reverse_loss is not None:
            raise InvalidInputError(
                f"{self.name}: a reverse stress loses what it is told to, so no limit can be held "
                "against it: leave `limited` out"
            )

    @property
    def is_given(self) -> bool:
        """Whether the shock is written down, not to be found from the book's history."""
        looked_for = (self.window, self.reverse_loss, self.worst_sessions, self.factors)
        return all(part is None for part in looked_for)

    @property
    def is_ready(self) -> bool:
        """Whether there is a shock to run: written down, or found already."""
        return self.is_given or self.shock != _NO_SHOCK

    @property
    def is_limited(self) -> bool:
        """Whether the loss counts for the limit on the worst stress."""
        return self.is_given if self.limited is None else self.limited


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """The loss of a book under one scenario.

    Attributes
    ----------
    loss : float
        Positive is a loss; the contributions sum to it.
    contributions : mapping of str to float
        Loss by symbol, largest first.
    normal_loss : float or None
        The same number before the shock, where the basis is a tail or a liquidation.
    note : str
        What the reader must know, such as the last date of the data behind a sensitivity.
    found : bool
        A replayed window or a reverse stress, not a scenario that is written down.
    limited : bool
        Whether the limit `worst_stress_loss` counts it, as its policy file says.
    by_factor : mapping of str to float
        The same loss by what moved: the market, the yield, each factor, single names, and what
        the stressed tail or the sale adds; the parts sum to it. Of a book revalued in full, what
        each part of the market's move costs alone (`risk.stress_factors`), and the rest together.
    """

    name: str
    title: str
    description: str
    basis: Basis
    loss: float
    loss_fraction: float
    contributions: dict[str, float]
    normal_loss: float | None = None
    note: str = ""
    found: bool = False
    limited: bool = False
    by_factor: dict[str, float] = field(default_factory=dict)


def run_stress(
    scenarios: Sequence[StressScenario],
    state: MarketState,
    exposures: FloatArray,
    *,
    equity: float,
    notes: dict[str, str] | None = None,
) -> tuple[StressResult, ...]:
    """Run every scenario on a book of linear positions.

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols,)
        Signed market values.
    notes : mapping of scenario name to text, optional
    """
    return tuple(
        _run(scenario, state, exposures, equity, (notes or {}).get(scenario.name, ""))
        for scenario in scenarios
    )


def liquidation_cost(state: MarketState, exposures: FloatArray) -> FloatArray:
    """Return what it costs to sell each position at the participation cap, shaped as given.

    The one impact model, worked over as many days as the cap needs and at least one; the
    state's own half spread takes the place of the model's. Where the traded volume is unknown
    the spread alone is counted.
    """
    size, daily = np.abs(exposures), state.daily_notional
    known = np.isfinite(daily) & (daily > 0)
    volume = np.where(known, daily, 1.0)
    traded = np.where(known, size, 0.0)
    # At the cap's pace a large position takes days, each with the cap's temporary impact.
    pace = np.minimum(traded, PARTICIPATION_CAP * volume)
    temporary = ALMGREN_2005.parts(pace, volume=volume, volatility=state.volatilities).temporary
    permanent = ALMGREN_2005.parts(traded, volume=volume, volatility=state.volatilities).permanent
    cost: FloatArray = size * (state.half_spreads + temporary + permanent)
    return cost


def days_to_liquidate(
    exposures: FloatArray, daily_notional: FloatArray, *, cap: float = PARTICIPATION_CAP
) -> FloatArray:
    """Return days to sell each position at `cap` of daily volume; NaN where volume is unknown."""
    known = np.isfinite(daily_notional) & (daily_notional > 0)
    days = np.full(exposures.shape, np.nan)
    np.divide(np.abs(exposures), daily_notional * cap, out=days, where=known)
    days[exposures == 0] = 0.0
    return days


def stress_losses(
    scenarios: Sequence[StressScenario], state: MarketState, exposures: FloatArray
) -> FloatArray:
    """Return the loss of many books under every scenario, without their contributions.

    Parameters
    ----------
    exposures : ndarray of shape (n_books, n_symbols)

    Returns
    -------
    ndarray of shape (n_scenarios, n_books)
        As the `loss` of `run_stress`, book by book.
    """
    losses = np.empty((len(scenarios), len(exposures)))
    for row, scenario in enumerate(scenarios):
        after = scenario.shock.apply(state)
        losses[row] = -exposures @ after.moves
        if scenario.basis is Basis.TAIL_LOSS:
            variance = np.einsum("ij,ij->i", exposures @ after.covariance, exposures)
            losses[row] += np.sqrt(np.maximum(variance, 0.0)) * _unit_shortfall()
        elif scenario.basis is Basis.LIQUIDATION:
            left = exposures * (1.0 + after.moves)
            losses[row] += liquidation_cost(after, left).sum(axis=1)
    return losses


def _run(
    scenario: StressScenario, state: MarketState, exposures: FloatArray, equity: float, note: str
) -> StressResult:
    after = scenario.shock.apply(state)
    losses, before = _losses(scenario.basis, state, after, exposures)
    order = np.argsort(-losses, kind="stable")
    loss = float(losses.sum())
    return StressResult(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        basis=scenario.basis,
        loss=loss,
        loss_fraction=loss / equity,
        contributions={state.symbols[i]: float(losses[i]) for i in order},
        normal_loss=before,
        note=note,
        found=not scenario.is_given,
        limited=scenario.is_limited,
        by_factor=losses_by_factor(scenario, state, exposures, loss),
    )


def losses_by_factor(
    scenario: StressScenario, state: MarketState, exposures: FloatArray, loss: float
) -> dict[str, float]:
    """Split a loss by what moved, largest first; parts of nothing are left out.

    Where single symbols move (a window of the past, a reverse stress), the moves of the factors
    are those that explain the most of them (`implied_factors`), and the rest is single names'.

    Parameters
    ----------
    state : MarketState
        Before the shock.
    """
    shock, symbols = scenario.shock, state.symbols
    own = np.array([shock.symbol_returns.get(symbol, 0.0) for symbol in symbols])
    betas = {MARKET: state.market_betas, RATES: state.rate_betas, **state.factor_betas}
    moves = {MARKET: shock.market_return, RATES: shock.rate_change, **shock.factor_returns}
    # What a policy file says of single symbols is theirs.
    implied = {} if scenario.is_given else implied_factors(state, own)
    for name, move in implied.items():
        moves[name] = moves.get(name, 0.0) + move
        own = own - betas[name] * move
    parts = {name: -float(exposures @ betas[name]) * move for name, move in moves.items()}
    parts[SINGLE_NAMES] = -float(exposures @ own)
    # What the linear parts do not say: the tail or the sale, and a position that lost all.
    parts[_REST[scenario.basis]] = loss - sum(parts.values())
    size = max(abs(loss), *(abs(part) for part in parts.values()))
    said = [(name, part) for name, part in parts.items() if abs(part) > 1e-9 * size]
    return dict(sorted(said, key=lambda pair: -pair[1]))


def implied_factors(state: MarketState, moves: FloatArray) -> dict[str, float]:
    """Return the factors' moves that explain the most of what the symbols did, by least squares.

    The cross-section of moves on the betas (Fama and MacBeth 1973): on all factors together where
    there are three symbols for each, else on the market alone where there are three, else none.

    Parameters
    ----------
    moves : ndarray of shape (n,)
    """
    if not moves.any():
        return {}
    for betas in (state.factor_betas, {MARKET: state.market_betas}):
        if betas and len(moves) >= SYMBOLS_PER_FACTOR * len(betas):
            loadings = np.stack(list(betas.values()), axis=1)
            found, _, rank, _ = np.linalg.lstsq(loadings, moves, rcond=1e-10)
            if rank == len(betas):
                return dict(zip(betas, found.tolist(), strict=True))
    return {}


def _losses(
    basis: Basis, before: MarketState, after: MarketState, exposures: FloatArray
) -> tuple[FloatArray, float | None]:
    """Return the loss of each position after the shock, and the total before it."""
    moved = -exposures * after.moves
    if basis is Basis.TAIL_LOSS:
        # Moves shift the mean; the tail is of what happens around it.
        tail = _tail_components(after, exposures)
        return moved + tail, float(_tail_components(before, exposures).sum())
    if basis is Basis.LIQUIDATION:
        cost = liquidation_cost(after, exposures * (1.0 + after.moves))
        return moved + cost, float(liquidation_cost(before, exposures).sum())
    return moved, None


def _tail_components(state: MarketState, exposures: FloatArray) -> FloatArray:
    """Return the Euler components of the one-day normal ES at TAIL_CONFIDENCE."""
    split = normal_components(exposures, state.covariance, confidence=TAIL_CONFIDENCE)
    if split.value_at_risk == 0.0:
        return split.component
    scaled: FloatArray = split.component * (
        _unit_shortfall() / NormalDist().inv_cdf(TAIL_CONFIDENCE)
    )
    return scaled


def _unit_shortfall() -> float:
    """Return the normal ES of unit volatility at TAIL_CONFIDENCE."""
    return float(normal_tail(np.zeros(1), np.ones(1), confidence=TAIL_CONFIDENCE)[1][0])
