"""Tests of `infra.report.formats`: how numbers read."""

from decimal import Decimal

import pytest

from infra.report import formats
from infra.report.formats import MINUS, NOT_MEASURED
from services.report import Unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.891, "1,234,568"),
        (-0.4, "0"),
        (None, NOT_MEASURED),
        (Decimal("-1500"), MINUS + "1,500"),
    ],
)
def test_money_is_grouped_with_a_true_minus_and_no_negative_zero(value, text: str) -> None:
    assert formats.money(value) == text


def test_a_signed_gain_shows_its_plus() -> None:
    assert formats.money(Decimal("12.5"), digits=2, signed=True) == "+12.50"


def test_a_fraction_reads_as_per_cent() -> None:
    assert formats.percent(-0.0525) == MINUS + "5.25%"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "<0.001"), (0.05, "0.050"), (None, NOT_MEASURED)]
)
def test_a_tiny_p_value_is_a_bound(value: float | None, text: str) -> None:
    assert formats.p_value(value) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.RATE, "150.00%"),
        (Unit.RATIO, "1.50"),
        (Unit.MONEY, "2"),
        (Unit.COUNT, "2"),
        (Unit.SESSIONS, "2"),
    ],
)
def test_a_measure_is_written_in_its_unit(unit: Unit, text: str) -> None:
    assert formats.measured(1.5, unit) == text


def test_every_unit_has_a_form() -> None:
    assert all(formats.measured(1.0, unit) for unit in Unit)
