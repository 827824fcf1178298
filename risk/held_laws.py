"""Joint Monte Carlo drawn ahead: scenarios of the night's market that any book is multiplied with.

`risk.joint` folds a book into the matrix that correlates the draws, which suits one book. Here the
scenarios themselves are held, one float32 matrix a law, so that a book that changes all day costs
one product and no draw. Estimates, seed and draws are those of `risk.joint`: on the same symbols
the laws are the same to float32 rounding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.covariance import covariance_root, ledoit_wolf_covariance
from risk.joint import (
    N_FACTORS,
    SINGLE,
    Draws,
    check_market,
    copula_blocks,
    market_degrees,
    principal_factors,
    quasi_shocks,
)

MAX_HELD_CELLS = 100_000_000  # 400 MB of float32 over all laws of a market.
# Cells a symbol takes: half the scenarios for each of two mirrored laws, all for the copula.
_CELLS_A_SCENARIO = 2

LawOfBook = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class MirroredScenarios:
    """Scenarios of which only the first of each antithetic pair is held, (n_symbols, n / 2)."""

    half: FloatArray

    def __call__(self, exposures: FloatArray) -> FloatArray:
        """Return the law of a book, of shape (n_scenarios,)."""
        first = exposures.astype(self.half.dtype) @ self.half
        return np.concatenate([first, -first])


@dataclass(frozen=True, slots=True)
class HeldScenarios:
    """Returns of every symbol in every scenario, (n_symbols, n_scenarios)."""

    returns: FloatArray

    def __call__(self, exposures: FloatArray) -> FloatArray:
        """Return the law of a book, of shape (n_scenarios,)."""
        law: FloatArray = exposures.astype(self.returns.dtype) @ self.returns
        return law


@dataclass(frozen=True, slots=True)
class EllipticalScenarios:
    """An elliptical law: a book needs its own deviation alone, whatever it holds.

    Attributes
    ----------
    covariance : ndarray of shape (n_symbols, n_symbols)
    shocks : ndarray of shape (n_scenarios,)
        Of unit variance.
    """

    covariance: FloatArray
    shocks: FloatArray

    def __call__(self, exposures: FloatArray) -> FloatArray:
        """Return the law of a book, of shape (n_scenarios,)."""
        held = np.flatnonzero(exposures)
        own = exposures[held]
        variance = float(own @ self.covariance[np.ix_(held, held)] @ own)
        law: FloatArray = (max(variance, 0.0) ** 0.5 * self.shocks).astype(SINGLE)
        return law


class HeldLaws:
    """The laws of any book on one market; drawn when first asked for, or by `draw`."""

    def __init__(self, draw: Callable[[], Mapping[str, LawOfBook]]) -> None:
        self._draw = draw

    @cached_property
    def drawn(self) -> Mapping[str, LawOfBook]:
        """The scenarios of each method."""
        return self._draw()

    def of(self, exposures: FloatArray) -> dict[str, FloatArray]:
        """Return each method's law of tomorrow's P&L, of shape (n_scenarios,).

        Parameters
        ----------
        exposures : ndarray of shape (n_symbols,)

        Raises
        ------
        InvalidInputError
            If an exposure is not finite.
        """
        wrong = np.flatnonzero(~np.isfinite(exposures))
        if wrong.size:
            at = int(wrong[0])
            raise InvalidInputError(f"exposures must be finite, got {exposures[at]} at {at}")
        return {name: law(exposures) for name, law in self.drawn.items()}


def hold_joint_laws(returns: FloatArray, draws: Draws) -> HeldLaws:
    """Return the four laws of `risk.joint` on a market, drawn when first asked for.

    A market of so many symbols that the scenarios would pass MAX_HELD_CELLS has fewer of them,
    by halves; the sampling error beside each number says what that costs.

    Parameters
    ----------
    returns : ndarray of shape (n_symbols, n_sessions)
        Finite; the estimates' window.
    """
    return HeldLaws(lambda: draw_joint_laws(returns, draws))


def draw_joint_laws(returns: FloatArray, draws: Draws) -> dict[str, LawOfBook]:
    """Estimate the market once and draw its scenarios by each method.

    Raises
    ------
    InvalidInputError
        If a return is not finite, or the symbols are so many that no scenario can be held.
    MissingDataError
        If there are fewer than MIN_HISTORY sessions.
    """
    check_market(returns)
    draws = _that_fit(draws, len(returns))
    covariance, _ = ledoit_wolf_covariance(returns)
    loadings, specific = principal_factors(returns, n_factors=N_FACTORS)
    shocks = quasi_shocks(market_degrees(returns), draws.n_scenarios, draws.seed)
    return {
        "monte_carlo_normal": MirroredScenarios(_normal(covariance, draws)),
        "monte_carlo_factor": MirroredScenarios(_factor(loadings, specific, draws)),
        "monte_carlo_quasi": EllipticalScenarios(covariance, shocks),
        "monte_carlo_t_copula": HeldScenarios(_t_copula(returns, draws)),
    }


def _that_fit(draws: Draws, n_symbols: int) -> Draws:
    n = draws.n_scenarios
    while n_symbols * n * _CELLS_A_SCENARIO > MAX_HELD_CELLS:
        n //= 2
    return replace(draws, n_scenarios=n)


def _normal(covariance: FloatArray, draws: Draws) -> FloatArray:
    root = covariance_root(covariance).astype(SINGLE)
    half = np.empty((len(root), draws.n_scenarios // 2), dtype=SINGLE)
    for at, normals in draws.halves(len(root)):
        half[:, at] = root @ normals
    return half


def _factor(loadings: FloatArray, specific: FloatArray, draws: Draws) -> FloatArray:
    n_symbols, n_factors = loadings.shape
    common, own = loadings.astype(SINGLE), np.sqrt(specific).astype(SINGLE)[:, None]
    half = np.empty((n_symbols, draws.n_scenarios // 2), dtype=SINGLE)
    for at, normals in draws.halves(n_factors + n_symbols):
        half[:, at] = common @ normals[:n_factors] + own * normals[n_factors:]
    return half


def _t_copula(returns: FloatArray, draws: Draws) -> FloatArray:
    drawn = np.empty((len(returns), draws.n_scenarios), dtype=SINGLE)
    for at, block in copula_blocks(returns, draws):
        drawn[:, at] = block
    return drawn
