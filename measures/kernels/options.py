"""Compiled option prices, cell by cell: Black-Scholes-Merton, and both of Bjerksund and Stensland.

A `style` is EUROPEAN, TWO_BOUNDARIES (American by the formula of 2002) or ONE_BOUNDARY (by that
of 1993).
"""

import math

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import compiled

_ROOT_HALF = math.sqrt(0.5)
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_RHO = math.sqrt(_GOLDEN)
# Gauss-Legendre on [0, asin(rho)] for the one correlation that the two-boundary formula needs
# (Genz 2004): 12 points give 2e-15.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_ANGLES = np.sin(0.5 * math.asin(_RHO) * (_NODES + 1.0))
_SCALED = _WEIGHTS * 0.5 * math.asin(_RHO) / (2.0 * math.pi)


EUROPEAN, TWO_BOUNDARIES, ONE_BOUNDARY = 0, 1, 2


@compiled
def cdf(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@compiled
def european(  # noqa: PLR0913, PLR0917 - a compiled scalar function; the terms of one option
    spot: float,
    strike: float,
    years: float,
    volatility: float,
    rate: float,
    dividend: float,
    sign: float,
) -> float:
    """Return the Black-Scholes-Merton price of one option; `sign` is 1 for a call, -1 for a put."""
    carry, discount = math.exp(-dividend * years), math.exp(-rate * years)
    spread = volatility * math.sqrt(years)
    if spread <= 0.0:
        return max(sign * (spot * carry - strike * discount), 0.0)
    d1 = (math.log(spot / strike) + (rate - dividend) * years) / spread + 0.5 * spread
    price = sign * (spot * carry * cdf(sign * d1) - strike * discount * cdf(sign * (d1 - spread)))
    return max(price, 0.0)


@compiled
def american(  # noqa: PLR0913, PLR0917 - as european
    spot: float,
    strike: float,
    years: float,
    volatility: float,
    rate: float,
    dividend: float,
    sign: float,
    style: int,
) -> float:
    """Return the Bjerksund-Stensland price of one option, by the formula that `style` names.

    A put is a call with spot and strike, and rate and dividend, exchanged. Never below the
    European price, nor below what exercising pays; that floor, where a volatility far below the
    cost of carry makes the paper's powers overflow.
    """
    floor = max(
        european(spot, strike, years, volatility, rate, dividend, sign), sign * (spot - strike)
    )
    if volatility * math.sqrt(years) <= 0.0:
        return max(floor, 0.0)
    s, x, r, q = (
        (spot, strike, rate, dividend) if sign > 0.0 else (strike, spot, dividend, rate)
    )  # fmt: skip
    if q <= 0.0:
        return floor  # Early exercise gives up time value and gains nothing.
    value = flat_boundaries(s, x, years, volatility, r, r - q, style)
    return value if floor < value <= s else floor


@compiled
def flat_boundaries(  # noqa: PLR0913, PLR0917 - as european
    s: float, x: float, t: float, v: float, r: float, b: float, style: int
) -> float:
    """Return the call that is exercised at flat boundaries; b is the cost of carry, below r."""
    start = max(x, r / (r - b) * x)
    beta, infinite = _perpetual(x, v, r, b)
    if beta <= 1.0 or infinite <= start or s >= _boundary(start, infinite, x, t, v, b, style):
        return s - x
    return waiting(s, x, t, v, r, b, start, style)


@compiled
def waiting(  # noqa: PLR0913, PLR0917 - as european
    s: float, x: float, t: float, v: float, r: float, b: float, start: float, style: int
) -> float:
    """Return the formula for the call that is not yet exercised, which is smooth in all of them.

    `start` is where the boundary ends at expiry.
    """
    beta, infinite = _perpetual(x, v, r, b)
    if style == ONE_BOUNDARY:
        i = _boundary(start, infinite, x, t, v, b, style)
        a = (i - x) * math.pow(s / i, beta)
        return (
            a
            - a * _phi(s, t, beta, i, i, r, b, v)
            + s * (_phi(s, t, 1.0, i, i, r, b, v) - _phi(s, t, 1.0, x, i, r, b, v))
            - x * (_phi(s, t, 0.0, i, i, r, b, v) - _phi(s, t, 0.0, x, i, r, b, v))
        )
    early = _GOLDEN * t
    i1 = _boundary(start, infinite, x, early, v, b, style)
    i2 = _boundary(start, infinite, x, t, v, b, style)
    # (i / s)^beta keeps i^-beta s^beta from overflowing for the large beta of short options.
    a1 = (i1 - x) * math.pow(s / i1, beta)
    a2 = (i2 - x) * math.pow(s / i2, beta)
    return (
        a2
        - a2 * _phi(s, early, beta, i2, i2, r, b, v)
        + s * _phi(s, early, 1.0, i2, i2, r, b, v)
        - s * _phi(s, early, 1.0, i1, i2, r, b, v)
        - x * _phi(s, early, 0.0, i2, i2, r, b, v)
        + x * _phi(s, early, 0.0, i1, i2, r, b, v)
        + a1 * _phi(s, early, beta, i1, i2, r, b, v)
        - a1 * _psi(s, t, beta, i1, i2, i1, r, b, v)
        + s * _psi(s, t, 1.0, i1, i2, i1, r, b, v)
        - s * _psi(s, t, 1.0, x, i2, i1, r, b, v)
        - x * _psi(s, t, 0.0, i1, i2, i1, r, b, v)
        + x * _psi(s, t, 0.0, x, i2, i1, r, b, v)
    )


@compiled
def _perpetual(x: float, v: float, r: float, b: float) -> tuple[float, float]:
    """Return the power of the option that never expires, and where that is exercised."""
    ratio = b / (v * v)
    beta = (0.5 - ratio) + math.sqrt((ratio - 0.5) * (ratio - 0.5) + 2.0 * r / (v * v))
    return beta, beta / (beta - 1.0) * x


@compiled
def _boundary(  # noqa: PLR0913, PLR0917 - as european
    start: float, infinite: float, x: float, t: float, v: float, b: float, style: int
) -> float:
    """Return where an option with t years left is exercised; the papers differ in the scale."""
    span = infinite - start
    scale = start / span if style == ONE_BOUNDARY else x * x / (span * start)
    return start + span * (1.0 - math.exp(-(b * t + 2.0 * v * math.sqrt(t)) * scale))


@compiled
def _phi(  # noqa: PLR0913, PLR0917 - the paper's arguments
    s: float, t: float, g: float, h: float, i: float, r: float, b: float, v: float
) -> float:
    """Return phi of the paper without its factor s^g."""
    spread = v * math.sqrt(t)
    drift = b + (g - 0.5) * v * v
    d = -(math.log(s / h) + drift * t) / spread
    kappa = 2.0 * b / (v * v) + 2.0 * g - 1.0
    growth = math.exp((-r + g * b + 0.5 * g * (g - 1.0) * v * v) * t)
    log_ratio = math.log(i / s)
    return growth * (cdf(d) - math.exp(kappa * log_ratio) * cdf(d - 2.0 * log_ratio / spread))


@compiled
def _psi(  # noqa: PLR0913, PLR0917 - the paper's arguments
    s: float, t: float, g: float, h: float, i2: float, i1: float, r: float, b: float, v: float
) -> float:
    """Return psi of the paper without its factor s^g."""
    early = _GOLDEN * t
    root, root_early = v * math.sqrt(t), v * math.sqrt(early)
    drift = b + (g - 0.5) * v * v
    at, now = drift * t, drift * early
    e1 = (math.log(s / i1) + now) / root_early
    e2 = (math.log(i2 * i2 / (s * i1)) + now) / root_early
    e3 = (math.log(s / i1) - now) / root_early
    e4 = (math.log(i2 * i2 / (s * i1)) - now) / root_early
    f1 = (math.log(s / h) + at) / root
    f2 = (math.log(i2 * i2 / (s * h)) + at) / root
    f3 = (math.log(i1 * i1 / (s * h)) + at) / root
    f4 = (math.log(s * i1 * i1 / (h * i2 * i2)) + at) / root
    kappa = 2.0 * b / (v * v) + 2.0 * g - 1.0
    growth = math.exp((-r + g * b + 0.5 * g * (g - 1.0) * v * v) * t)
    return growth * (
        _joint(-e1, -f1, 1.0)
        - math.pow(i2 / s, kappa) * _joint(-e2, -f2, 1.0)
        - math.pow(i1 / s, kappa) * _joint(-e3, -f3, -1.0)
        + math.pow(i1 / i2, kappa) * _joint(-e4, -f4, -1.0)
    )


@compiled
def _joint(h: float, k: float, sign: float) -> float:
    """Return P(X <= h, Y <= k) of normals with correlation sign sqrt(golden ratio - 1)."""
    total = 0.0
    squares, product = 0.5 * (h * h + k * k), sign * h * k
    for n in range(len(_ANGLES)):
        sine = _ANGLES[n]
        total += _SCALED[n] * math.exp((sine * product - squares) / (1.0 - sine * sine))
    return cdf(h) * cdf(k) + sign * total


@compiled
def price_each(terms: FloatArray, styles: IntArray, out: FloatArray) -> None:
    """Price options one by one.

    Parameters
    ----------
    terms : ndarray of shape (7, n)
        Spot, strike, years, volatility, rate, dividend, sign.
    styles : ndarray of shape (n,)
    """
    for i in range(terms.shape[1]):
        spot, strike, years, vol, rate, dividend, sign = terms[:, i]
        if styles[i] == EUROPEAN:
            out[i] = european(spot, strike, years, vol, rate, dividend, sign)
        else:
            out[i] = american(spot, strike, years, vol, rate, dividend, sign, styles[i])


@compiled
def wait_each(terms: FloatArray, styles: IntArray, delayed: IntArray, out: FloatArray) -> None:
    """Return `waiting` of American options one by one, also where they would be exercised.

    Parameters
    ----------
    terms, styles
        As in `price_each`.
    delayed : ndarray of shape (n,)
        1 where the boundary ends at r / (r - b) times the strike, 0 where at the strike.
    """
    for i in range(terms.shape[1]):
        spot, strike, t, v, rate, dividend, sign = terms[:, i]
        s, x, r, q = (
            (spot, strike, rate, dividend) if sign > 0.0 else (strike, spot, dividend, rate)
        )  # fmt: skip
        start = r / q * x if delayed[i] else x
        out[i] = waiting(s, x, t, v, r, r - q, start, styles[i])
