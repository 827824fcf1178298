"""Cells of tables from numbers, so that every table of every page reads alike."""

from collections.abc import Sequence

from infra.report import formats
from infra.report.page import Cell, Column
from services.report import Tone


def text(value: str) -> Cell:
    """Return a cell of prose or a name."""
    return Cell(value)


def code(value: str) -> Cell:
    """Return an identifier, set in a fixed width."""
    return Cell(value, code=True)


def money(value: formats.Number | None, *, digits: int = 0) -> Cell:
    """Return an amount that is neither good nor bad."""
    return Cell(formats.money(value, digits=digits))


def gain(value: formats.Number | None, *, digits: int = 0) -> Cell:
    """Return a profit, signed, in the colour of its sign."""
    return Cell(formats.money(value, digits=digits, signed=True), sign_tone(value))


def rate(value: formats.Number | None, *, digits: int = 2) -> Cell:
    """Return a fraction as per cent."""
    return Cell(formats.percent(value, digits=digits))


def number(value: formats.Number | None, *, digits: int = 2) -> Cell:
    """Return a pure number."""
    return Cell(formats.ratio(value, digits=digits))


def whole(value: formats.Number | None) -> Cell:
    """Return a count."""
    return Cell(formats.count(value))


def p_value(value: float | None, *, level: float = 0.05) -> Cell:
    """Return a probability, marked where the test rejects at `level`."""
    rejected = value is not None and value < level  # A NaN rejects nothing.
    return Cell(formats.p_value(value), Tone.WARN if rejected else Tone.PLAIN)


def columns(*titles: str, words: int = 1) -> Sequence[Column]:
    """Return columns of which the first `words` hold words and the rest numbers."""
    return [Column(title=title, numeric=place >= words) for place, title in enumerate(titles)]


def sign_tone(value: formats.Number | None) -> Tone:
    """Return the tone of a profit's sign."""
    if value is None or value == 0:
        return Tone.PLAIN
    return Tone.GOOD if value > 0 else Tone.BAD
