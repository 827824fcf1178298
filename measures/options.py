"""Option prices and greeks: Black-Scholes-Merton, and Bjerksund-Stensland 2002 for American.

A price is per unit of the underlying. Theta is per year (negative as time passes), vega per 1.00
of volatility, rho per 1.00 of rate.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError
from measures.kernels.options import price_each
from measures.kernels.options_bulk import revalue

# Central differences for the American greeks: the steps balance truncation against rounding.
_SPOT_STEP, _OTHER_STEP = 1e-3, 1e-4
# Prices below which one by one is quick enough, and spares compiling the kernel for many.
_FEW_CELLS = 20_000


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
    """

    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    volatility: FloatArray
    rate: FloatArray
    dividend: FloatArray
    is_call: BoolArray
    is_american: BoolArray

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Price and sensitivities, one for each option."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray


def option_prices(options: OptionTerms) -> FloatArray:
    """Return the price of each option.

    European by Black-Scholes-Merton (Hull 2018, equations 17.4 and 17.5); American by Bjerksund
    and Stensland (2002), "Closed form valuation of American options", a lower bound that comes
    within about 2% of the exact price at the usual terms.
    """
    prices = np.empty(len(options.spot))
    price_each(options.stacked(), options.is_american.astype(np.int64), prices)
    return prices


def option_scenarios(
    options: OptionTerms,
    *,
    spot_ratio: FloatArray,
    volatility_ratio: FloatArray,
    threads: int = 2,
) -> FloatArray:
    """Return the price of each option in each scenario, by full revaluation.

    In bulk, and within 1e-9 of the larger of spot and strike equal to `option_prices`.

    Parameters
    ----------
    spot_ratio, volatility_ratio : ndarray of shape (n, n_scenarios) or (1, n_scenarios)
        Factors on spot and volatility; positive, and not negative.

    Returns
    -------
    ndarray of shape (n, n_scenarios)
    """
    n_scenarios = spot_ratio.shape[1]
    if volatility_ratio.shape[1] != n_scenarios:
        raise InvalidInputError(
            f"{n_scenarios} spot and {volatility_ratio.shape[1]} volatility scenarios must match"
        )
    if not ((spot_ratio > 0).all() and (volatility_ratio >= 0).all()):
        raise InvalidInputError("spot ratios must be positive, volatility ratios not negative")
    if threads < 1:
        raise InvalidInputError(f"threads must be at least 1, got {threads}")
    terms, early = options.stacked(), options.is_american.astype(np.int64)
    prices = np.empty((len(options.spot), n_scenarios))
    if prices.size < _FEW_CELLS:
        moved = np.repeat(terms, n_scenarios, axis=1)
        moved[0] *= np.broadcast_to(spot_ratio, prices.shape).ravel()
        moved[3] *= np.broadcast_to(volatility_ratio, prices.shape).ravel()
        price_each(moved, np.repeat(early, n_scenarios), prices.ravel())
        return prices

    def fill(part: slice) -> None:
        spots, levels = (
            rows if len(rows) == 1 else rows[part] for rows in (spot_ratio, volatility_ratio)
        )
        revalue(terms[:, part], early[part], spots, levels, prices[part])

    bounds = np.linspace(0, len(prices), 8 * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, [slice(start, end) for start, end in itertools.pairwise(bounds)]))
    return prices


def option_greeks(options: OptionTerms) -> Greeks:
    """Return price and greeks: in closed form for European, by central differences for American.

    Without time or volatility gamma, vega and theta are 0.
    """
    closed, bumped = _closed_greeks(options), None
    if options.is_american.any():
        bumped = _bumped_greeks(options)
    chosen = {}
    for name in Greeks.__slots__:
        european = getattr(closed, name)
        chosen[name] = (
            european
            if bumped is None
            else np.where(options.is_american, getattr(bumped, name), european)
        )
    return Greeks(**chosen)


def _closed_greeks(o: OptionTerms) -> Greeks:
    from scipy.special import ndtr

    sign = np.where(o.is_call, 1.0, -1.0)
    root = np.sqrt(o.years)
    spread = o.volatility * root
    alive = spread > 0
    safe = np.where(alive, spread, 1.0)
    forward = np.log(o.spot / o.strike) + (o.rate - o.dividend) * o.years
    d1 = np.where(alive, forward / safe + 0.5 * spread, np.sign(forward) * np.inf)
    d1 = np.where(np.isnan(d1), 0.0, d1)
    carry, discount = np.exp(-o.dividend * o.years), np.exp(-o.rate * o.years)
    density = np.where(alive, np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi), 0.0)
    inner, paid = ndtr(sign * d1), o.strike * discount * ndtr(sign * (d1 - spread))
    decay = o.spot * carry * density * o.volatility / np.where(alive, 2 * root, 1.0)
    return Greeks(
        price=option_prices(replace(o, is_american=np.zeros_like(o.is_american))),
        delta=sign * carry * inner,
        gamma=carry * density / (o.spot * safe),
        vega=o.spot * carry * density * root,
        theta=-decay + sign * (o.dividend * o.spot * carry * inner - o.rate * paid),
        rho=sign * o.years * paid,
    )


def _bumped_greeks(o: OptionTerms) -> Greeks:
    step = o.spot * _SPOT_STEP
    price = option_prices(o)
    up = option_prices(replace(o, spot=o.spot + step))
    down = option_prices(replace(o, spot=o.spot - step))
    less, sooner = np.maximum(o.volatility - _OTHER_STEP, 0.0), np.maximum(o.years - _OTHER_STEP, 0)
    vega = option_prices(replace(o, volatility=o.volatility + _OTHER_STEP)) - option_prices(
        replace(o, volatility=less)
    )
    theta = option_prices(replace(o, years=sooner)) - option_prices(
        replace(o, years=o.years + _OTHER_STEP)
    )
    rho = option_prices(replace(o, rate=o.rate + _OTHER_STEP)) - option_prices(
        replace(o, rate=o.rate - _OTHER_STEP)
    )
    return Greeks(
        price=price,
        delta=(up - down) / (2 * step),
        gamma=(up - 2 * price + down) / step**2,
        vega=vega / (o.volatility + _OTHER_STEP - less),
        theta=theta / (o.years + _OTHER_STEP - sooner),
        rho=rho / (2 * _OTHER_STEP),
    )
