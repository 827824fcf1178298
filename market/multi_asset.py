"""A multi-asset market on one date, and how it may move: what pricing and risk read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from basics.arrays import FloatArray
from measures.bonds import ZeroCurve

DAYS_A_YEAR = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """Prices, rates and volatilities on one date.

    Attributes
    ----------
    prices : mapping of symbol to price
        In each instrument's own currency.
    fx : mapping of currency to its price in the base currency
        The base currency itself is 1.
    curves : mapping of currency to ZeroCurve
    volatilities : mapping of option symbol to yearly volatility
        One flat volatility for each option.
    dividends : mapping of underlying to continuous yearly yield
    """

    as_of: date
    base_currency: str
    prices: Mapping[str, float]
    fx: Mapping[str, float]
    curves: Mapping[str, ZeroCurve] = field(default_factory=dict)
    volatilities: Mapping[str, float] = field(default_factory=dict)
    dividends: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMoves:
    """Scenarios of the snapshot's numbers, each of n_scenarios; what is absent does not move.

    Attributes
    ----------
    prices, fx : mapping to ndarray of shape (n_scenarios,)
        Simple returns.
    curves : mapping of currency to ndarray of shape (n_nodes, n_scenarios)
        Changes of zero rates.
    volatilities : mapping of option symbol, or of underlying, to ndarray of shape (n_scenarios,)
        Relative changes.
    """

    n_scenarios: int
    prices: Mapping[str, FloatArray] = field(default_factory=dict)
    fx: Mapping[str, FloatArray] = field(default_factory=dict)
    curves: Mapping[str, FloatArray] = field(default_factory=dict)
    volatilities: Mapping[str, FloatArray] = field(default_factory=dict)
