"""What a book of bonds, options and currencies is sensitive to: documents of plain values.

`risk.sensitivities` fills them. Money is in the base currency, signed by the position: a long
bond has a positive DV01 because it loses as rates rise.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRisk:
    """One option position.

    Attributes
    ----------
    style : str
        `european` (Black-Scholes-Merton) or `american` (Bjerksund-Stensland).
    formula : str
        Of an American option, empty for a European one.
    price, volatility : float
        Of one unit of the underlying, in the option's currency; yearly and flat.
    delta : float
        Units of the underlying that the position moves like.
    gamma : float
        Change of `delta` when the underlying rises by one.
    vega, theta, rho : float
        For one point (0.01) of volatility, one calendar day, one basis point of the rate.
    """

    symbol: str
    underlying: str
    right: str
    style: str
    quantity: float
    price: float
    volatility: float
    value: float
    delta: float
    delta_value: float
    gamma: float
    vega: float
    theta: float
    rho: float
    formula: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BondRisk:
    """One bond position.

    Attributes
    ----------
    price : float
        Dirty, per face, in the bond's currency.
    duration, convexity : float
        In years (Fisher-Weil), and years squared.
    dv01 : float
        Loss when the whole curve rises by one basis point.
    key_rate_dv01 : tuple of float
        The same for each node of the curve alone; they sum to `dv01`.
    """

    symbol: str
    currency: str
    quantity: float
    price: float
    value: float
    duration: float
    convexity: float
    dv01: float
    key_rate_dv01: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyRisk:
    """What stands in one currency: the loss when it falls by a hundredth is `net_value` / 100.

    Attributes
    ----------
    net_value : float
        Positions and cash; a future counts nothing.
    """

    currency: str
    rate: float
    net_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Approximation:
    """Historical VaR and ES by full revaluation beside delta-gamma-vega for the options.

    Attributes
    ----------
    of : str
        `options`, or `book`: the options by greeks and everything else revalued.
    """

    of: str
    confidence: float
    revalued_var: float
    revalued_es: float
    greeks_var: float
    greeks_es: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRisk:
    """Greeks, rates and currencies of a book of every kind of instrument.

    Attributes
    ----------
    curve_years : tuple of float
        The nodes of every `key_rate_dv01`.
    """

    curve_years: tuple[float, ...]
    options: tuple[OptionRisk, ...]
    bonds: tuple[BondRisk, ...]
    currencies: tuple[CurrencyRisk, ...]
    approximations: tuple[Approximation, ...]
