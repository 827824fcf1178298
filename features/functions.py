"""A feature as a plain function, for what no operator says.

>>> import numpy as np
>>> from features.expressions import field
>>> @feature_function(field("close"), lookback=1)
... def up(close):
...     return np.diff(close, axis=1, prepend=np.nan) > 0
>>> str(up)[:9]
'up(close)'
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from features.expressions import Expression, Function, call


def feature_function(
    *inputs: Expression, lookback: int
) -> Callable[[Callable[..., Any]], Expression]:
    """Turn a function of arrays into an expression.

    The function is given the values of `inputs`, each of shape (n_symbols, n_sessions) with NaN
    for what is missing, and returns an array of that shape. It sees all symbols. Its source is
    part of the feature's identity, so an edit changes the content hash.

    Parameters
    ----------
    inputs : Expression
        What the function reads.
    lookback : int
        Sessions before t that its value at t rests on; live updates show it no more.

    Raises
    ------
    InvalidInputError
        If there is no input, or `lookback` is negative.
    """
    if not inputs:
        raise InvalidInputError("a feature function needs an input, for example field('close')")
    if lookback < 0:
        raise InvalidInputError(f"lookback must be at least 0 sessions, got {lookback}")

    def decorate(function: Callable[..., Any]) -> Expression:
        name = getattr(function, "__name__", "function")
        operator = Function(name, lambda _: lookback, function=_checked(function, name))
        return call(operator, *inputs, params=(content_hash(_source(function), lookback)[:12],))

    return decorate


def _checked(function: Callable[..., Any], name: str) -> Callable[..., FloatArray]:
    """Return the function with its answer made a float array of the right shape."""

    def checked(*arrays: FloatArray) -> FloatArray:
        answer = np.asarray(function(*(array.copy() for array in arrays)))
        if answer.shape != arrays[0].shape:
            raise InvalidInputError(
                f"feature function {name} returned shape {answer.shape}, not {arrays[0].shape}"
            )
        values = answer.astype(arrays[0].dtype)
        values[np.isinf(values)] = np.nan
        return values

    checked.__doc__ = function.__doc__
    return checked


def sentence_of(expression: Expression) -> str:
    """Return the first line of a feature function's docstring; empty for any other expression."""
    said = inspect.getdoc(getattr(expression.operator, "function", None)) or ""
    return said.split("\n")[0]


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        raise InvalidInputError(
            f"the source of {function!r} cannot be read: write the function in a file"
        ) from None
