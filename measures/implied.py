"""What a price implies of its model: the spread of a bond, the volatility of an option."""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from basics.errors import InvalidInputError
from measures.bonds import CashFlows, ZeroCurve, bond_prices
from measures.options import OptionTerms, option_prices

SPREADS = (-0.5, 5.0)
VOLATILITIES = (1e-4, 5.0)


def zero_spread(flows: CashFlows, curve: ZeroCurve, price: float) -> float:
    """Return the spread over every zero rate, continuous, at which a bond is worth `price`.

    Also called the Z-spread (Fabozzi 2012, chapter 5), here on continuous rates.

    Raises
    ------
    InvalidInputError
        If no spread between -50% and 500% gives the price.
    """

    def excess(spread: float) -> float:
        moved = ZeroCurve(curve.years, curve.rates + spread)
        return float(bond_prices(flows, moved)) - price

    if not excess(SPREADS[1]) <= 0.0 <= excess(SPREADS[0]):
        raise InvalidInputError(f"no spread over the curve gives a price of {price:g}")
    return float(brentq(excess, *SPREADS, xtol=1e-14, rtol=1e-14))


def implied_volatility(option: OptionTerms, price: float) -> float:
    """Return the yearly volatility at which one option is worth `price`; its own is not read.

    Raises
    ------
    InvalidInputError
        If no volatility between 0.01% and 500% gives the price: it lies outside the bounds that
        the underlying sets.
    """

    def excess(volatility: float) -> float:
        moved = replace(option, volatility=np.array([volatility]))
        return float(option_prices(moved)[0]) - price

    if not excess(VOLATILITIES[0]) <= 0.0 <= excess(VOLATILITIES[1]):
        raise InvalidInputError(f"no volatility gives a price of {price:g} on this underlying")
    return float(brentq(excess, *VOLATILITIES, xtol=1e-14, rtol=1e-14))
