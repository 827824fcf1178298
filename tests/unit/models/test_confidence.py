"""Tests of conformal intervals: ranks by hand, coverage as a law, drift that is followed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from models.confidence import (
    conformal_quantile,
    coverage_by_year,
    quantile_scores,
)


def test_nine_scores_at_90_take_the_largest() -> None:
    # ceil((9 + 1) 0.9) = 9.
    assert conformal_quantile(np.arange(1.0, 10.0), coverage=0.90) == 9.0


def test_too_few_scores_cannot_promise_coverage() -> None:
    assert conformal_quantile(np.arange(8.0), coverage=0.90) == math.inf


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9]))
def test_split_intervals_cover_as_promised(seed: int, coverage: float) -> None:
    rng = np.random.default_rng(seed)
    scores = np.abs(rng.standard_t(3, size=2000))

    width = conformal_quantile(scores[:1000], coverage=coverage)

    # Both halves are noisy: standard deviation of the difference about 0.02 at the most.
    assert (scores[1000:] <= width).mean() == pytest.approx(coverage, abs=0.09)


def test_quantile_regression_is_widened_by_hand() -> None:
    low, high = np.array([0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0])

    scores = quantile_scores(low, high, np.array([0.4, 1.5, -2.0]))

    assert scores.tolist() == [-0.4, 0.5, 2.0]


def test_coverage_is_pooled_over_symbols_by_year() -> None:
    covered = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0]])

    years = coverage_by_year(covered, np.array([2020, 2020, 2021]))

    assert [(y.year, y.share, y.outcomes) for y in years] == [(2020, 0.75, 4), (2021, 1.0, 1)]


def test_a_coverage_of_one_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="got 1"):
        conformal_quantile(np.ones(5), coverage=1.0)


def test_no_calibration_is_refused() -> None:
    with pytest.raises(MissingDataError, match="hold out rows"):
        conformal_quantile(np.array([]), coverage=0.9)
