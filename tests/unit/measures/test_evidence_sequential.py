"""Tests of the always-valid test: peeking after every observation keeps its promise."""

from itertools import pairwise

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from measures.evidence_sequential import sequential_test


def test_peeking_all_the_time_rejects_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(1)
    peeked = sum(
        sequential_test(rng.standard_t(5, size=400), alpha=0.05).decided_at is not None
        for _ in range(300)
    )

    # A fixed-size test looked at after each of 400 observations rejects about a third.
    assert peeked <= 0.05 * 300 + 8


def test_a_real_difference_is_found_early() -> None:
    differences = np.random.default_rng(2).normal(-0.5, 1.0, 1000)

    result = sequential_test(differences)

    assert result.decided_at is not None
    assert result.decided_at < 150
    assert result.mean_difference < 0


def test_p_values_never_rise() -> None:
    p = sequential_test(np.random.default_rng(3).normal(0.1, 1.0, 300)).p_values

    assert all(b <= a for a, b in pairwise(p))


def test_the_confidence_sequence_holds_the_truth_throughout() -> None:
    rng = np.random.default_rng(4)
    missed = 0
    for _ in range(200):
        result = sequential_test(rng.normal(0.3, 1.0, 300))
        missed += any(not a <= 0.3 <= b for a, b in zip(result.low, result.high, strict=True))

    assert missed <= 0.05 * 200 + 7


def test_p_value_and_interval_agree() -> None:
    result = sequential_test(np.random.default_rng(5).normal(0.2, 1.0, 400))

    assert result.decided_at is not None
    at = result.decided_at - 1
    assert result.low[at] > 0 or result.high[at] < 0


def test_equal_arms_never_decide() -> None:
    result = sequential_test(np.zeros(100))

    assert result.decided_at is None
    assert result.p_values[-1] == 1.0


def test_few_observations_are_refused() -> None:
    with pytest.raises(MissingDataError, match="20 observations"):
        sequential_test(np.ones(20))


def test_an_alpha_of_zero_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="got 0"):
        sequential_test(np.ones(30), alpha=0)
