"""Operators on the values of one session; what is not defined is NaN, never infinite."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from basics.arrays import FloatArray

Value = FloatArray | float


def apply_elementwise(name: str, args: Sequence[Value], out: FloatArray | None) -> FloatArray:
    """Return operator `name` applied to `args`, written to `out` if it is given.

    A division by zero, the logarithm of zero and whatever passes the largest number are NaN.
    """
    infinite: list[str] = []

    def note(kind: str, _: int) -> None:
        infinite.append(kind)

    # The processor notes that a finite input gave an infinite answer, so nobody need look for it.
    with np.errstate(all="ignore", divide="call", over="call", call=note):
        answer = FUNCTIONS[name](*args, out=out)
    if infinite:
        answer = np.asarray(answer)  # Of two numbers numpy returns a number.
        np.copyto(answer, np.nan, where=np.isinf(answer))
    return answer


def _comparison(compare: Callable[..., Any]) -> Callable[..., FloatArray]:
    def function(a: Value, b: Value, *, out: FloatArray | None) -> FloatArray:
        dtype = a.dtype if isinstance(a, np.ndarray) else np.asarray(b).dtype
        answer = np.empty(np.broadcast(a, b).shape, dtype) if out is None else out
        answer[...] = compare(a, b)
        return answer

    return function


# numpy's functions already return NaN for a missing input, for the root of a negative number and
# for the logarithm of one.
FUNCTIONS: Mapping[str, Callable[..., FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    ">": _comparison(np.greater),
    "<": _comparison(np.less),
    "abs": np.absolute,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
COMPARISONS = frozenset({">", "<"})
