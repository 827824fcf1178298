"""Tests of `basics.money`: rounding by currency, and the door from float to Decimal."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from basics.money import round_money, to_decimal


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("2.345", "USD", "2.34"),  # Half to even: 4 is even.
        ("2.355", "USD", "2.36"),
        ("2.5", "JPY", "2"),
        ("1.23456", "KWD", "1.235"),
    ],
)
def test_money_rounds_half_to_even_at_the_minor_unit(
    amount: str, currency: str, rounded: str
) -> None:
    assert round_money(Decimal(amount), currency) == Decimal(rounded)


def test_nan_is_not_money() -> None:
    with pytest.raises(InvalidInputError, match="amount of USD must be finite"):
        round_money(Decimal("NaN"), "USD")


def test_a_float_is_taken_by_its_shortest_form() -> None:
    # float(0.1) is 0.1000000000000000055; the shortest form that reads back equal is 0.1.
    assert to_decimal(0.1, digits=20) == Decimal("0.1")


@given(st.floats(-1e9, 1e9))
def test_a_float_moves_by_at_most_half_a_unit(value: float) -> None:
    assert abs(to_decimal(value, digits=4) - Decimal(value)) <= Decimal("0.00005000001")


def test_an_infinite_float_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be finite, got inf"):
        to_decimal(float("inf"), digits=2)
