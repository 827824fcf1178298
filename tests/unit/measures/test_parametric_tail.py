"""Tests of `measures.parametric_tail` against the field's golden numbers and quadrature."""

import numpy as np
import pytest
from scipy import integrate, stats

from basics.errors import InvalidInputError
from measures.parametric_tail import (
    cornish_fisher_tail,
    cornish_fisher_valid,
    degrees_from_kurtosis,
    normal_tail,
    student_t_tail,
)

ZERO, ONE = np.zeros(1), np.ones(1)


@pytest.mark.parametrize(
    ("confidence", "value", "shortfall"),
    [(0.95, 1.644854, 2.062713), (0.99, 2.326348, 2.665214)],  # McNeil et al. (2015), table 2.1
)
def test_normal_tail_golden(confidence: float, value: float, shortfall: float) -> None:
    var, es = normal_tail(ZERO, ONE, confidence=confidence)
    assert var[0] == pytest.approx(value, abs=1e-6)
    assert es[0] == pytest.approx(shortfall, abs=1e-6)


@pytest.mark.parametrize("degrees", [3.0, 4.5, 30.0])
def test_student_t_equals_quantile_and_quadrature(degrees: float) -> None:
    var, es = student_t_tail(ZERO, ONE, np.array([degrees]), confidence=0.975)

    law = stats.t(degrees, scale=np.sqrt((degrees - 2) / degrees))
    tail_mean = integrate.quad(lambda x: x * law.pdf(x), -np.inf, law.ppf(0.025))[0] / 0.025
    assert var[0] == pytest.approx(-law.ppf(0.025), rel=1e-12)
    assert es[0] == pytest.approx(-tail_mean, rel=1e-7)


def test_many_degrees_approach_the_normal() -> None:
    var, es = student_t_tail(ZERO, ONE, np.array([1e7]), confidence=0.99)
    assert (var[0], es[0]) == pytest.approx((2.326348, 2.665214), abs=1e-5)


def test_cornish_fisher_without_skewness_and_kurtosis_is_normal() -> None:
    plain = normal_tail(np.array([0.1]), np.array([2.0]), confidence=0.99)
    modified = cornish_fisher_tail(np.array([0.1]), np.array([2.0]), ZERO, ZERO, confidence=0.99)
    assert np.concatenate(modified) == pytest.approx(np.concatenate(plain), rel=1e-14)


def test_cornish_fisher_shortfall_is_the_average_of_modified_var() -> None:
    skewness, kurtosis = np.array([-0.4]), np.array([1.2])

    def modified_var(tail: float) -> float:
        return float(cornish_fisher_tail(ZERO, ONE, skewness, kurtosis, confidence=1 - tail)[0][0])

    _, es = cornish_fisher_tail(ZERO, ONE, skewness, kurtosis, confidence=0.95)
    average = integrate.quad(modified_var, 1e-12, 0.05)[0] / 0.05
    assert es[0] == pytest.approx(average, rel=1e-6)


def test_cornish_fisher_knows_where_it_may_be_used() -> None:
    # Maillard (2012): moderate kurtosis is inside the domain, large skewness alone is not.
    valid = cornish_fisher_valid(np.array([0.0, -0.3, 2.0, 0.0]), np.array([0.0, 2.0, 0.0, 20.0]))
    assert valid.tolist() == [True, True, False, False]


def test_degrees_follow_the_kurtosis_of_the_t() -> None:
    # Excess kurtosis of a t is 6 / (v - 4).
    assert degrees_from_kurtosis(np.array([6.0, 1.0, -1.0])) == pytest.approx([5.0, 10.0, 200.0])


def test_impossible_moments_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="std must be >= 0, got -1"):
        normal_tail(ZERO, -ONE, confidence=0.95)
    with pytest.raises(InvalidInputError, match="degrees must exceed 2"):
        student_t_tail(ZERO, ONE, np.array([2.0]), confidence=0.95)
