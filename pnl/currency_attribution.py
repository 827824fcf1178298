"""Excess return of a portfolio in several currencies (Ankrim and Hensel 1994).

The base-currency return of a market is taken apart into its forward premium d = F / S0 - 1, its
currency surprise e = (S1 - F) / S0, and the rest k = r - d - e, which is the local return with
its cross with the currency. Allocation and selection are measured on k; what bets on currencies
earned stands as forward premium and as currency management. Periods are linked by Carino.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from pnl.linking import Linking, link


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyEffects:
    """Effects by market, (n_markets,) each; all of them sum to the excess return."""

    allocation: FloatArray
    selection: FloatArray
    interaction: FloatArray
    forward_premium: FloatArray
    currency_management: FloatArray

    @property
    def total(self) -> float:
        """The excess return in the base currency."""
        parts = (self.allocation, self.selection, self.interaction)
        bets = (self.forward_premium, self.currency_management)
        return float(sum(part.sum() for part in (*parts, *bets)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCurrencyEffects:
    """Effects over a span: they sum to its excess return, `portfolio` less `benchmark`."""

    effects: CurrencyEffects
    portfolio: float
    benchmark: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """One period of portfolio and benchmark by market, (n_markets,) each.

    Attributes
    ----------
    portfolio_returns, benchmark_returns : ndarray
        In the base currency.
    spot, next_spot, forward : ndarray
        Base units for one of the market's currency: at the start, at the end, and as agreed at
        the start for the end. All 1 for the base currency.
    """

    portfolio_weights: FloatArray
    benchmark_weights: FloatArray
    portfolio_returns: FloatArray
    benchmark_returns: FloatArray
    spot: FloatArray
    next_spot: FloatArray
    forward: FloatArray


def ankrim_hensel(markets: Markets) -> CurrencyEffects:
    """Split the excess return of one period.

    Raises
    ------
    InvalidInputError
        If weights do not sum to 1, shapes differ or a rate is not positive.
    """
    shape = markets.spot.shape
    for name in Markets.__slots__:
        values = getattr(markets, name)
        if values.shape != shape or not np.isfinite(values).all():
            raise InvalidInputError(f"{name} must be finite and of shape {shape}")
    for name in ("spot", "next_spot", "forward"):
        if not (getattr(markets, name) > 0).all():
            raise InvalidInputError(f"{name} must be positive: it is a rate of exchange")
    for name in ("portfolio_weights", "benchmark_weights"):
        if abs(getattr(markets, name).sum() - 1.0) > 1e-6:
            raise InvalidInputError(f"{name} sum to {getattr(markets, name).sum():.6f}, not 1")
    premium = markets.forward / markets.spot - 1.0
    surprise = (markets.next_spot - markets.forward) / markets.spot
    own = markets.portfolio_returns - premium - surprise
    other = markets.benchmark_returns - premium - surprise
    bet = markets.portfolio_weights - markets.benchmark_weights
    weights = markets.benchmark_weights
    return CurrencyEffects(
        allocation=bet * (other - weights @ other),
        selection=weights * (own - other),
        interaction=bet * (own - other),
        forward_premium=bet * (premium - weights @ premium),
        currency_management=bet * (surprise - weights @ surprise),
    )


EFFECTS = ("allocation", "selection", "interaction", "forward_premium", "currency_management")


def linked_ankrim_hensel(periods: Sequence[Markets]) -> LinkedCurrencyEffects:
    """Split the excess return of a span of periods, each with the same markets.

    Raises
    ------
    MissingDataError
        If there is no period.
    InvalidInputError
        As `ankrim_hensel`, or if the periods differ in their markets.
    """
    if not periods:
        raise MissingDataError("there is no period to attribute: widen the range")
    n_markets = len(periods[0].spot)
    if any(len(period.spot) != n_markets for period in periods):
        raise InvalidInputError("every period must have the same markets")
    split = [ankrim_hensel(period) for period in periods]
    rows = np.array([np.concatenate([getattr(one, name) for name in EFFECTS]) for one in split])
    portfolio = np.array([p.portfolio_weights @ p.portfolio_returns for p in periods])
    benchmark = np.array([p.benchmark_weights @ p.benchmark_returns for p in periods])
    linked = link(rows, portfolio, benchmark, method=Linking.CARINO).reshape(len(EFFECTS), -1)
    return LinkedCurrencyEffects(
        effects=CurrencyEffects(**dict(zip(EFFECTS, linked, strict=True))),
        portfolio=float(np.prod(1.0 + portfolio) - 1.0),
        benchmark=float(np.prod(1.0 + benchmark) - 1.0),
    )
