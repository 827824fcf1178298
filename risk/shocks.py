"""Stress: an immutable shock gives a perturbed copy of the market; the book is priced on both.

A `MarketState` says what is believed of tomorrow: how much each symbol moves at once (zero
before a shock), how volatile and correlated they are, what trading costs. A `Shock` is data (a
row of `policy/stress/*.toml`); applying it never changes the state it was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.covariance import is_positive_semidefinite, nearest_correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """What is believed of the next session, for each of n symbols.

    Attributes
    ----------
    moves : ndarray of shape (n,)
        Simple return that happens at once.
    volatilities : ndarray of shape (n,)
        Daily standard deviation of returns.
    correlation : ndarray of shape (n, n)
    market_betas, rate_betas : ndarray of shape (n,)
        Return per unit return of the market; return per unit of yield (1.00 = 100 points).
    factor_betas : mapping of str to ndarray of shape (n,)
        Return per unit move of any other named factor.
    half_spreads : ndarray of shape (n,)
        Half the quoted spread as a fraction of price.
    daily_notional : ndarray of shape (n,)
        Money traded a day; NaN where unknown.
    """

    symbols: tuple[str, ...]
    moves: FloatArray
    volatilities: FloatArray
    correlation: FloatArray
    market_betas: FloatArray
    rate_betas: FloatArray
    half_spreads: FloatArray
    daily_notional: FloatArray
    factor_betas: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def covariance(self) -> FloatArray:
        """Covariance of daily returns, of shape (n, n)."""
        scaled: FloatArray = self.correlation * np.outer(self.volatilities, self.volatilities)
        return scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """An immutable set of perturbations; the defaults change nothing.

    Attributes
    ----------
    market_return : float
        Return of the market; each symbol moves by its beta.
    rate_change : float
        Change of the yield: 0.01 is one point; each symbol moves by its rate sensitivity.
    factor_returns : mapping
        Moves of other named factors.
    symbol_returns : mapping
        Moves of single symbols, on top.
    currency_returns : mapping
        Moves of other currencies against the base by name, `*` for the rest; they reach the books
        that hold other currencies.
    volatility_multiple : float
        Factor on every volatility.
    correlation_target, correlation_weight : float
        Each off-diagonal correlation moves this share of the way to the target.
    spread_multiple, volume_multiple : float
        Factors on spreads and on traded volume.
    """

    market_return: float = 0.0
    rate_change: float = 0.0
    factor_returns: Mapping[str, float] = field(default_factory=dict)
    symbol_returns: Mapping[str, float] = field(default_factory=dict)
    currency_returns: Mapping[str, float] = field(default_factory=dict)
    volatility_multiple: float = 1.0
    correlation_target: float = 0.0
    correlation_weight: float = 0.0
    spread_multiple: float = 1.0
    volume_multiple: float = 1.0

    def __post_init__(self) -> None:
        for name in ("volatility_multiple", "spread_multiple", "volume_multiple"):
            if not getattr(self, name) > 0:
                raise InvalidInputError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0.0 <= self.correlation_weight <= 1.0:
            raise InvalidInputError(
                f"correlation_weight must lie in [0, 1], got {self.correlation_weight}"
            )
        if not -1.0 <= self.correlation_target <= 1.0:
            raise InvalidInputError(
                f"correlation_target must lie in [-1, 1], got {self.correlation_target}"
            )
        for name, change in self.currency_returns.items():
            if change <= -1.0:
                raise InvalidInputError(f"{name} must not fall to nothing, got {change}")
        if self.market_return < -1.0:
            raise InvalidInputError(
                f"market_return must not fall below -1, got {self.market_return}"
            )

    def apply(self, state: MarketState) -> MarketState:
        """Return a perturbed copy of `state`.

        A position cannot lose more than all: moves are floored at -1. The stressed
        correlation matrix is repaired to the nearest positive semidefinite one (Higham).

        Raises
        ------
        InvalidInputError
            If a factor or a symbol of the shock is unknown to the state.
        """
        return replace(
            state,
            moves=np.maximum(state.moves + self._moves(state), -1.0),
            volatilities=state.volatilities * self.volatility_multiple,
            correlation=self._correlation(state.correlation),
            half_spreads=state.half_spreads * self.spread_multiple,
            daily_notional=state.daily_notional * self.volume_multiple,
        )

    def _moves(self, state: MarketState) -> FloatArray:
        moves = state.market_betas * self.market_return + state.rate_betas * self.rate_change
        for name, change in self.factor_returns.items():
            if name not in state.factor_betas:
                raise InvalidInputError(
                    f"no sensitivity to factor {name!r} is known; "
                    f"known are {', '.join(sorted(state.factor_betas)) or 'none'}"
                )
            moves = moves + state.factor_betas[name] * change
        if self.symbol_returns:
            own = [self.symbol_returns.get(symbol, 0.0) for symbol in state.symbols]
            moves = moves + np.array(own)
        return moves

    def _correlation(self, correlation: FloatArray) -> FloatArray:
        if self.correlation_weight == 0.0:
            return correlation
        moved = correlation + self.correlation_weight * (self.correlation_target - correlation)
        np.fill_diagonal(moved, 1.0)
        # A common negative correlation among many assets cannot exist: repair it.
        return moved if is_positive_semidefinite(moved) else nearest_correlation(moved)
