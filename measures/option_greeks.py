"""Greeks of options: in closed form for European, slopes of the smooth formula for American.

Theta is per year (negative as time passes), vega per 1.00 of volatility, rho per 1.00 of rate.

An American price is the larger of three: the European price, what exercising pays, and the value of
waiting. Its greeks are those of the one that it is. The formula of waiting is smooth, also beyond
the boundary where it no longer applies, so its slopes are central differences of sixth order at
small steps of its natural scales: within 1e-8 of the exact slopes at the usual terms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import BoolArray, FloatArray
from measures.kernels.options import wait_each
from measures.options import OptionTerms, option_prices

# Rows of `OptionTerms.stacked` that the greeks are slopes of.
_SPOT, _YEARS, _VOL, _RATE = 0, 2, 3, 4
_SPOT_STEP, _RELATIVE_STEP, _RATE_STEP, _OF_RATE = 0.02, 0.005, 0.0005, 0.002
_AWAY = (-3, -2, -1, 1, 2, 3)
_SLOPE = np.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / 60.0
_BEND, _BEND_AT = np.array([2.0, -27.0, 270.0, 270.0, -27.0, 2.0]) / 180.0, -490.0 / 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Price and sensitivities, one for each option."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray


def option_greeks(options: OptionTerms) -> Greeks:
    """Return price and greeks.

    Without time or volatility, and where an American option is exercised at once, gamma, vega
    and theta are 0.
    """
    european = _closed_greeks(options)
    if not options.is_american.any():
        return european
    price = option_prices(options)
    sign = np.where(options.is_call, 1.0, -1.0)
    held = price > european.price
    exercised = options.is_american & held & (price <= sign * (options.spot - options.strike))
    waits = options.is_american & held & ~exercised
    found = {name: getattr(european, name).copy() for name in Greeks.__slots__}
    found["price"] = price
    for name in ("gamma", "vega", "theta", "rho"):
        found[name][exercised] = 0.0
    found["delta"][exercised] = sign[exercised]
    for name, slopes in _slopes(options, waits).items():
        found[name][waits] = slopes
    return Greeks(**found)


def _slopes(options: OptionTerms, rows: BoolArray) -> Mapping[str, FloatArray]:
    """Return the greeks of waiting for some of the options."""
    terms, styles = options.stacked()[:, rows], options.styles()[rows]
    spot, _, years, vol, rate, dividend, sign = terms
    # The boundary ends at one of two places, whose choice no step may change.
    own, other = np.where(sign > 0, rate, dividend), np.where(sign > 0, dividend, rate)
    delayed = (own > other).astype(np.int64)

    def waiting(moved: FloatArray) -> FloatArray:
        out = np.empty(moved.shape[1])
        wait_each(moved, styles, delayed, out)
        return out

    def around(row: int, step: FloatArray) -> FloatArray:
        values = []
        for k in _AWAY:
            moved = terms.copy()
            moved[row] += k * step
            values.append(waiting(moved))
        return np.stack(values)

    by_spot = _SPOT_STEP * spot * np.minimum(vol * np.sqrt(years), 1.0)
    by_rate = np.minimum(_RATE_STEP * vol**2, np.where(rate > 0, _OF_RATE * rate, 1.0))
    spots = around(_SPOT, by_spot)
    return {
        "delta": _SLOPE @ spots / by_spot,
        "gamma": (_BEND @ spots + _BEND_AT * waiting(terms)) / by_spot**2,
        "vega": _SLOPE @ around(_VOL, _RELATIVE_STEP * vol) / (_RELATIVE_STEP * vol),
        "theta": -_SLOPE @ around(_YEARS, _RELATIVE_STEP * years) / (_RELATIVE_STEP * years),
        "rho": _SLOPE @ around(_RATE, by_rate) / by_rate,
    }


def _closed_greeks(o: OptionTerms) -> Greeks:
    from scipy.special import ndtr

    sign = np.where(o.is_call, 1.0, -1.0)
    root = np.sqrt(o.years)
    spread = o.volatility * root
    alive = spread > 0
    safe = np.where(alive, spread, 1.0)
    forward = np.log(o.spot / o.strike) + (o.rate - o.dividend) * o.years
    certain = np.where(forward == 0.0, 0.0, np.copysign(np.inf, forward))
    d1 = np.where(alive, forward / safe + 0.5 * spread, certain)
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
