"""Tests of `measures.covariance`: against a second implementation, by law, by refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from basics.errors import InvalidInputError, MissingDataError
from measures.covariance import (
    correlation_of,
    covariance_root,
    ewma_covariance,
    factor_covariance,
    is_positive_semidefinite,
    ledoit_wolf_covariance,
    nearest_correlation,
    sample_covariance,
)

RETURNS = np.random.default_rng(3).normal(size=(6, 200)) * np.arange(1, 7)[:, None]


def test_ledoit_wolf_equals_the_reference_implementation() -> None:
    covariance, intensity = ledoit_wolf_covariance(RETURNS)

    expected, shrinkage = ledoit_wolf(RETURNS.T)
    assert covariance == pytest.approx(expected, rel=1e-10)
    assert intensity == pytest.approx(shrinkage, rel=1e-10)


def test_more_assets_than_observations_still_gives_a_definite_matrix() -> None:
    covariance, _ = ledoit_wolf_covariance(np.random.default_rng(0).normal(size=(30, 10)))
    assert np.linalg.eigvalsh(covariance)[0] > 0


def test_ewma_covariance_by_hand() -> None:
    # Weights 1/3 and 2/3 for a decay of one half over two days.
    covariance = ewma_covariance(np.array([[1.0, 2.0], [3.0, -1.0]]), decay=0.5)
    assert covariance == pytest.approx(
        np.array([[(1 + 2 * 4) / 3, (3 - 2 * 2) / 3], [(3 - 4) / 3, (9 + 2) / 3]])
    )


def test_factor_covariance_keeps_variances_and_all_factors_keep_everything() -> None:
    sample = sample_covariance(RETURNS)
    assert np.diag(factor_covariance(RETURNS, n_factors=2)) == pytest.approx(np.diag(sample))
    assert factor_covariance(RETURNS, n_factors=6) == pytest.approx(sample, abs=1e-10)


def test_nearest_correlation_of_higham_2002() -> None:
    # The example of Higham (2002), section 4: the distance and the matrix are published.
    broken = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])

    repaired = nearest_correlation(broken)

    assert repaired[0, 1] == pytest.approx(0.7607, abs=1e-4)
    assert repaired[0, 2] == pytest.approx(0.1573, abs=1e-4)
    assert np.linalg.norm(broken - repaired) == pytest.approx(0.5278, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 8))
def test_repair_always_gives_a_correlation_matrix(seed: int, n: int) -> None:
    wild = np.random.default_rng(seed).uniform(-1, 1, size=(n, n))
    wild = (wild + wild.T) / 2
    np.fill_diagonal(wild, 1.0)

    repaired = nearest_correlation(wild)

    assert np.diag(repaired) == pytest.approx(np.ones(n))
    assert is_positive_semidefinite(repaired)
    assert np.abs(repaired).max() <= 1.0


def test_a_valid_correlation_is_left_alone() -> None:
    valid = np.array([[1.0, 0.3], [0.3, 1.0]])
    assert nearest_correlation(valid) == pytest.approx(valid, abs=1e-9)


def test_root_reproduces_a_singular_matrix() -> None:
    singular = np.ones((3, 3))
    root = covariance_root(singular)
    assert root @ root.T == pytest.approx(singular, abs=1e-12)


def test_constant_asset_has_no_correlation() -> None:
    correlation, std = correlation_of(np.array([[4.0, 0.0], [0.0, 0.0]]))
    assert correlation.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert std.tolist() == [2.0, 0.0]


def test_malformed_input_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="finite"):
        sample_covariance(np.array([[1.0, np.nan]]))
    with pytest.raises(MissingDataError, match="1 observations"):
        sample_covariance(np.ones((3, 1)))
    with pytest.raises(InvalidInputError, match="symmetric"):
        nearest_correlation(np.array([[1.0, 0.2], [0.5, 1.0]]))
    with pytest.raises(InvalidInputError, match=r"1\.\.6, got 7"):
        factor_covariance(RETURNS, n_factors=7)
