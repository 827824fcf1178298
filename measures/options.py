"""Option prices: Black-Scholes-Merton, and Bjerksund-Stensland for American.

A price is per unit of the underlying; `measures.option_greeks` has its slopes.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from basics.errors import InvalidInputError
from measures.kernels.options import EUROPEAN, ONE_BOUNDARY, TWO_BOUNDARIES, price_each
from measures.kernels.options_bulk import revalue

# Prices below which one by one is quick enough, and spares compiling the kernel for many.
_FEW_CELLS = 20_000


class AmericanFormula(StrEnum):
    """How an American option is approximated: by two flat exercise boundaries, or by one.

    Bjerksund and Stensland (2002), "Closed form valuation of American options", or (1993),
    "Closed-form approximation of American options", which is what QuantLib's engine computes.
    """

    TWO_BOUNDARIES = "bjerksund_stensland_2002"
    ONE_BOUNDARY = "bjerksund_stensland_1993"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTerms:
    """Options and what they are priced on, one element each.

    Attributes
    ----------
    spot, strike : ndarray of shape (n,)
        Positive.
    years : ndarray of shape (n,)
        To expiry; at 0 an option is worth what exercising it pays.
    volatility : ndarray of shape (n,)
        A year, as a fraction; at 0 an option is worth its discounted forward payoff.
    rate, dividend : ndarray of shape (n,)
        Continuous, a year.
    is_call, is_american : ndarray of shape (n,)
    formula : AmericanFormula
        Of all that are American.
    """

    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    volatility: FloatArray
    rate: FloatArray
    dividend: FloatArray
    is_call: BoolArray
    is_american: BoolArray
    formula: AmericanFormula = AmericanFormula.TWO_BOUNDARIES

    def __post_init__(self) -> None:
        for name in ("spot", "strike"):
            if not (getattr(self, name) > 0).all():
                raise InvalidInputError(f"{name} must be positive, got {getattr(self, name).min()}")
        for name in ("years", "volatility"):
            if not (getattr(self, name) >= 0).all():
                raise InvalidInputError(
                    f"{name} must not be negative, got {getattr(self, name).min()}: "
                    "an option past its expiry has settled"
                )
        for name in ("rate", "dividend"):
            if not np.isfinite(getattr(self, name)).all():
                raise InvalidInputError(f"{name} must be finite")

    def stacked(self) -> FloatArray:
        """Return the terms as the kernels read them, of shape (7, n)."""
        return np.stack(
            [
                self.spot,
                self.strike,
                self.years,
                self.volatility,
                self.rate,
                self.dividend,
                np.where(self.is_call, 1.0, -1.0),
            ]
        )

    def styles(self) -> IntArray:
        """Return how the kernels are to price each, of shape (n,)."""
        one = self.formula is AmericanFormula.ONE_BOUNDARY
        return np.where(self.is_american, ONE_BOUNDARY if one else TWO_BOUNDARIES, EUROPEAN)


def option_prices(options: OptionTerms) -> FloatArray:
    """Return the price of each option.

    European by Black-Scholes-Merton (Hull 2018, equations 17.4 and 17.5); American by the
    `formula` of the terms, a lower bound that comes within about 2% of the exact price at the
    usual terms.
    """
    prices = np.empty(len(options.spot))
    price_each(options.stacked(), options.styles(), prices)
    return prices


def option_scenarios(
    options: OptionTerms,
    *,
    spot_ratio: FloatArray,
    volatility_ratio: FloatArray,
    rate_change: FloatArray | None = None,
    dividend_change: FloatArray | None = None,
    threads: int = 2,
) -> FloatArray:
    """Return the price of each option in each scenario, by full revaluation.

    In bulk, and within 1e-9 of the larger of spot and strike equal to `option_prices`.

    Parameters
    ----------
    spot_ratio, volatility_ratio : ndarray of shape (n, n_scenarios) or (1, n_scenarios)
        Factors on spot and volatility; positive, and not negative.
    rate_change, dividend_change : ndarray of shape (n, n_scenarios) or (1, n_scenarios), optional
        Added to rate and dividend; 0 where absent.

    Returns
    -------
    ndarray of shape (n, n_scenarios)
    """
    n_scenarios = spot_ratio.shape[1]
    still = np.zeros((1, n_scenarios))
    changes = tuple(still if given is None else given for given in (rate_change, dividend_change))
    _require_scenarios(spot_ratio, volatility_ratio, *changes)
    if threads < 1:
        raise InvalidInputError(f"threads must be at least 1, got {threads}")
    terms, styles = options.stacked(), options.styles()
    prices = np.empty((len(options.spot), n_scenarios))
    if prices.size < _FEW_CELLS:
        spots, levels, rates, dividends = (
            np.broadcast_to(given, prices.shape).ravel()
            for given in (spot_ratio, volatility_ratio, *changes)
        )
        moved = np.repeat(terms, n_scenarios, axis=1)
        moved[0] *= spots
        moved[3] *= levels
        moved[4] += rates
        moved[5] += dividends
        price_each(moved, np.repeat(styles, n_scenarios), prices.ravel())
        return prices
    moves = np.stack(np.broadcast_arrays(*changes))

    def fill(part: slice) -> None:
        spots, levels = (
            rows if len(rows) == 1 else rows[part] for rows in (spot_ratio, volatility_ratio)
        )
        added = moves if moves.shape[1] == 1 else moves[:, part]
        revalue(terms[:, part], styles[part], spots, levels, added, prices[part])

    bounds = np.linspace(0, len(prices), 8 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, [slice(start, end) for start, end in itertools.pairwise(bounds)]))
    return prices


def _require_scenarios(
    spot: FloatArray, volatility: FloatArray, rate: FloatArray, dividend: FloatArray
) -> None:
    for name, rows in (("volatility", volatility), ("rate", rate), ("dividend", dividend)):
        if rows.shape[1] != spot.shape[1]:
            raise InvalidInputError(
                f"{spot.shape[1]} spot and {rows.shape[1]} {name} scenarios must match"
            )
    if not ((spot > 0).all() and (volatility >= 0).all()):
        raise InvalidInputError("spot ratios must be positive, volatility ratios not negative")
    if not (np.isfinite(rate).all() and np.isfinite(dividend).all()):
        raise InvalidInputError("changes of rate and dividend must be finite")
