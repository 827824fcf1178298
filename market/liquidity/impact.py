"""What a trade costs: the one impact model that risk, strategy and orders share.

With q = |x| / V the share of a day's volume V that is traded over T days, sigma the daily
volatility and z = |x| P the notional, the expected cost in money is

    z (s + a + b sigma (q / T)^beta + c sigma q^alpha / 2)

the half spread s and linear fees a, a temporary part that only this trade pays, and half of the
permanent move c sigma q^alpha that it leaves behind. With beta = 1/2 and c = 0 this is the
square-root family a|x| + b sigma |x|^1.5 / V^0.5.

Signs: cost is positive money whichever way the trade goes; a concession carries the sign of the
quantity, so that price (1 + concession) is what a buyer pays and a seller gets.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactCost:
    """The parts of a concession, each a fraction of price, never negative."""

    spread: FloatArray
    linear: FloatArray
    temporary: FloatArray
    permanent: FloatArray

    @property
    def total(self) -> FloatArray:
        """Sum of the parts, as a fraction of price."""
        return self.spread + self.linear + self.temporary + self.permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactModel:
    """Coefficients of the impact model.

    The defaults are those of Almgren, Thum, Hauptmann and Li (2005), "Direct estimation of equity
    market impact", estimated on US large caps; `fit_impact` replaces them by a desk's own fills.

    Attributes
    ----------
    half_spread : float
        Half the quoted spread as a fraction of price. The default, two basis points, is an
        assumption for a liquid large cap, not an estimate.
    linear : float
        Fees and taxes as a fraction of notional (a).
    temporary, temporary_exponent : float
        b and beta: Almgren's eta and beta.
    permanent, permanent_exponent : float
        c before the turnover factor, and alpha: Almgren's gamma and alpha.
    days_outstanding : float
        Shares outstanding over daily volume; the permanent part scales with its fourth root.
    """

    half_spread: float = 0.0002
    linear: float = 0.0
    temporary: float = 0.142
    temporary_exponent: float = 0.600
    permanent: float = 0.314
    permanent_exponent: float = 0.891
    days_outstanding: float = 200.0

    def __post_init__(self) -> None:
        for name in ("half_spread", "linear", "temporary", "permanent"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidInputError(f"{name} must be finite and not negative, got {value}")
        for name in ("temporary_exponent", "permanent_exponent", "days_outstanding"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidInputError(f"{name} must be finite and positive, got {value}")

    @classmethod
    def square_root(
        cls, *, coefficient: float = 1.0, half_spread: float = 0.0002, linear: float = 0.0
    ) -> "ImpactModel":
        """Return a|x| + b sigma |x|^1.5 / V^0.5.

        With `coefficient` 1 a day's volume costs a day's volatility, the rule of thumb of Grinold
        and Kahn (2000), chapter 16.
        """
        return cls(
            half_spread=half_spread,
            linear=linear,
            temporary=coefficient,
            temporary_exponent=0.5,
            permanent=0.0,
        )

    def parts(
        self,
        quantity: npt.ArrayLike,
        *,
        volume: npt.ArrayLike,
        volatility: npt.ArrayLike,
        days: float = 1.0,
    ) -> ImpactCost:
        """Split the concession of trading `quantity`; the arguments broadcast.

        Parameters
        ----------
        quantity : array_like
            Units traded, signed; zero costs nothing, whatever the volume.
        volume : array_like
            Units that trade in a day, positive where the quantity is not zero.
        volatility : array_like
            Standard deviation of daily returns, a fraction. NaN gives NaN.
        days : float
            Time over which the trade is worked, in days of `volume`.

        Raises
        ------
        InvalidInputError
            If `days` is not positive, or quantity is traded where volume is not positive.
        """
        size = np.abs(np.asarray(quantity, dtype=np.float64))
        daily, sigma = (np.asarray(v, dtype=np.float64) for v in (volume, volatility))
        size, daily, sigma = np.broadcast_arrays(size, daily, sigma)
        if not days > 0:
            raise InvalidInputError(f"days must be positive, got {days}")
        traded = size != 0
        if np.any(traded & ~np.isnan(daily) & (daily <= 0)):
            raise InvalidInputError("a quantity needs a positive volume to trade against, got 0")
        if np.any(sigma < 0):
            raise InvalidInputError(f"volatility must not be negative, got {np.nanmin(sigma)}")
        share = np.divide(size, daily, out=np.zeros(size.shape), where=traded)
        vol = np.where(traded, sigma, 0.0)
        permanent = self.permanent * self.days_outstanding**0.25 / 2
        return ImpactCost(
            spread=np.where(traded, self.half_spread, 0.0),
            linear=np.where(traded, self.linear, 0.0),
            temporary=self.temporary * vol * (share / days) ** self.temporary_exponent,
            permanent=permanent * vol * share**self.permanent_exponent,
        )

    def concession(
        self,
        quantity: npt.ArrayLike,
        *,
        volume: npt.ArrayLike,
        volatility: npt.ArrayLike,
        days: float = 1.0,
    ) -> FloatArray:
        """Return the expected price concession as a fraction of price, signed as `quantity`.

        Arguments and errors as for `parts`.
        """
        parts = self.parts(quantity, volume=volume, volatility=volatility, days=days)
        return np.asarray(np.sign(np.asarray(quantity, dtype=np.float64)) * parts.total)

    def cost(
        self,
        quantity: npt.ArrayLike,
        *,
        price: npt.ArrayLike,
        volume: npt.ArrayLike,
        volatility: npt.ArrayLike,
        days: float = 1.0,
    ) -> FloatArray:
        """Return the expected cost in the currency of `price`, never negative.

        Arguments and errors as for `parts`; `price` is money per unit.
        """
        parts = self.parts(quantity, volume=volume, volatility=volatility, days=days)
        notional = np.abs(np.asarray(quantity, dtype=np.float64) * np.asarray(price, np.float64))
        return np.asarray(notional * parts.total)


ALMGREN_2005 = ImpactModel()


def fit_impact(
    shortfall: FloatArray,
    *,
    participation: FloatArray,
    volatility: FloatArray,
    exponent: float = 0.5,
) -> ImpactModel:
    """Fit half spread and square-root coefficient to a desk's own executions.

    Least squares of the shortfall on 1 and sigma q^exponent, coefficients not negative. Rows with
    a NaN are left out.

    Parameters
    ----------
    shortfall : ndarray of shape (n_trades,)
        Cost against arrival as a fraction of price, positive when paid.
    participation, volatility : ndarray of shape (n_trades,)
        Quantity over the volume of the time it took; daily volatility.

    Raises
    ------
    MissingDataError
        If fewer than ten complete rows remain.
    """
    from scipy.optimize import nnls

    rows = np.isfinite(shortfall) & np.isfinite(participation) & np.isfinite(volatility)
    if rows.sum() < 10:
        raise MissingDataError(f"{rows.sum()} complete executions cannot fit an impact model: 10")
    design = np.column_stack(
        [np.ones(int(rows.sum())), volatility[rows] * participation[rows] ** exponent]
    )
    (half_spread, coefficient), _ = nnls(design, shortfall[rows])
    return ImpactModel(
        half_spread=float(half_spread),
        temporary=float(coefficient),
        temporary_exponent=exponent,
        permanent=0.0,
    )
