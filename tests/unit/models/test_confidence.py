"""Tests of conformal intervals: ranks by hand, coverage as a law, drift that is followed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, MissingDataError
from models.confidence import (
    AdaptiveWidth,
    adaptive_levels,
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


def test_adaptive_level_by_hand() -> None:
    levels = adaptive_levels(np.array([1.0, 0.0, np.nan, 0.0]), alpha=0.1, gamma=0.1)

    # 0.1; then 0.1 + 0.1 (0.1 - 1) = 0.01; then 0.01 + 0.1 (0.1 - 0) = 0.02; unchanged.
    assert levels == pytest.approx([0.1, 0.01, 0.02, 0.02])


def test_an_error_counts_only_when_it_is_known() -> None:
    levels = adaptive_levels(np.array([1.0, 1.0, 1.0, 1.0]), alpha=0.1, gamma=0.1, delay=2)

    assert levels[:3].tolist() == [0.1, 0.1, 0.1]
    assert levels[3] == pytest.approx(0.01)


def test_widths_keep_their_coverage_through_a_change_of_spread() -> None:
    rng = np.random.default_rng(4)
    spread = np.where(np.arange(3000) < 1500, 1.0, 3.0)
    scores = np.abs(rng.normal(size=(10, 3000)) * spread)

    widths = AdaptiveWidth(coverage=0.9, window=250, delay=5).widths(scores)
    covered = scores[:, 300:] <= widths[300:]

    assert covered.mean() == pytest.approx(0.90, abs=0.01)
    assert covered[:, -1000:].mean() == pytest.approx(0.90, abs=0.02)


def test_widths_use_nothing_that_was_not_known() -> None:
    scores = np.abs(np.random.default_rng(4).normal(size=(5, 400)))
    later = scores.copy()
    later[:, 300:] = 100.0
    method = AdaptiveWidth(window=100, delay=6)

    same = method.widths(scores)[:307], method.widths(later)[:307]

    assert np.array_equal(*same, equal_nan=True)
    assert method.widths(later)[307] != method.widths(scores)[307]


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
