"""A multi-asset market on one date, and how it may move: what pricing and risk read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.bonds import ZeroCurve
from measures.options import AmericanFormula

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
    spreads : mapping of bond symbol to what its zero rates are above its curve
        A bond that is not in it has none.
    american : AmericanFormula
        How American options are priced on it.
    """

    as_of: date
    base_currency: str
    prices: Mapping[str, float]
    fx: Mapping[str, float]
    curves: Mapping[str, ZeroCurve] = field(default_factory=dict)
    volatilities: Mapping[str, float] = field(default_factory=dict)
    dividends: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    american: AmericanFormula = AmericanFormula.TWO_BOUNDARIES

    def price_of(self, symbol: str) -> float:
        """Return a price, or raise MissingDataError."""
        price = self.prices.get(symbol)
        if price is None or not np.isfinite(price):
            raise MissingDataError(f"{symbol} has no price on {self.as_of}")
        return price

    def rate_of(self, currency: str) -> float:
        """Return the price of a currency in the base currency, or raise MissingDataError."""
        if currency == self.base_currency:
            return 1.0
        rate = self.fx.get(currency)
        if rate is None or not rate > 0:
            raise MissingDataError(
                f"no exchange rate of {currency} to {self.base_currency} is known"
            )
        return rate

    def curve_of(self, currency: str) -> ZeroCurve:
        """Return the zero curve of a currency, or raise MissingDataError."""
        if currency not in self.curves:
            raise MissingDataError(f"no {currency} curve is known")
        return self.curves[currency]

    def curve_for(self, bond: str, currency: str) -> ZeroCurve:
        """Return the curve that a bond is priced on: its currency's, with its own spread."""
        curve, spread = self.curve_of(currency), self.spreads.get(bond)
        return curve if spread is None else ZeroCurve(curve.years, curve.rates + spread)


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

    def price_moves(self, name: str) -> FloatArray:
        """Return the returns of a price, zeros where it does not move."""
        return self.prices.get(name, np.zeros(self.n_scenarios))

    def rate_moves(self, currency: str) -> FloatArray:
        """Return the returns of a currency, zeros where it does not move."""
        return self.fx.get(currency, np.zeros(self.n_scenarios))

    def volatility_moves(self, symbol: str, underlying: str) -> FloatArray:
        """Return the relative changes of an option's volatility, else of its underlying's."""
        own = self.volatilities.get(symbol)
        if own is not None:
            return own
        return self.volatilities.get(underlying, np.zeros(self.n_scenarios))
