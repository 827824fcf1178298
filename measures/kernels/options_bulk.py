"""Options in bulk: every option in every scenario, several cells at a time.

European prices run along an option's scenarios by vector instructions. American cells are gathered
into blocks across options and scenarios, so that many options in one scenario are as quick as one
option in many; those that the screen finds to need the two-boundary formula go on to a block
of their own (`measures.kernels.options_lanes`).
"""

import math

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import fused
from measures.kernels.options import (
    EUROPEAN,
    TWO_BOUNDARIES,
    american,
    european,
    flat_boundaries,
)
from measures.kernels.options_lanes import (
    CARRY,
    CELL,
    LANES,
    N_SCREENED,
    NEEDED,
    PRICE,
    RATE,
    SPOT,
    UNIT,
    VOL,
    WORK,
    YEARS,
    american_lanes,
    screen,
)
from measures.kernels.vector_math import cdf_of, exp_of, log_of

_SCREEN = (NEEDED // LANES + 1) * LANES
_ROUNDING = 1.0 + 1e-12


@fused
def revalue(
    terms: FloatArray,
    styles: IntArray,
    spot_ratio: FloatArray,
    volatility_ratio: FloatArray,
    changes: FloatArray,
    out: FloatArray,
) -> None:
    """Price every option in every scenario, in full.

    Parameters
    ----------
    terms, styles : ndarray of shape (7, n_options) and (n_options,)
        As in `measures.kernels.options.price_each`; ONE_BOUNDARY is priced cell by cell.
    spot_ratio, volatility_ratio : ndarray of shape (n_options, n_scenarios) or (1, n_scenarios)
        What spot and volatility are multiplied by.
    changes : ndarray of shape (2, n_options or 1, n_scenarios)
        What is added to rate and dividend.
    out : ndarray of shape (n_options, n_scenarios)
    """
    n_options, n_scenarios = out.shape
    flat = out.reshape(-1)
    screened, priced = np.empty(_SCREEN), np.empty(WORK)
    filled = np.zeros(2, np.int64)
    for i in range(n_options):
        option = terms[:, i]
        spots = spot_ratio[min(i, spot_ratio.shape[0] - 1)]
        vols = volatility_ratio[min(i, volatility_ratio.shape[0] - 1)]
        rates = changes[0, min(i, changes.shape[1] - 1)]
        dividends = changes[1, min(i, changes.shape[1] - 1)]
        if option[2] * option[3] * vols.min() > 0.0 and styles[i] <= TWO_BOUNDARIES:
            _european(option, spots, vols, rates, dividends, out[i])
            if styles[i] == TWO_BOUNDARIES:
                for k in range(n_scenarios):
                    moved = _moved(option, spots[k], vols[k], rates[k], dividends[k])
                    _gather(moved, i * n_scenarios + k, screened, priced, filled, flat)
        else:
            for k in range(n_scenarios):
                moved = _moved(option, spots[k], vols[k], rates[k], dividends[k])
                one = european(*moved) if styles[i] == EUROPEAN else american(*moved, styles[i])
                out[i, k] = one
    _sift(screened, priced, filled, flat)
    _price(priced, filled, flat)


@fused
def _moved(
    option: FloatArray, spot_ratio: float, vol_ratio: float, rate: float, dividend: float
) -> tuple[float, float, float, float, float, float, float]:
    """Return the terms of one option in one scenario."""
    return (
        option[0] * spot_ratio, option[1], option[2], option[3] * vol_ratio,
        option[4] + rate, option[5] + dividend, option[6],
    )  # fmt: skip


@fused
def _european(
    option: FloatArray,
    spots: FloatArray,
    vols: FloatArray,
    rates: FloatArray,
    dividends: FloatArray,
    out: FloatArray,
) -> None:
    """Price one European option where time and volatility are positive."""
    spot, strike, years, volatility, rate, dividend, sign = option
    log_moneyness, base = math.log(spot / strike), volatility * math.sqrt(years)
    for k in range(len(out)):
        paid_rate, yielded = (rate + rates[k]) * years, (dividend + dividends[k]) * years
        spread = base * vols[k]
        d1 = (log_moneyness + paid_rate - yielded + log_of(spots[k])) / spread + 0.5 * spread
        paid = strike * exp_of(-paid_rate) * cdf_of(sign * (d1 - spread))
        price = sign * (spot * exp_of(-yielded) * spots[k] * cdf_of(sign * d1) - paid)
        out[k] = price if price > 0.0 else 0.0


@fused
def _gather(
    moved: tuple[float, float, float, float, float, float, float],
    cell: int,
    screened: FloatArray,
    priced: FloatArray,
    filled: IntArray,
    out: FloatArray,
) -> None:
    """Raise one European price to what exercising pays, and put the cell up for screening."""
    spot, strike, years, volatility, rate, dividend, sign = moved
    unit, rate_1, dividend_1 = (
        (strike, rate, dividend) if sign > 0.0 else (spot, dividend, rate)
    )  # fmt: skip
    out[cell] = max(out[cell], sign * (spot - strike))
    if dividend_1 <= 0.0:
        return  # Nothing is gained by exercising early.
    if rate_1 < 0.0:  # The formula's odd end.
        out[cell] = american(
            spot, strike, years, volatility, rate, dividend, sign, TWO_BOUNDARIES
        )  # fmt: skip
        return
    lane = filled[0]
    screened[SPOT + lane] = spot / strike if sign > 0.0 else strike / spot
    screened[VOL + lane], screened[YEARS + lane] = volatility, years
    screened[RATE + lane], screened[CARRY + lane] = rate_1, rate_1 - dividend_1
    screened[UNIT + lane], screened[CELL + lane] = unit, cell
    filled[0] += 1
    if filled[0] == LANES:
        _sift(screened, priced, filled, out)


@fused
def _sift(screened: FloatArray, priced: FloatArray, filled: IntArray, out: FloatArray) -> None:
    """Screen the gathered cells and pass on those that need the formula."""
    _fill_up(screened, filled[0])
    if filled[0] > 0:
        screen(screened)
    for lane in range(filled[0]):
        if screened[NEEDED + lane] > 0.0:
            to = filled[1]
            for row in range(N_SCREENED):
                priced[row * LANES + to] = screened[row * LANES + lane]
            filled[1] += 1
            if filled[1] == LANES:
                _price(priced, filled, out)
    filled[0] = 0


@fused
def _price(priced: FloatArray, filled: IntArray, out: FloatArray) -> None:
    """Price a block and raise its cells of `out` to it."""
    if filled[1] == 0:
        return
    _fill_up(priced, filled[1])
    american_lanes(priced)
    for lane in range(filled[1]):
        spot, price = priced[SPOT + lane], priced[PRICE + lane]
        if np.isnan(price):
            price = flat_boundaries(
                spot, 1.0, priced[YEARS + lane], priced[VOL + lane], priced[RATE + lane],
                priced[CARRY + lane], TWO_BOUNDARIES,
            )  # fmt: skip
        cell = int(priced[CELL + lane])
        if price <= spot * _ROUNDING:  # Else the paper's powers have overflowed.
            out[cell] = max(out[cell], price * priced[UNIT + lane])
    filled[1] = 0


@fused
def _fill_up(work: FloatArray, filled: int) -> None:
    """Repeat the first lane in those that are left empty."""
    for lane in range(filled if filled > 0 else LANES, LANES):
        for row in range(N_SCREENED):
            work[row * LANES + lane] = work[row * LANES]
