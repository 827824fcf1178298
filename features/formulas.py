"""Formulas as text: what a user types becomes the expression that the same Python would build.

`close / mean(close, 20)` is parsed, never evaluated: names are fields of the panel, calls are the
operators below, and there are numbers, signs and comparisons. Nothing else is let through, so a
formula from a file or a command line can do nothing but compute. Context is written with its
dots: `beta(returns(close, 1), returns(series.indices.SPX.close, 1), 60)`.

Errors show the formula with a mark under the place.
"""

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from basics.errors import InvalidInputError
from features import operators
from features.calendars import CONTEXT_PREFIXES, PREFIXES
from features.expressions import Expression, binary, field

MAX_LENGTH, MAX_DEPTH = 4_000, 60
# What an expression's own functions cannot write: the operators of Python.
SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS: Mapping[type[ast.cmpop], str] = {ast.Gt: ">", ast.Lt: "<"}
Value = Expression | float


def _operators() -> Mapping[str, Callable[..., Expression]]:
    """Return every public operator by the name that stands in a formula."""
    found = {
        name: function
        for name, function in vars(operators).items()
        if inspect.isfunction(function)
        and function.__module__ == operators.__name__
        and not name.startswith("_")
    }
    return {**found, "abs": abs, "field": field}


OPERATORS: Mapping[str, Callable[..., Any]] = _operators()


def parse_formula(text: str) -> Expression:
    """Return the expression that `text` says.

    Raises
    ------
    InvalidInputError
        If it is no formula; the message shows the place and what may stand there.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInputError(
            f"the formula has {len(text)} characters, more than {MAX_LENGTH}: split it"
        )
    line = " ".join(text.split())
    try:
        tree = ast.parse(line, mode="eval")
    except SyntaxError as error:
        place = len(line) if not error.offset else error.offset - 1
        raise _refusal(line, place, f"no formula: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise InvalidInputError(f"{text[:60]!r} is no formula: {error}") from None
    value = _Parser(line).value(tree.body, 0)
    if not isinstance(value, Expression):
        raise _refusal(line, 0, "a number alone is no feature: name a field")
    return value


class _Parser:
    """Turns the tree of one formula into an expression."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, node: ast.expr, depth: int) -> Value:
        """Return what the node says."""
        if depth > MAX_DEPTH:
            raise self._no(node, f"nested deeper than {MAX_DEPTH}: name the parts and split it")
        reading = self._reading(node)
        if reading is None:
            raise self._no(node, "only fields, numbers, operators and + - * / < > may stand here")
        return reading(node, depth)

    def _reading(self, node: ast.expr) -> Callable[[Any, int], Value] | None:
        """Return how this kind of node is read, None if it may not stand in a formula."""
        readings: Mapping[type[ast.expr], Callable[[Any, int], Value]] = {
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.Compare: self._comparison,
            ast.Call: self._call,
            ast.Name: self._field,
            ast.Attribute: self._field,
            ast.Constant: self._number,
        }
        return readings.get(type(node))

    def _unary(self, node: ast.UnaryOp, depth: int) -> Value:
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self._no(node, "only + and - may stand before a value")
        value = self.value(node.operand, depth + 1)
        return -value if isinstance(node.op, ast.USub) else value

    def _binary(self, node: ast.BinOp, depth: int) -> Value:
        sign = SIGNS.get(type(node.op))
        if sign is None:
            raise self._after(node.left, "only + - * / join two values")
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if isinstance(left, Expression) or isinstance(right, Expression):
            return self._made(node, lambda: binary(sign, left, right))
        return self._folded(node, sign, left, right)

    def _folded(self, node: ast.BinOp, sign: str, left: float, right: float) -> float:
        """Return two numbers joined, as Python would have done before an operator saw them."""
        if sign == "/" and right == 0:
            raise self._no(node.right, "a division by zero")
        value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
        return value if value is not None else left / right

    def _comparison(self, node: ast.Compare, depth: int) -> Expression:
        sign = COMPARISONS.get(type(node.ops[0]))
        if sign is None or len(node.ops) != 1:
            raise self._after(node.left, "only one < or > compares two values")
        left = self.value(node.left, depth + 1)
        right = self.value(node.comparators[0], depth + 1)
        if not (isinstance(left, Expression) or isinstance(right, Expression)):
            raise self._no(node, "two numbers are compared: name a field")
        return self._made(node, lambda: binary(sign, left, right))

    def _call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name) or node.func.id not in OPERATORS:
            name = self._written(node.func)
            raise self._no(
                node.func, f"no operator {name}: there are {', '.join(sorted(OPERATORS))}"
            )
        name = node.func.id
        if name == "field":
            return self._named_field(node)
        args = [self.value(arg, depth + 1) for arg in node.args]
        named = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._no(keyword.value, "** may not stand here")
            named[keyword.arg] = self.value(keyword.value, depth + 1)
        return self._made(node, lambda: _checked_call(name, args, named))

    def _named_field(self, node: ast.Call) -> Expression:
        given = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
            raise self._no(node, 'a field is named by one text: field("close")')
        return field(given.value)

    def _field(self, node: ast.expr, depth: int) -> Expression:
        del depth
        name = self._written(node)
        if "." in name and not name.startswith((*PREFIXES, *CONTEXT_PREFIXES)):
            raise self._no(
                node, f"no field {name}: only {', '.join((*PREFIXES, *CONTEXT_PREFIXES))} have dots"
            )
        if name in OPERATORS:
            raise self._no(node, f"{name} is an operator: write {name}(...)")
        return field(name)

    def _number(self, node: ast.Constant, depth: int) -> float:
        del depth
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._no(node, f"{value!r} is no number")
        if not math.isfinite(value):
            raise self._no(node, f"{value!r} is not finite")
        return value

    def _made(self, node: ast.expr, make: Callable[[], Expression]) -> Expression:
        """Return what an operator makes, its own refusal marked with the place."""
        try:
            return make()
        except InvalidInputError as error:
            raise self._no(node, str(error)) from None

    def _written(self, node: ast.expr) -> str:
        """Return the node as it was written, shortened."""
        begin, end = self._column(node.col_offset), self._column(node.end_col_offset or 0)
        return self._text[begin:end].replace(" ", "")[:200]

    def _no(self, node: ast.expr, reason: str) -> InvalidInputError:
        return _refusal(self._text, self._column(node.col_offset), reason)

    def _after(self, node: ast.expr, reason: str) -> InvalidInputError:
        """Return the error with its mark at what follows `node`."""
        end = self._column(node.end_col_offset or 0)
        rest = self._text[end:]
        return _refusal(self._text, end + len(rest) - len(rest.lstrip(" )")), reason)

    def _column(self, offset: int) -> int:
        # The parser counts in bytes.
        return len(self._text.encode()[:offset].decode(errors="ignore"))


def _checked_call(name: str, args: list[Value], named: Mapping[str, Value]) -> Expression:
    """Call an operator with what fits its signature, and refuse what does not by name."""
    function = OPERATORS[name]
    signature = inspect.signature(function)
    by_name = [p for p, how in signature.parameters.items() if how.kind is how.KEYWORD_ONLY]
    # A formula as it is shown has every parameter in its place.
    plain = len(signature.parameters) - len(by_name)
    named = {**dict(zip(by_name, args[plain:], strict=False)), **named}
    args = args if len(args) > plain + len(by_name) else args[:plain]
    try:
        bound = signature.bind(*args, **named)
    except TypeError as error:
        shown = ", ".join(map(str, signature.parameters))
        raise InvalidInputError(f"{name}({shown}): {error}") from None
    for parameter, value in bound.arguments.items():
        wanted = signature.parameters[parameter].annotation
        if wanted is Expression and not isinstance(value, Expression):
            raise InvalidInputError(f"{name}: {parameter} is {value!r}, name a field or a formula")
        if wanted in {int, float} and isinstance(value, Expression):
            raise InvalidInputError(f"{name}: {parameter} is {value}, give a number")
    if not any(isinstance(value, Expression) for value in bound.arguments.values()):
        raise InvalidInputError(f"{name} of numbers alone: name a field or a formula")
    made: Expression = function(*args, **named)
    return made


def _refusal(text: str, column: int, reason: str) -> InvalidInputError:
    """Return the error with the formula and a mark under the place."""
    return InvalidInputError(f"column {column + 1}: {reason}\n  {text}\n  {' ' * column}^")
