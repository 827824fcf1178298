"""Tests of `measures.correlation`."""

import numpy as np
import pytest

from basics.errors import MissingDataError
from measures.correlation import (
    absorption_ratio,
    average_correlation,
    average_tail_dependence,
    correlation_break,
    tail_dependence,
)


def test_average_correlation_by_hand() -> None:
    matrix = np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.6], [0.4, 0.6, 1.0]])
    assert average_correlation(matrix) == pytest.approx(0.4)


def test_absorption_is_the_share_of_the_leading_eigenvalue() -> None:
    assert absorption_ratio(np.diag([5.0, 3.0, 1.0, 1.0, 0.0])) == pytest.approx(0.5)


def test_equal_windows_show_no_break() -> None:
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]])
    statistic, p_value = correlation_break(matrix, matrix, n_before=100, n_after=100)
    assert statistic == pytest.approx(0.0)
    assert p_value == pytest.approx(1.0)


def test_break_test_rejects_as_often_as_it_says_when_nothing_changed() -> None:
    rng = np.random.default_rng(7)
    root = np.linalg.cholesky(0.6 * np.eye(4) + 0.4)
    p_values = []
    for _ in range(400):
        a, b = (
            np.corrcoef(root @ rng.normal(size=(4, 300))),
            np.corrcoef(root @ rng.normal(size=(4, 300))),
        )
        p_values.append(correlation_break(a, b, n_before=300, n_after=300)[1])
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_break_test_finds_a_break() -> None:
    _, p_value = correlation_break(
        np.eye(3), np.full((3, 3), 0.8) + 0.2 * np.eye(3), n_before=250, n_after=250
    )
    assert p_value < 1e-10


def test_tail_dependence_of_equal_and_of_opposite_series() -> None:
    series = np.random.default_rng(0).normal(size=200)
    assert tail_dependence(series, series) == 1.0
    assert tail_dependence(series, -series) == 0.0


def test_too_little_is_refused() -> None:
    with pytest.raises(MissingDataError, match="two assets"):
        average_correlation(np.eye(1))
    with pytest.raises(MissingDataError, match="longer than 3"):
        correlation_break(np.eye(4), np.eye(4), n_before=3, n_after=100)
    with pytest.raises(MissingDataError, match="none below quantile"):
        tail_dependence(np.zeros(5), np.zeros(5))


def test_average_tail_dependence_over_pairs_by_hand() -> None:
    falling = np.arange(20.0)
    # The first two share their worst day, the third has another.
    rows = np.stack([falling, falling, falling[::-1]])
    assert average_tail_dependence(rows, quantile=0.05) == pytest.approx(1.0 / 3.0)
    independent = np.random.default_rng(0).normal(size=(6, 20_000))
    assert average_tail_dependence(independent) == pytest.approx(0.05, abs=0.01)
    with pytest.raises(MissingDataError, match="two and one are needed"):
        average_tail_dependence(rows[:1])
