"""Tests of `infra.report.formats`: how numbers read."""

from decimal import Decimal

import pytest

from infra.report import formats
from infra.report.formats import MINUS, NOT_MEASURED


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
        ("rate", "150.00%"),
        ("ratio", "1.50"),
        ("money", "2"),
        ("periods", "2"),
        ("fraction of peak equity", "150.00%"),
        ("days", "1.50"),
    ],
)
def test_a_measure_is_written_in_its_unit(unit: str, text: str) -> None:
    assert formats.measured(1.5, unit) == text


def test_what_is_not_a_number_was_not_measured() -> None:
    assert formats.ratio(float("nan")) == NOT_MEASURED


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("max_drawdown", "Max drawdown"),
        ("adjusted_sharpe_ratio", "Adjusted Sharpe ratio"),
        ("cagr", "CAGR"),
        ("r_squared", "R²"),
        ("value_at_risk_99", "Value at risk 99%"),
        ("monte_carlo_t_copula", "Monte Carlo, t copula"),
        ("acerbi_tasche", "Acerbi-Tasche"),
    ],
)
def test_a_measure_has_a_readable_title(name: str, title: str) -> None:
    assert formats.title(name) == title


@pytest.mark.parametrize(("level", "text"), [(0.95, "95%"), (0.975, "97.5%"), (0.99, "99%")])
def test_a_confidence_level_has_no_needless_digits(level: float, text: str) -> None:
    assert formats.confidence(level) == text
