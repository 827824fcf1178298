"""American options a block at a time: Bjerksund and Stensland (2002) by vector instructions.

The formula of `measures.kernels.options`, arranged as loops over lanes without a branch or a
call. A lane is one option in one scenario, as a call of strike 1 (a put is a call with spot and
strike, and rate and dividend, exchanged), with time, volatility, rate and carry of its own.
Prices differ from the scalar ones by rounding and by the points of one quadrature, of which as
few are taken as the block's weights allow, and none where the correlation of a joint probability
cannot matter: together below 1e-9 of the strike. Lanes where the paper's powers could enlarge
that are marked NaN, and the caller prices them by the scalar formula.
"""

import math

import numpy as np

from basics.arrays import FloatArray
from measures.kernels.compiled import fused
from measures.kernels.vector_math import cdf_of, exp_of, fade_of, log_of

LANES = 128
# The scratch is one vector of rows of LANES; each name is where its row begins, so that the
# compiler sees that rows do not meet. What is given, and which cell of the result it is:
_ROWS = LANES * np.arange(40)
SPOT, VOL, YEARS, RATE, CARRY, UNIT, CELL = (int(row) for row in _ROWS[:7])
# what `screen` finds: logarithms of spot and both boundaries, the boundaries less 1;
_LOG_S, _LOG_1, _LOG_2, _BETA, _A1, _A2 = (int(row) for row in _ROWS[7:13])
N_SCREENED = 13
NEEDED, PRICE, _ZERO, _ROOT, _GROWTH, _E1, _E2 = (
    int(_ROWS[i]) for i in (13, 14, 15, 16, 17, 18, 21)
)
# then of one gamma: gamma, the weight, arguments of the early date and their probabilities,
_GAMMA, _OWN, _ARG, _CDF = (int(_ROWS[i]) for i in (24, 25, 26, 30))
# and of one term: the product and half the squares of its arguments, the probability as if the
# two were independent and what correlation adds, its weight, and what is at stake.
_PRODUCT, _SQUARE, _PAIR, _SUM, _FACTOR, _STAKE = (int(row) for row in _ROWS[34:40])
WORK = 40 * LANES
# Of the four probabilities of psi: signs of log s, 2 log i1, 2 log i2, and of the correlation.
_SIGNS = np.array(
    [[1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 1.0], [-1.0, 1.0, 0.0, -1.0], [1.0, 1.0, -1.0, -1.0]]
)

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_ANGLE = math.asin(math.sqrt(_GOLDEN))


def _quadrature(n: int) -> tuple[FloatArray, FloatArray]:
    """Return sines and weights of Gauss-Legendre on [0, asin(rho)], as the scalar formula has."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return np.sin(0.5 * _ANGLE * (nodes + 1.0)), weights * 0.5 * _ANGLE / (2.0 * math.pi)


# Of 6, 8 and 10 points one after the other; each leaves of a probability at most:
_POINTS = tuple(_quadrature(n) for n in (6, 8, 10))
_SINES = np.concatenate([sines for sines, _ in _POINTS])
_SCALED = np.concatenate([weights for _, weights in _POINTS])
_INVERSE = 1.0 / (1.0 - _SINES * _SINES)
_LEAVE_6, _LEAVE_8 = 7e-9, 4e-11
# What one term may be wrong by, as a fraction of the strike; a price has twenty.
_TERM = 5e-11
# What early exercise may be worth where it is neglected, as a fraction of the strike.
_NOTHING = 1e-11
# The largest exponent of the paper's powers that probabilities can still make up for.
_STEEPEST = 500.0
# What the ten points leave, absolutely, and of the probability where that is tiny; what a price
# may be wrong by, as a fraction of the strike, once the paper's powers have multiplied it.
_ABSOLUTE, _RELATIVE, _TOLERATED = 2.5e-13, 5e-5, 1e-9


@fused
def screen(work: FloatArray) -> None:
    """Find the two boundaries of each lane, and whether the formula is NEEDED there (1, or 0).

    It is not where the option is exercised at once, nor where early exercise is worth next to
    nothing: at most what it pays at the boundary, times the chance of ever reaching it.

    Parameters
    ----------
    work : ndarray of shape (N, LANES) as one vector
        The rows SPOT, VOL, YEARS, RATE and CARRY are given: spot over strike, volatility and
        time are positive, the rate is not negative, the carry (rate less dividend) below it.
    """
    for k in range(LANES):
        v, s, r, b, t = (
            work[VOL + k],
            work[SPOT + k],
            work[RATE + k],
            work[CARRY + k],
            work[YEARS + k],
        )
        early = _GOLDEN * t
        ratio = b / (v * v)
        beta = 0.5 - ratio + np.sqrt((ratio - 0.5) * (ratio - 0.5) + 2.0 * r / (v * v))
        infinite = beta / (beta - 1.0)
        start = r / (r - b)
        start = start if start > 1.0 else 1.0
        span = infinite - start
        scale = 1.0 / (span * start)
        i1 = start + span * (1.0 - exp_of(-(b * early + 2.0 * v * np.sqrt(early)) * scale))
        i2 = start + span * (1.0 - exp_of(-(b * t + 2.0 * v * np.sqrt(t)) * scale))
        live = 1.0 if beta > 1.0 else 0.0
        live = live if infinite > start else 0.0
        work[NEEDED + k] = live if s < i2 else 0.0
        work[_BETA + k], work[_A1 + k], work[_A2 + k] = beta, i1 - 1.0, i2 - 1.0
        work[_LOG_S + k], work[_LOG_1 + k], work[_LOG_2 + k] = log_of(s), log_of(i1), log_of(i2)
    for k in range(LANES):
        v, t, a1, a2 = work[VOL + k], work[YEARS + k], work[_A1 + k], work[_A2 + k]
        log_1, log_2 = work[_LOG_1 + k], work[_LOG_2 + k]
        distance = (log_1 if log_1 < log_2 else log_2) - work[_LOG_S + k]
        drift = work[CARRY + k] - 0.5 * v * v
        inverse = 1.0 / (v * np.sqrt(t))
        reached = cdf_of((drift * t - distance) * inverse)
        reached += exp_of(2.0 * drift * distance / (v * v)) * cdf_of(
            -(drift * t + distance) * inverse
        )
        worth = (a1 if a1 > a2 else a2) * reached
        worth = 1.0 if distance <= 0.0 else worth
        work[NEEDED + k] = 0.0 if worth < _NOTHING else work[NEEDED + k]


@fused
def american_lanes(work: FloatArray) -> None:
    """Price the call of strike 1 in each lane, in the row PRICE.

    Where the formula would enlarge rounding the price is NaN.

    Parameters
    ----------
    work : ndarray of shape (WORK,)
        Its first rows, N_SCREENED of them, come from `screen`, of lanes that need the formula.
    """
    _powers(work)
    for which in range(3):  # Gamma is beta, lane by lane, then 1, then 0.
        _one_date(work, which)
        for k in range(LANES):
            exponent = ((2.0 - which) * work[CARRY + k] - work[RATE + k]) * work[YEARS + k]
            work[_GROWTH + k] = 1.0 if which == 0 else exp_of(exponent)
        _two_dates(work, which, -1.0, _LOG_1)
        if which > 0:
            _two_dates(work, which, 1.0, _ZERO)


@fused
def _powers(work: FloatArray) -> None:
    """Fill what all terms share, and start the price at the later boundary's own term."""
    for k in range(LANES):
        v, beta, log_s = work[VOL + k], work[_BETA + k], work[_LOG_S + k]
        to_1, to_2 = work[_LOG_1 + k] - log_s, work[_LOG_2 + k] - log_s
        kappa = 2.0 * work[CARRY + k] / (v * v) - 1.0
        work[_ROOT + k] = v * np.sqrt(work[YEARS + k])
        work[_A1 + k] *= exp_of(-beta * to_1)
        work[_A2 + k] *= exp_of(-beta * to_2)
        steepest = (abs(kappa) + 2.0 * beta) * (to_1 if to_1 > to_2 else to_2)
        work[PRICE + k] = work[_A2 + k] if steepest < _STEEPEST else np.nan
        work[_ZERO + k] = 0.0
        # (i / s)^kappa of each gamma: beta, 1 and 0.
        work[_E1 + k] = exp_of((kappa + 2.0 * beta) * to_1)
        work[_E2 + k] = exp_of((kappa + 2.0 * beta) * to_2)
        work[_E1 + LANES + k] = exp_of((kappa + 2.0) * to_1)
        work[_E2 + LANES + k] = exp_of((kappa + 2.0) * to_2)
        work[_E1 + 2 * LANES + k] = exp_of(kappa * to_1)
        work[_E2 + 2 * LANES + k] = exp_of(kappa * to_2)


@fused
def _one_date(work: FloatArray, which: int) -> None:
    """Add phi of both boundaries, and keep what psi of the same gamma needs."""
    root_golden = math.sqrt(_GOLDEN)
    for k in range(LANES):
        work[_GAMMA + k] = work[_BETA + k] if which == 0 else 2.0 - which
        other = -work[SPOT + k] if which == 1 else 1.0
        work[_OWN + k] = work[_A1 + k] if which == 0 else other
        exponent = ((2.0 - which) * work[CARRY + k] - work[RATE + k]) * work[YEARS + k] * _GOLDEN
        work[_GROWTH + k] = 1.0 if which == 0 else exp_of(exponent)
    for k in range(LANES):
        v = work[VOL + k]
        now = (work[CARRY + k] + (work[_GAMMA + k] - 0.5) * v * v) * work[YEARS + k] * _GOLDEN
        inverse = 1.0 / (work[_ROOT + k] * root_golden)
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
    for k in range(2 * LANES):
        work[_PRODUCT + k] = cdf_of(work[_PRODUCT + k])
    powers = _E2 + which * LANES
    for k in range(LANES):
        work[_PAIR + k] = work[powers + k]
    for k in range(LANES):
        power = work[_PAIR + k]
        at_1 = work[_CDF + k] - power * work[_CDF + LANES + k]
        at_2 = work[_PRODUCT + k] - power * work[_SQUARE + k]
        opposite = -work[_A2 + k] if which == 0 else -work[_OWN + k]
        work[PRICE + k] += work[_GROWTH + k] * (work[_OWN + k] * at_1 + opposite * at_2)


@fused
def _two_dates(work: FloatArray, which: int, sign: float, log_h: int) -> None:
    """Add psi of one gamma and one level h, whose logarithm is the row `log_h`."""
    for j in range(4):
        _weigh(work, which, j, sign, log_h)
        at_stake = _largest(work, _STAKE)
        if at_stake > 0.0:
            # The fewest points that leave no term of the block more than it may be wrong by.
            first, last = 14, 24
            if at_stake * _LEAVE_8 < _TERM:
                first, last = 6, 14
            if at_stake * _LEAVE_6 < _TERM:
                first, last = 0, 6
            for n in range(first, last, 2):
                _add_points(work, n, _SIGNS[j, 3])
        for k in range(LANES):
            pair, added, factor = work[_PAIR + k], work[_SUM + k], work[_FACTOR + k]
            relative = _RELATIVE * (pair + abs(added))
            error = abs(factor) * (relative if relative < _ABSOLUTE else _ABSOLUTE)
            work[PRICE + k] += factor * (pair + added) if error < _TOLERATED else np.nan


@fused
def _weigh(work: FloatArray, which: int, j: int, sign: float, log_h: int) -> None:
    """Fill the rows of one joint probability, and its weight where correlation can matter."""
    on_s, on_1, on_2, correlation = _SIGNS[j]
    argument, probability = _ARG + j * LANES, _CDF + j * LANES
    # Rows whose place is known only here are copied first: a loop over many is not vectorised.
    for k in range(LANES):
        work[_PRODUCT + k], work[_PAIR + k] = work[argument + k], work[probability + k]
        work[_SQUARE + k] = work[log_h + k]
    for k in range(LANES):
        v, first, p = work[VOL + k], work[_PRODUCT + k], work[_PAIR + k]
        reach = on_s * work[_LOG_S + k] - work[_SQUARE + k]
        reach += 2.0 * (on_1 * work[_LOG_1 + k] + on_2 * work[_LOG_2 + k])
        drift = (work[CARRY + k] + (work[_GAMMA + k] - 0.5) * v * v) * work[YEARS + k]
        later = -(reach + drift) / work[_ROOT + k]
        work[_PRODUCT + k] = correlation * first * later
        work[_SQUARE + k] = 0.5 * (first * first + later * later)
        q = cdf_of(later)
        work[_PAIR + k], work[_SUM + k] = p * q, 0.0
        # Frechet's bounds on what correlation adds to a joint probability.
        other = q if correlation > 0.0 else 1.0 - q
        one, two = p * (1.0 - other), other * (1.0 - p)
        work[_STAKE + k] = one if one < two else two
    _factors(work, which, j, sign)
    for k in range(LANES):
        size = abs(work[_FACTOR + k])
        work[_STAKE + k] = size if size * work[_STAKE + k] > 0.5 * _TERM else 0.0


@fused
def _factors(work: FloatArray, which: int, j: int, sign: float) -> None:
    """Fill the row of what one joint probability is multiplied by."""
    first, second = _E1 + which * LANES, _E2 + which * LANES
    for k in range(LANES):
        work[_FACTOR + k] = sign * work[_GROWTH + k] * work[_OWN + k]
    if j == 1:
        for k in range(LANES):
            work[_FACTOR + k] *= -work[second + k]
    elif j == 2:
        for k in range(LANES):
            work[_FACTOR + k] *= -work[first + k]
    elif j == 3:
        for k in range(LANES):
            work[_FACTOR + k] *= work[first + k] / work[second + k]


@fused
def _largest(work: FloatArray, row: int) -> float:
    """Return the largest value of a row, which is spent on the way."""
    half = LANES // 2
    while half > 0:
        for k in range(half):
            a, b = work[row + k], work[row + half + k]
            work[row + k] = a if a > b else b
        half //= 2
    return work[row]  # type: ignore[no-any-return]


@fused
def _add_points(work: FloatArray, n: int, correlation: float) -> None:
    """Add two quadrature points of what correlation adds to a joint normal probability."""
    sine_a, weight_a, inverse_a = _SINES[n], correlation * _SCALED[n], _INVERSE[n]
    sine_b, weight_b, inverse_b = _SINES[n + 1], correlation * _SCALED[n + 1], _INVERSE[n + 1]
    for k in range(LANES):
        product, square = work[_PRODUCT + k], work[_SQUARE + k]
        a = fade_of((sine_a * product - square) * inverse_a)
        b = fade_of((sine_b * product - square) * inverse_b)
        work[_SUM + k] += weight_a * a + weight_b * b
