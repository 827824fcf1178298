"""How numbers read on a page: a true minus sign, grouped thousands, a dash for "not measured"."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from services.report import Unit

NOT_MEASURED = "–"  # noqa: RUF001 - an en dash is what a reader expects of an empty cell
MINUS = "\N{MINUS SIGN}"
Number = float | Decimal


def money(value: Number | None, *, digits: int = 0, signed: bool = False) -> str:
    """Return an amount with grouped thousands; the currency stands in the heading."""
    return _number(value, f"{'+' if signed else ''},.{digits}f")


def percent(value: Number | None, *, digits: int = 2, signed: bool = False) -> str:
    """Return a fraction as per cent."""
    return _number(value, f"{'+' if signed else ''},.{digits}%")


def ratio(value: Number | None, *, digits: int = 2, signed: bool = False) -> str:
    """Return a pure number."""
    return _number(value, f"{'+' if signed else ''},.{digits}f")


def count(value: Number | None) -> str:
    """Return a whole number with grouped thousands."""
    return _number(value, ",.0f")


def p_value(value: float | None) -> str:
    """Return a probability, small ones as a bound: digits beyond that carry nothing."""
    if value is None:
        return NOT_MEASURED
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def day(value: date) -> str:
    """Return a date as ISO 8601."""
    return value.isoformat()


def span(first: date, last: date) -> str:
    """Return a span of dates in words."""
    return f"{day(first)} to {day(last)}"


def measured(value: Number | None, unit: Unit) -> str:
    """Return `value` in the form of its unit."""
    forms: Mapping[Unit, Callable[[Number | None], str]] = {
        Unit.RATE: percent,
        Unit.RATIO: ratio,
        Unit.MONEY: money,
        Unit.COUNT: count,
        Unit.SESSIONS: count,
    }
    return forms[unit](value)


def _number(value: Number | None, form: str) -> str:
    if value is None:
        return NOT_MEASURED
    text = format(value, form)
    # A rounded zero has no sign: "-0.00" would read as a loss.
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)
