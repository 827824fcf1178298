"""What a feature is: an expression over a panel's fields, built from operators.

An expression computes nothing. It is a graph whose equal parts are equal objects to the
evaluator, so that what several features share is computed once (`features.evaluation`). Its text
is its identity: two expressions with the same text are the same expression, and the text goes
into a feature set's content hash.

>>> from features.operators import mean
>>> close = field("close")
>>> str(close / mean(close, 20))
'(close / mean(close, 20))'
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from basics.arrays import FloatArray
from basics.errors import InvalidInputError

Param = int | float | str


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One kind of node.

    Attributes
    ----------
    name : str
        As it stands in a formula.
    history : callable
        Sessions before t, beyond those of its inputs, that the value at t rests on.
    warm_up : callable, optional
        Sessions before the first full value, where that is less: exponential smoothing answers
        long before it has forgotten how it began.
    """

    name: str
    history: Callable[[tuple[Param, ...]], int] = lambda _: 0
    warm_up: Callable[[tuple[Param, ...]], int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A node of the graph.

    Attributes
    ----------
    operator : Operator
    args : tuple of Expression
        The inputs, each of shape (n_symbols, n_sessions) or a constant.
    params : tuple of int, float or str
        Windows, probabilities, names.
    text : str
        The formula.
    """

    operator: Operator
    args: tuple["Expression", ...]
    params: tuple[Param, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __add__(self, other: "Expression | float") -> "Expression":
        return binary("+", self, other)

    def __radd__(self, other: float) -> "Expression":
        return binary("+", other, self)

    def __sub__(self, other: "Expression | float") -> "Expression":
        return binary("-", self, other)

    def __rsub__(self, other: float) -> "Expression":
        return binary("-", other, self)

    def __mul__(self, other: "Expression | float") -> "Expression":
        return binary("*", self, other)

    def __rmul__(self, other: float) -> "Expression":
        return binary("*", other, self)

    def __truediv__(self, other: "Expression | float") -> "Expression":
        return binary("/", self, other)

    def __rtruediv__(self, other: float) -> "Expression":
        return binary("/", other, self)

    def __gt__(self, other: "Expression | float") -> "Expression":
        return binary(">", self, other)

    def __lt__(self, other: "Expression | float") -> "Expression":
        return binary("<", self, other)

    def __neg__(self) -> "Expression":
        return binary("-", 0.0, self)

    def __abs__(self) -> "Expression":
        return call(Elementwise("abs"), self)


@dataclass(frozen=True, slots=True, eq=False)
class Elementwise(Operator):
    """The value at t from the inputs at t alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Source(Operator):
    """A field of the panel, a constant, or the calendar."""


@dataclass(frozen=True, slots=True, eq=False)
class Delay(Operator):
    """The value some sessions ago."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rolling(Operator):
    """One statistic of a window; statistics of one family share a pass over the data.

    Attributes
    ----------
    family : str
        The kernel, see `features.rolling`.
    statistic : str
        Which of the kernel's answers.
    """

    family: str
    statistic: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Smoothing(Operator):
    """Exponential smoothing, see `measures.kernels.recursive`.

    Attributes
    ----------
    alpha : callable
        Weight of the newest value.
    seed : callable
        Values left out, values summed, divisor of the sum.
    quiet : int
        Steps after the seed without an answer.
    """

    alpha: Callable[[tuple[Param, ...]], float]
    seed: Callable[[tuple[Param, ...]], tuple[int, int, float]]
    quiet: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CrossSection(Operator):
    """The value of a symbol from the inputs of every symbol in the same session."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Function(CrossSection):
    """A user's own function of whole arrays, see `features.functions`."""

    function: Callable[..., FloatArray]


FIELD = Source("field")
CONSTANT = Source("constant")


def field(name: str) -> Expression:
    """Return the panel's field `name` as an expression."""
    return Expression(FIELD, (), (name,), name)


def constant(value: float) -> Expression:
    """Return `value` as an expression.

    Raises
    ------
    InvalidInputError
        If it is NaN or infinite.
    """
    if not math.isfinite(value):
        raise InvalidInputError(f"{value!r} is not finite: the feature would be missing everywhere")
    return Expression(CONSTANT, (), (float(value),), repr(float(value)))


def call(operator: Operator, *args: Expression | float, params: Sequence[Param] = ()) -> Expression:
    """Return `operator` applied to `args`, written as a call."""
    inputs = tuple(_expression(arg) for arg in args)
    text = f"{operator.name}({', '.join([*map(str, inputs), *map(str, params)])})"
    return Expression(operator, inputs, tuple(params), text)


def binary(sign: str, left: Expression | float, right: Expression | float) -> Expression:
    """Return `left sign right`.

    Raises
    ------
    InvalidInputError
        For a division by the constant zero.
    """
    a, b = _expression(left), _expression(right)
    if sign == "/" and b.operator is CONSTANT and b.params[0] == 0:
        raise InvalidInputError(f"{a} is divided by zero: the feature would be NaN everywhere")
    return Expression(Elementwise(sign), (a, b), (), f"({a} {sign} {b})")


def walk(roots: Sequence[Expression]) -> Iterator[Expression]:
    """Yield each distinct node under `roots` once, inputs before what uses them."""
    seen: set[Expression] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, inputs_done = stack.pop()
        if node in seen:
            continue
        if inputs_done:
            seen.add(node)
            yield node
        else:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))


def fields_of(roots: Sequence[Expression]) -> tuple[str, ...]:
    """Return the names of the fields that `roots` read, sorted; the calendar's among them."""
    return tuple(sorted({str(n.params[0]) for n in walk(roots) if n.operator is FIELD}))


def lookback_of(roots: Sequence[Expression]) -> int:
    """Return how many sessions before t the values at t rest on."""
    deep: dict[Expression, int] = {}
    for node in walk(roots):
        below = max((deep[arg] for arg in node.args), default=0)
        deep[node] = below + node.operator.history(node.params)
    return max((deep[root] for root in roots), default=0)


def warm_up_of(roots: Sequence[Expression]) -> int:
    """Return how many sessions after a symbol's first bar all `roots` have full values."""
    deep: dict[Expression, int] = {}
    for node in walk(roots):
        below = max((deep[arg] for arg in node.args), default=0)
        own = node.operator.warm_up or node.operator.history
        deep[node] = below + own(node.params)
    return max((deep[root] for root in roots), default=0)


def _expression(value: Any) -> Expression:  # noqa: ANN401 - what a user wrote, checked here
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"{value!r} is neither an expression nor a number")
    return constant(value)
