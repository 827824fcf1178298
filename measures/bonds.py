"""Fixed-coupon bonds on a zero curve: price, duration, convexity, key-rate DV01.

Rates are continuously compounded, a year, interpolated linearly between nodes and flat beyond.
Prices are dirty, per `face`. DV01 is positive where the bond loses as rates rise.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError

BASIS_POINT = 1e-4


@dataclass(frozen=True, slots=True)
class ZeroCurve:
    """Zero rates at nodes.

    Attributes
    ----------
    years : ndarray of shape (n_nodes,)
        Positive, increasing.
    rates : ndarray of shape (n_nodes,) or (n_nodes, n_scenarios)
        Continuous, a year, as fractions.
    """

    years: FloatArray
    rates: FloatArray

    def __post_init__(self) -> None:
        if len(self.years) == 0 or len(self.years) != len(self.rates):
            raise InvalidInputError(
                f"{len(self.years)} nodes and {len(self.rates)} rates must match"
            )
        if not (self.years[0] > 0 and (np.diff(self.years) > 0).all()):
            raise InvalidInputError(f"nodes must be positive and increasing, got {self.years}")
        if not np.isfinite(self.rates).all():
            raise InvalidInputError("zero rates must be finite")

    def weights(self, times: FloatArray) -> FloatArray:
        """Return how much each node counts at each time, of shape (n_times, n_nodes)."""
        clipped = np.clip(times, self.years[0], self.years[-1])
        unit = np.eye(len(self.years))
        return np.stack([np.interp(clipped, self.years, row) for row in unit], axis=1)


@dataclass(frozen=True, slots=True)
class CashFlows:
    """Payments still to come.

    Attributes
    ----------
    years : ndarray of shape (n,)
        From today; positive.
    amounts : ndarray of shape (n,)
    """

    years: FloatArray
    amounts: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BondMeasures:
    """A bond on a curve.

    Attributes
    ----------
    price : float
        Dirty.
    duration : float
        -dP/dy / P for a parallel shift of continuous rates, in years (Fisher-Weil).
    convexity : float
        d2P/dy2 / P, in years squared.
    key_rate_dv01 : ndarray of shape (n_nodes,)
        Loss when a node rises by one basis point; sums to the DV01 of a parallel shift.
    """

    price: float
    duration: float
    convexity: float
    key_rate_dv01: FloatArray


def coupon_cash_flows(
    years_to_maturity: float, *, coupon_rate: float, coupons_per_year: int, face: float = 100.0
) -> CashFlows:
    """Return the payments left of a bond whose coupons fall on equal steps back from maturity.

    Raises
    ------
    InvalidInputError
        If the bond has matured or its terms are malformed.
    """
    if not years_to_maturity > 0:
        raise InvalidInputError(f"a bond {years_to_maturity} years from maturity has matured")
    if coupons_per_year < 1 or coupon_rate < 0 or not face > 0:
        raise InvalidInputError(
            f"coupons_per_year {coupons_per_year}, coupon_rate {coupon_rate}, face {face}: "
            "a bond needs at least one coupon a year, a rate >= 0 and a positive face"
        )
    count = int(np.ceil(years_to_maturity * coupons_per_year - 1e-9))
    years = years_to_maturity - np.arange(count - 1, -1, -1) / coupons_per_year
    amounts = np.full(count, face * coupon_rate / coupons_per_year)
    amounts[-1] += face
    return CashFlows(years, amounts)


def bond_prices(flows: CashFlows, curve: ZeroCurve) -> FloatArray:
    """Return the price on each curve of a stack, of shape (n_scenarios,), or () for one curve."""
    rates = curve.weights(flows.years) @ curve.rates
    times = flows.years if rates.ndim == 1 else flows.years[:, None]
    prices: FloatArray = flows.amounts @ np.exp(-rates * times)
    return prices


def bond_measures(flows: CashFlows, curve: ZeroCurve) -> BondMeasures:
    """Return price, duration, convexity and key-rate DV01 of a bond on one curve."""
    weights = curve.weights(flows.years)
    present = flows.amounts * np.exp(-(weights @ curve.rates) * flows.years)
    price = float(present.sum())
    return BondMeasures(
        price=price,
        duration=float(present @ flows.years) / price,
        convexity=float(present @ flows.years**2) / price,
        key_rate_dv01=(present * flows.years) @ weights * BASIS_POINT,
    )
