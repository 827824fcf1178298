"""Standard normal draws in float32 from random bits, many at once (Box and Muller 1958).

Each 64 random bits give an exact independent pair: no rejection and no branch, so that the
processor works on several at a time. The polynomials are Chebyshev fits with errors below 1e-8,
under the last digit of float32. The radius has 32 bits: no draw is beyond 6.67 in size, where
2e-11 of the law lie.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from measures.kernels.compiled import Floats, compiled

_LOG_2 = np.float32(np.log(2.0))
_UNIT, _HALF, _ONE, _TWO = (np.float32(x) for x in (2.0**-32, 0.5, 1.0, 2.0))
_QUARTER = np.float32(0.25)
# Uniforms above sqrt(1/2) are read by their distance from 1, which float32 holds to all digits.
_HIGH = np.uint32(2.0**32 * np.sqrt(0.5))
_MANTISSA, _SHIFT = np.uint32(0x7FFFFF), np.uint32(23)
# The bits of sqrt(1/2), and what they lack to those of 1: added, the exponent rounds there.
_ROOT = np.uint32(0x3F3504F3)
_ROUND = np.uint32(0x3F800000 - 0x3F3504F3)

# log(1 + f) = f - f^2 / 2 + f^3 P(f) for f in [sqrt(1/2) - 1, sqrt(2) - 1].
_L = tuple(
    np.float32(c)
    for c in (
        0.333333312, -0.24999989, 0.200007075, -0.166684802, 0.142499365,
        -0.124110507, 0.116615111, -0.115712008, 0.0714975394,
    )
)  # fmt: skip
# sin(2 pi w) = w S(w^2) and cos(2 pi w) = C(w^2) for w in [-1/4, 1/4].
_S = tuple(np.float32(c) for c in (6.28318528, -41.3416807, 81.6024807, -76.5812846, 39.7607221))
_C = tuple(
    np.float32(c) for c in (1.0, -19.7392085, 64.9393466, -85.4535682, 60.1439523, -24.9818361)
)


@compiled
def normal_pairs(bits: npt.NDArray[np.uint64], first: Floats, second: Floats) -> None:
    """Fill two vectors with independent standard normals, one pair from each 64 bits.

    Parameters
    ----------
    bits : uint64 ndarray of shape (n,)
    first, second : float32 ndarray of shape (n,)
    """
    for i in range(len(bits)):
        radius = np.sqrt(_minus_two_log(np.uint32(bits[i] >> np.uint64(32))))
        turn = np.float32(np.int32(np.uint32(bits[i]))) * _UNIT
        w = abs(turn) - _QUARTER
        y = w * w
        sine = w * (_S[0] + y * (_S[1] + y * (_S[2] + y * (_S[3] + y * _S[4]))))
        cosine = _C[0] + y * (_C[1] + y * (_C[2] + y * (_C[3] + y * (_C[4] + y * _C[5]))))
        # A quarter turn on: cos(2 pi turn) = -sin(2 pi w), sin(2 pi |turn|) = cos(2 pi w).
        first[i] = -radius * sine
        second[i] = radius * (cosine if turn >= np.float32(0.0) else -cosine)


@compiled
def _minus_two_log(whole: np.unsignedinteger[Any]) -> np.floating[Any]:
    """Return -2 log((whole + 1/2) / 2^32)."""
    low = np.float32((np.float32(whole) + _HALF) * _UNIT)
    raised = np.uint32(np.float32(low).view(np.uint32) + _ROUND)
    exponent = np.float32(np.int32(raised >> _SHIFT) - np.int32(127))
    # The mantissa, in [sqrt(1/2), sqrt(2)).
    mantissa = np.uint32((raised & _MANTISSA) + _ROOT).view(np.float32)
    near = whole > _HIGH
    f = -(np.float32(np.uint32(~whole)) + _HALF) * _UNIT if near else mantissa - _ONE
    power = np.float32(0.0) if near else exponent
    series = _L[0] + f * (
        _L[1]
        + f
        * (_L[2] + f * (_L[3] + f * (_L[4] + f * (_L[5] + f * (_L[6] + f * (_L[7] + f * _L[8]))))))
    )
    log = f + f * f * (f * series - _HALF) + power * _LOG_2
    return -_TWO * log
