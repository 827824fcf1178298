"""How numbers read on a page: a true minus sign, grouped thousands, a dash for "not measured"."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

NOT_MEASURED = "–"  # noqa: RUF001 - an en dash is what a reader expects of an empty cell
MINUS = "\N{MINUS SIGN}"
Number = float | Decimal

# Words that a capital first letter alone would spoil.
NAMES = {
    "cagr": "CAGR",
    "hhi": "HHI",
    "modified dietz return": "Modified Dietz return",
    "r squared": "R²",
    "m squared": "M²",
    "ic": "IC",
    "mse": "MSE",
    "rank ic": "Rank IC",
    "ic t": "IC, t",
    "rank ic t": "Rank IC, t",
    "icir": "ICIR",
    "rank icir": "Rank ICIR",
    "value at risk 99": "Value at risk 99%",
    "expected shortfall 975": "Expected shortfall 97.5%",
    # Methods, quantile rules and covariances, by the names that the field knows.
    "filtered ewma": "EWMA-filtered",
    "filtered garch": "GARCH-filtered",
    "student t": "Student t",
    "cornish fisher": "Cornish-Fisher",
    "monte carlo": "Monte Carlo, Student t",
    "monte carlo normal": "Monte Carlo, normal",
    "monte carlo factor": "Monte Carlo, factors",
    "monte carlo quasi": "Monte Carlo, quasi-random",
    "monte carlo t copula": "Monte Carlo, t copula",
    "acerbi tasche": "Acerbi-Tasche",
    "ewma": "EWMA",
    "ledoit wolf": "Ledoit-Wolf",
}
PEOPLE = {"sharpe", "sortino", "calmar", "sterling", "burke", "martin", "treynor", "kelly"}


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
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def confidence(value: float) -> str:
    """Return a confidence level as the field writes it: 95%, 97.5%."""
    return f"{round(value * 100, 6):g}%"


def day(value: date | None) -> str:
    """Return a date as ISO 8601."""
    return NOT_MEASURED if value is None else value.isoformat()


def span(first: date, last: date) -> str:
    """Return a span of dates in words."""
    return f"{day(first)} to {day(last)}"


def title(name: str) -> str:
    """Return the name of a measure as a heading: `max_drawdown` is Max drawdown."""
    words = " ".join(word.title() if word in PEOPLE else word for word in name.split("_"))
    return NAMES.get(words.lower(), words[:1].upper() + words[1:])


_FORMS: Mapping[str, Callable[[Number | None], str]] = {
    "rate": percent,
    "ratio": ratio,
    "money": money,
    "count": count,
    "periods": count,
}


def measured(value: Number | None, unit: str) -> str:
    """Return `value` in the form of its unit; `rate` is a fraction.

    Units in words, as limits have them, are rates when they start with `fraction`.
    """
    form = percent if unit.startswith("fraction") else _FORMS.get(unit, ratio)
    return form(value)


def _number(value: Number | None, form: str) -> str:
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    text = format(value, form)
    # A rounded zero has no sign: "-0.00" would read as a loss.
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)
