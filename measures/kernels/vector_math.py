"""Exponential, logarithm and normal distribution function without a branch or a call.

Called in a loop over an array they compile to vector instructions, which the functions of the
C library do not. Each states its largest relative error.
"""

import numpy as np

from measures.kernels.compiled import inlined

_LOG2_E = 1.4426950408889634
# log 2 in two parts: the first has few enough digits that a multiple of it is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LEAST, _MOST = -708.0, 709.0
_TO_WHOLE = 1.5 * 2.0**52
# Chebyshev fit of exp on [-log(2) / 2, log(2) / 2], relative error 2e-14.
_E = (
    1.0000000000000144, 1.0000000000000078, 0.4999999999943479, 0.16666666666547889,
    0.04166666704194729, 0.00833333338759254, 0.0013888801556124657, 0.00019841168263743926,
    2.4884547866853922e-05, 2.764090044804367e-06,
)  # fmt: skip

_SHIFT, _BIAS = np.int64(52), np.int64(1023)
_MANTISSA = np.int64((1 << 52) - 1)
# The upper bits of sqrt(1/2), and what they lack to those of 1: added, the exponent rounds there.
_ROOT = np.int64(0x3FE6A09E00000000)
_ROUND = np.int64(0x3FF0000000000000 - 0x3FE6A09E00000000)

# Chebyshev fit of exp(x^2 / 2) Phi(-x) (1 + x) in (x - 4) / (x + 4), as Shepherd and Laframboise
# (1981) do for the error function; relative error 5e-15 for every x >= 0.
_P = (
    0.47205320650984395, -0.09670347732656186, 0.013999634724606544, 0.028600364056237414,
    -0.032197837435349846, 0.01793609742002404, -0.005002378477201439, -0.0002856224862284687,
    0.0006948961890442692, -9.443373357205601e-05, -8.784888929875648e-05,
    2.1262096917575816e-05, 1.361432205284558e-05, -3.458826432031836e-06,
    -2.5894023608344484e-06, 4.427125759207664e-07, 5.237972609097907e-07,
    -3.382895660262467e-08, -9.009129273298209e-08, 1.1671108549511635e-10,
    8.953412110025467e-09,
)  # fmt: skip


@inlined
def exp_of(x: float) -> float:
    """Return e^x with a relative error below 3e-14; beyond -708 and 709 that of the end."""
    return fade_of(x if x < _MOST else _MOST)


@inlined
def fade_of(x: float) -> float:
    """Return e^x for x <= 709, as `exp_of`."""
    x = x if x > _LEAST else _LEAST
    # Added, this number leaves the nearest whole one in the last bits of the sum.
    raised = x * _LOG2_E + _TO_WHOLE
    whole = raised - _TO_WHOLE
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    high = _E[5] + r * (_E[6] + r * (_E[7] + r * (_E[8] + r * _E[9])))
    series = _E[0] + r * (_E[1] + r * (_E[2] + r * (_E[3] + r * (_E[4] + r * high))))
    power = np.int64(np.float64(raised).view(np.int64) << _SHIFT)
    return np.int64(np.float64(series).view(np.int64) + power).view(np.float64)


@inlined
def log_of(x: float) -> float:
    """Return log(x) with a relative error below 1e-14, for normal positive x."""
    raised = np.int64(np.float64(x).view(np.int64) + _ROUND)
    power = np.float64(np.int64(raised >> _SHIFT) - _BIAS)
    f = np.int64((raised & _MANTISSA) + _ROOT).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = 1.0 / 13 + z * (1.0 / 15 + z * (1.0 / 17 + z * (1.0 / 19)))
    series = 1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * tail))))
    return power * _LN2_HIGH + (2.0 * s + (2.0 * s * z * series + power * _LN2_LOW))


@inlined
def cdf_of(x: float) -> float:
    """Return the standard normal distribution function, relative error below 1e-13 to x = -37."""
    size = abs(x)
    inverse = 1.0 / ((size + 4.0) * (1.0 + size))
    t = (size - 4.0) * (1.0 + size) * inverse
    high = _P[14] + t * (
        _P[15] + t * (_P[16] + t * (_P[17] + t * (_P[18] + t * (_P[19] + t * _P[20]))))
    )
    middle = _P[7] + t * (
        _P[8] + t * (_P[9] + t * (_P[10] + t * (_P[11] + t * (_P[12] + t * (_P[13] + t * high)))))
    )
    low = _P[0] + t * (
        _P[1] + t * (_P[2] + t * (_P[3] + t * (_P[4] + t * (_P[5] + t * (_P[6] + t * middle)))))
    )
    tail = fade_of(-0.5 * size * size) * low * (size + 4.0) * inverse
    return 1.0 - tail if x > 0.0 else tail
