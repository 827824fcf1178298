"""Options in bulk: one option in many scenarios, several at a time by vector instructions.

The same formulas as `measures.kernels.options`, arranged as loops over lanes (scenarios) without
a branch or a call. Prices differ from the scalar ones by rounding and, for American options, by
ten quadrature points instead of twelve: below 1e-9 of the strike. Lanes where the paper's
powers could enlarge that are marked NaN, and the caller prices them by the scalar formula.
"""

import math

import numpy as np

from basics.arrays import FloatArray, IntArray
from measures.kernels.compiled import fused
from measures.kernels.options import american, european
from measures.kernels.vector_math import cdf_of, exp_of, fade_of, log_of

LANES = 128
# The scratch is one vector of rows of LANES; each name is where its row begins, so that the
# compiler sees that rows do not meet. What all terms share:
_ROWS = LANES * np.arange(32)
SPOT, VOL, PRICE = (int(row) for row in _ROWS[:3])
_LOG_S, _LOG_1, _LOG_2, _BETA, _A1, _A2, _LIVE, _ZERO = (int(row) for row in _ROWS[3:11])
_E1, _E2 = int(_ROWS[11]), int(_ROWS[14])
# then of one gamma: gamma, the weight, arguments of the early date and their probabilities,
_GAMMA, _OWN, _ARG, _CDF = (int(row) for row in (_ROWS[17], _ROWS[18], _ROWS[19], _ROWS[23]))
# and of one term: the product and half the squares of its arguments, its sum.
_PRODUCT, _SQUARE, _SUM, _PAIR = (int(row) for row in _ROWS[27:31])
WORK = 31 * LANES
# Of the four probabilities of psi: signs of log s, 2 log i1, 2 log i2, and of the correlation.
_SIGNS = np.array(
    [[1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 1.0], [-1.0, 1.0, 0.0, -1.0], [1.0, 1.0, -1.0, -1.0]]
)

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_RHO = math.sqrt(_GOLDEN)
# Gauss-Legendre on [0, asin(rho)], as in `measures.kernels.options`: ten points leave 3e-13.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_SINES = np.sin(0.5 * math.asin(_RHO) * (_NODES + 1.0))
_SCALED = _WEIGHTS * 0.5 * math.asin(_RHO) / (2.0 * math.pi)
_INVERSE = 1.0 / (1.0 - _SINES * _SINES)
# What the ten points leave, absolutely, and of the probability where that is tiny; what a price
# may be wrong by, as a fraction of the strike, once the paper's powers have multiplied it.
_ABSOLUTE, _RELATIVE, _TOLERATED = 2.5e-13, 5e-5, 1e-9

# The scratch is one vector of rows of LANES; each name is where its row begins, so that the
# compiler sees that rows do not meet. What all terms share:
_ROWS = LANES * np.arange(32)
SPOT, VOL, PRICE = (int(row) for row in _ROWS[:3])
_LOG_S, _LOG_1, _LOG_2, _BETA, _A1, _A2, _LIVE, _ZERO = (int(row) for row in _ROWS[3:11])
_E1, _E2 = int(_ROWS[11]), int(_ROWS[14])
# then of one gamma: gamma, the weight, arguments of the early date and their probabilities,
_GAMMA, _OWN, _ARG, _CDF = (int(row) for row in (_ROWS[17], _ROWS[18], _ROWS[19], _ROWS[23]))
# and of one term: the product and half the squares of its arguments, its sum.
_PRODUCT, _SQUARE, _SUM, _PAIR = (int(row) for row in _ROWS[27:31])
WORK = 31 * LANES
# Of the four probabilities of psi: signs of log s, 2 log i1, 2 log i2, and of the correlation.
_SIGNS = np.array(
    [[1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 1.0], [-1.0, 1.0, 0.0, -1.0], [1.0, 1.0, -1.0, -1.0]]
)

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_RHO = math.sqrt(_GOLDEN)
# Gauss-Legendre on [0, asin(rho)], as in `measures.kernels.options`: ten points leave 3e-13.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_SINES = np.sin(0.5 * math.asin(_RHO) * (_NODES + 1.0))
_SCALED = _WEIGHTS * 0.5 * math.asin(_RHO) / (2.0 * math.pi)
_INVERSE = 1.0 / (1.0 - _SINES * _SINES)
# What multiplies a joint probability may enlarge its error up to 1e-9, no further.
_MOST_ENLARGED = 3_000.0


@fused
def revalue(
    terms: FloatArray,
    is_american: IntArray,
    spot_ratio: FloatArray,
    volatility_ratio: FloatArray,
    out: FloatArray,
) -> None:
    """Price every option in every scenario, in full.

    Parameters
    ----------
    terms : ndarray of shape (7, n_options)
        Spot, strike, years, volatility, rate, dividend, sign.
    spot_ratio, volatility_ratio : ndarray of shape (n_options, n_scenarios) or (1, n_scenarios)
        What spot and volatility are multiplied by.
    out : ndarray of shape (n_options, n_scenarios)
    """
    work = np.empty(WORK)
    for i in range(out.shape[0]):
        option = terms[:, i]
        spots = spot_ratio[min(i, spot_ratio.shape[0] - 1)]
        vols = volatility_ratio[min(i, volatility_ratio.shape[0] - 1)]
        if option[2] * option[3] * vols.min() > 0.0:
            _european(option, spots, vols, out[i])
            if is_american[i]:
                _american(option, spots, vols, work, out[i])
        else:
            for k in range(out.shape[1]):
                out[i, k] = _one(option, spots[k], vols[k], is_american[i])


@fused
def _one(option: FloatArray, spot_ratio: float, volatility_ratio: float, early: int) -> float:
    """Return one price by the scalar formula."""
    spot, strike, years, volatility, rate, dividend, sign = option
    spot, volatility = spot * spot_ratio, volatility * volatility_ratio
    if early:
        return american(spot, strike, years, volatility, rate, dividend, sign)
    return european(spot, strike, years, volatility, rate, dividend, sign)


@fused
def _european(option: FloatArray, spots: FloatArray, vols: FloatArray, out: FloatArray) -> None:
    """Price one European option where time and volatility are positive."""
    spot, strike, years, volatility, rate, dividend, sign = option
    forward, discounted = spot * math.exp(-dividend * years), strike * math.exp(-rate * years)
    log_forward = math.log(spot / strike) + (rate - dividend) * years
    base = volatility * math.sqrt(years)
    for k in range(len(out)):
        spread = base * vols[k]
        d1 = (log_forward + log_of(spots[k])) / spread + 0.5 * spread
        paid = discounted * cdf_of(sign * (d1 - spread))
        price = sign * (forward * spots[k] * cdf_of(sign * d1) - paid)
        out[k] = price if price > 0.0 else 0.0


@fused
def _american(
    option: FloatArray, spots: FloatArray, vols: FloatArray, work: FloatArray, out: FloatArray
) -> None:
    """Raise the European prices in `out` to the American ones.

    A put is a call with spot and strike, and rate and dividend, exchanged.
    """
    spot, strike, years, volatility, rate, dividend, sign = option
    if sign < 0.0:
        rate, dividend = dividend, rate
    if dividend <= 0.0 or rate < 0.0:
        # Nothing is gained by exercising early, or the formula is at its odd end.
        for k in range(len(out)):
            out[k] = _one(option, spots[k], vols[k], 1)
        return
    for start in range(0, len(out), LANES):
        size = min(LANES, len(out) - start)
        for lane in range(LANES):
            k = start + min(lane, size - 1)
            moneyness = spot * spots[k] / strike
            work[SPOT + lane] = moneyness if sign > 0.0 else 1.0 / moneyness
            work[VOL + lane] = volatility * vols[k]
        american_lanes(work, years, rate, rate - dividend)
        for lane in range(size):
            k = start + lane
            unit = strike if sign > 0.0 else spot * spots[k]
            price = work[PRICE + lane] * unit
            if np.isnan(price):
                price = _one(option, spots[k], vols[k], 1)
            out[k] = max(out[k], price, sign * (spot * spots[k] - strike))


@fused
def american_lanes(work: FloatArray, years: float, rate: float, carry: float) -> None:
    """Price one American call of strike 1 in each lane (Bjerksund and Stensland 2002).

    Where the formula would enlarge rounding the price is NaN.

    Parameters
    ----------
    work : ndarray of shape (WORK,)
        Spot over strike and volatility, both positive, are read from the rows SPOT and VOL; the
        price is written to the row PRICE.
    rate, carry : float
        `rate` not negative, `carry` (rate less dividend) below it; `years` positive.
    """
    early = _GOLDEN * years
    n_live = _boundaries(work, years, rate, carry)
    for which in range(3 if n_live > 0 else 0):
        gamma = 2.0 - which  # For the first it is beta, lane by lane.
        growth = 1.0 if which == 0 else math.exp((gamma * carry - rate) * early)
        _one_date(work, which, (early, carry, gamma, growth))
        growth = 1.0 if which == 0 else math.exp((gamma * carry - rate) * years)
        _two_dates(work, which, (years, carry, -growth), _LOG_1)
        if which > 0:
            _two_dates(work, which, (years, carry, growth), _ZERO)
    for k in range(LANES):
        exercised = work[SPOT + k] - 1.0
        work[PRICE + k] = work[PRICE + k] if work[_LIVE + k] > 0.0 else exercised


@fused
def _boundaries(work: FloatArray, years: float, rate: float, carry: float) -> float:
    """Fill the shared rows, start the price at the later boundary's term; return the live lanes.

    A lane is live while the option is worth more than exercising it at once.
    """
    early = _GOLDEN * years
    start = max(1.0, rate / (rate - carry))
    root, root_early = 2.0 * math.sqrt(years), 2.0 * math.sqrt(early)
    for k in range(LANES):
        v, s = work[VOL + k], work[SPOT + k]
        ratio = carry / (v * v)
        beta = 0.5 - ratio + np.sqrt((ratio - 0.5) * (ratio - 0.5) + 2.0 * rate / (v * v))
        infinite = beta / (beta - 1.0)
        span = infinite - start
        scale = 1.0 / (span * start)
        i1 = start + span * (1.0 - exp_of(-(carry * early + v * root_early) * scale))
        i2 = start + span * (1.0 - exp_of(-(carry * years + v * root) * scale))
        live = 1.0 if beta > 1.0 else 0.0
        live = live if infinite > start else 0.0
        work[_LIVE + k] = live if s < i2 else 0.0
        work[_BETA + k], work[_A1 + k], work[_A2 + k] = beta, i1 - 1.0, i2 - 1.0
        work[_LOG_S + k], work[_LOG_1 + k], work[_LOG_2 + k] = log_of(s), log_of(i1), log_of(i2)
    n_live = 0.0
    for k in range(LANES):
        n_live += work[_LIVE + k]
    for k in range(LANES):
        v, beta, log_s = work[VOL + k], work[_BETA + k], work[_LOG_S + k]
        to_1, to_2 = work[_LOG_1 + k] - log_s, work[_LOG_2 + k] - log_s
        kappa = 2.0 * carry / (v * v) - 1.0
        work[_A1 + k] *= exp_of(-beta * to_1)
        work[_A2 + k] *= exp_of(-beta * to_2)
        work[PRICE + k], work[_ZERO + k] = work[_A2 + k], 0.0
        # (i / s)^kappa of each gamma: beta, 1 and 0.
        work[_E1 + k] = exp_of((kappa + 2.0 * beta) * to_1)
        work[_E2 + k] = exp_of((kappa + 2.0 * beta) * to_2)
        work[_E1 + LANES + k] = exp_of((kappa + 2.0) * to_1)
        work[_E2 + LANES + k] = exp_of((kappa + 2.0) * to_2)
        work[_E1 + 2 * LANES + k] = exp_of(kappa * to_1)
        work[_E2 + 2 * LANES + k] = exp_of(kappa * to_2)
    return n_live


@fused
def _one_date(work: FloatArray, which: int, terms: tuple[float, float, float, float]) -> None:
    """Add phi of both boundaries, and keep what psi of the same gamma needs."""
    years, carry, given, growth = terms
    root = math.sqrt(years)
    for k in range(LANES):
        work[_GAMMA + k] = work[_BETA + k] if which == 0 else given
        other = -work[SPOT + k] if which == 1 else 1.0
        work[_OWN + k] = work[_A1 + k] if which == 0 else other
    for k in range(LANES):
        v = work[VOL + k]
        now = (carry + (work[_GAMMA + k] - 0.5) * v * v) * years
        inverse = 1.0 / (v * root)
        to_1 = work[_LOG_S + k] - work[_LOG_1 + k]
        to_2 = work[_LOG_S + k] - work[_LOG_2 + k]
        back = 2.0 * to_2 * inverse
        work[_ARG + k] = -(to_1 + now) * inverse
        work[_ARG + LANES + k] = back - (to_1 + now) * inverse
        work[_ARG + 2 * LANES + k] = (now - to_1) * inverse
        work[_ARG + 3 * LANES + k] = (now - to_1) * inverse + back
        work[_PRODUCT + k] = -(to_2 + now) * inverse
        work[_SQUARE + k] = back - (to_2 + now) * inverse
    for k in range(4 * LANES):
        work[_CDF + k] = cdf_of(work[_ARG + k])
    powers = _E2 + which * LANES
    for k in range(LANES):
        power = work[powers + k]
        at_1 = work[_CDF + k] - power * work[_CDF + LANES + k]
        at_2 = cdf_of(work[_PRODUCT + k]) - power * cdf_of(work[_SQUARE + k])
        opposite = -work[_A2 + k] if which == 0 else -work[_OWN + k]
        work[PRICE + k] += growth * (work[_OWN + k] * at_1 + opposite * at_2)


@fused
def _two_dates(work: FloatArray, which: int, terms: tuple[float, float, float], log_h: int) -> None:
    """Add psi of one gamma and one level h, whose logarithm is the row `log_h`."""
    years, carry, growth = terms
    root = math.sqrt(years)
    first_power, second_power = _E1 + which * LANES, _E2 + which * LANES
    for j in range(4):
        on_s, on_1, on_2, correlation = _SIGNS[j]
        argument, probability = _ARG + j * LANES, _CDF + j * LANES
        for k in range(LANES):
            v, first = work[VOL + k], work[argument + k]
            reach = on_s * work[_LOG_S + k] - work[log_h + k]
            reach += 2.0 * (on_1 * work[_LOG_1 + k] + on_2 * work[_LOG_2 + k])
            drift = (carry + (work[_GAMMA + k] - 0.5) * v * v) * years
            later = -(reach + drift) / (v * root)
            work[_PRODUCT + k] = correlation * first * later
            work[_SQUARE + k] = 0.5 * (first * first + later * later)
            work[_PAIR + k] = work[probability + k] * cdf_of(later)
            work[_SUM + k] = work[_PAIR + k]
        for n in range(0, len(_SINES), 2):
            _add_nodes(work, n, correlation)
        for k in range(LANES):
            e1, e2 = work[first_power + k], work[second_power + k]
            power = 1.0 if j == 0 else (-e2 if j == 1 else (-e1 if j == 2 else e1 / e2))
            factor = growth * work[_OWN + k] * power
            pair, total = work[_PAIR + k], work[_SUM + k]
            relative = _RELATIVE * (pair + abs(total - pair))
            error = abs(factor) * (relative if relative < _ABSOLUTE else _ABSOLUTE)
            work[PRICE + k] += factor * total if error < _TOLERATED else np.nan


@fused
def _add_nodes(work: FloatArray, n: int, correlation: float) -> None:
    """Add two quadrature points of the joint normal probability."""
    sine_a, weight_a, inverse_a = _SINES[n], correlation * _SCALED[n], _INVERSE[n]
    sine_b, weight_b, inverse_b = _SINES[n + 1], correlation * _SCALED[n + 1], _INVERSE[n + 1]
    for k in range(LANES):
        product, square = work[_PRODUCT + k], work[_SQUARE + k]
        a = fade_of((sine_a * product - square) * inverse_a)
        b = fade_of((sine_b * product - square) * inverse_b)
        work[_SUM + k] += weight_a * a + weight_b * b
