"""Tests of `measures.kernels.normals`."""

import numpy as np
import pytest
from scipy import stats

from measures.kernels.normals import normal_pairs


def pairs(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.empty((2, len(bits)), dtype=np.float32)
    normal_pairs(bits, first, second)
    return first, second


def test_each_pair_is_the_formula_of_box_and_muller_to_the_digits_of_float32() -> None:
    bits = np.random.default_rng(5).integers(0, 2**64, dtype=np.uint64, size=100_000)

    first, second = pairs(bits)

    uniform = ((bits >> np.uint64(32)).astype(np.float64) + 0.5) / 2**32
    turn = bits.astype(np.uint32).view(np.int32) / 2**32
    radius = np.sqrt(-2.0 * np.log(uniform))
    assert first == pytest.approx(radius * np.cos(2.0 * np.pi * turn), abs=1.5e-6)
    assert second == pytest.approx(radius * np.sin(2.0 * np.pi * turn), abs=1.5e-6)


def test_the_smallest_and_the_largest_bits_give_the_ends_of_the_law() -> None:
    first, second = pairs(np.array([0, 0xFFFFFFFF << 32], dtype=np.uint64))

    assert first == pytest.approx([6.76368, 1.52588e-05], rel=1e-5)
    assert second == pytest.approx([0.0, 0.0], abs=1e-6)


def test_draws_are_normal_and_independent_within_a_pair() -> None:
    bits = np.random.default_rng(6).integers(0, 2**64, dtype=np.uint64, size=500_000)

    first, second = pairs(bits)

    both = np.concatenate([first, second]).astype(np.float64)
    assert stats.kstest(both, "norm").pvalue > 0.01
    assert both.mean() == pytest.approx(0.0, abs=3e-3)
    assert both.var() == pytest.approx(1.0, abs=6e-3)
    assert stats.kurtosis(both) == pytest.approx(0.0, abs=0.02)
    for power in (1, 2):
        assert np.corrcoef(first**power, second**power)[0, 1] == pytest.approx(0.0, abs=6e-3)
    beyond_three = np.mean(np.abs(both) > 3.0)
    assert beyond_three == pytest.approx(0.0026998, rel=0.06)
