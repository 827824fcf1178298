"""Tests of drift measures: by hand, by closed form, by law, and by refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from measures.evidence_drift import (
    DriftReference,
    StabilityReference,
    measure_drift,
    stability_index,
)


def test_two_bins_by_hand() -> None:
    reference = np.array([0.0, 0.0, 1.0, 1.0])
    current = np.array([0.0, 1.0, 1.0, 1.0])

    # Shares 1/2, 1/2 against 1/4, 3/4; the one edge is the median 0.5.
    expected = (0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5)
    assert stability_index(reference, current, bins=2) == pytest.approx(expected)


def test_a_shift_by_one_deviation_has_its_closed_form() -> None:
    grid = (np.arange(20_000) + 0.5) / 20_000
    from scipy import stats

    reference = stats.norm.ppf(grid)
    drift = measure_drift(reference, reference + 1.0)

    # Wasserstein of a shift is the shift; KS is 2 Phi(1/2) - 1.
    assert drift.wasserstein == pytest.approx(1.0, abs=1e-3)
    assert drift.kolmogorov_smirnov == pytest.approx(2 * stats.norm.cdf(0.5) - 1, abs=1e-3)
    assert drift.level == "alarm"
    assert drift.p_value is None


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_samples_of_one_distribution_are_calm(seed: int) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, 900))

    drift = measure_drift(first, second)

    # 900 times the index is about chi-square with nine degrees of freedom, doubled.
    assert drift.stability_index < 0.10
    assert drift.level == "calm"
    assert drift.p_value is not None


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(20, 300))
def test_the_distances_are_those_of_scipy(seed: int, count: int) -> None:
    from scipy import stats

    rng = np.random.default_rng(seed)
    reference, current = rng.normal(size=400), rng.normal(0.3, 2.0, size=count).round(1)

    distance, mass = DriftReference(reference).distances(current)

    ours = stats.ks_2samp(reference, current, method="asymp").statistic
    assert distance == pytest.approx(ours, abs=1e-12)
    theirs = stats.wasserstein_distance(reference, current) / reference.std()
    assert mass == pytest.approx(theirs, rel=1e-9)


def test_draws_of_columns_have_the_index_of_what_they_hold() -> None:
    rng = np.random.default_rng(2)
    grid = rng.normal(size=(3, 50))
    grid[1, :30] = np.nan
    reference = StabilityReference(rng.normal(size=500))
    picks = np.array([[0, 1, 2, 2, 40, 41], [3, 3, 3, 3, 3, 3]])

    found = reference.indices(grid, picks, least=13)

    drawn = grid[:, picks[0]]
    assert found[0] == pytest.approx(reference.index(drawn[np.isfinite(drawn)]), abs=1e-12)
    assert np.isnan(found[1])  # Twelve values are too few.


def test_a_sample_against_itself_has_not_moved() -> None:
    sample = np.random.default_rng(1).normal(size=500)

    drift = measure_drift(sample, sample)

    assert (drift.stability_index, drift.kolmogorov_smirnov, drift.wasserstein) == (0.0, 0.0, 0.0)


def test_a_constant_column_that_stays_is_calm() -> None:
    assert measure_drift(np.ones(50), np.ones(50)).level == "calm"


def test_missing_values_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="current sample must be a finite"):
        stability_index(np.ones(50), np.array([np.nan] * 50))


def test_a_handful_of_values_is_refused() -> None:
    with pytest.raises(MissingDataError, match="current sample has 5 values"):
        measure_drift(np.ones(50), np.ones(5))
