"""Operators on the values of one session; what is not defined is NaN, never infinite."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from basics.arrays import FloatArray

Value = FloatArray | float


def apply_elementwise(name: str, args: Sequence[Value], out: FloatArray | None) -> FloatArray:
    """Return operator `name` applied to `args`, written to `out` if it is given."""
    return FUNCTIONS[name](*args, out=out)


def _divide(a: Value, b: Value, *, out: FloatArray | None) -> FloatArray:
    quotient = np.divide(a, b, out=out)
    zero = np.equal(b, 0)
    if zero.any():
        np.copyto(quotient, np.nan, where=zero)
    return quotient


def _log(x: Value, *, out: FloatArray | None) -> FloatArray:
    logarithm = np.log(x, out=out)
    zero = np.equal(x, 0)
    if zero.any():
        np.copyto(logarithm, np.nan, where=zero)
    return logarithm


def _exp(x: Value, *, out: FloatArray | None) -> FloatArray:
    power = np.exp(x, out=out)
    np.copyto(power, np.nan, where=np.isinf(power))
    return power


def _comparison(compare: Callable[..., Any]) -> Callable[..., FloatArray]:
    def function(a: Value, b: Value, *, out: FloatArray | None) -> FloatArray:
        dtype = a.dtype if isinstance(a, np.ndarray) else np.asarray(b).dtype
        answer = np.empty(np.broadcast(a, b).shape, dtype) if out is None else out
        answer[...] = compare(a, b)
        return answer

    return function


# numpy's functions already return NaN for a missing input and for the root of a negative number.
FUNCTIONS: Mapping[str, Callable[..., FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    ">": _comparison(np.greater),
    "<": _comparison(np.less),
    "abs": np.absolute,
    "log": _log,
    "exp": _exp,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
COMPARISONS = frozenset({">", "<"})
