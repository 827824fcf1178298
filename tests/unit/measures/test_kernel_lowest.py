"""Tests of `measures.kernels.lowest`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from measures.kernels.lowest import lowest
from measures.tail import tail_risks


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 200),
    st.sampled_from([300, 1_024, 1_091, 2_500]),
    st.floats(0.001, 0.6),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 2**32 - 1),
)
def test_the_lowest_are_those_of_a_full_sort(
    n_rows: int, n: int, share: float, dtype: type, seed: int
) -> None:
    rows = np.random.default_rng(seed).standard_t(3, size=(n_rows, n)).astype(dtype)
    count = max(int(share * n), 1)

    kept = lowest(rows, count)

    assert kept is not None
    assert kept.dtype == dtype
    assert np.array_equal(kept, np.sort(rows, axis=1)[:, :count])


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_whose_sample_misleads_are_selected_from_whole(threads: int) -> None:
    n, count = 2_048, 100
    rows = np.random.default_rng(2).normal(size=(200, n))
    at = np.arange(n) % 64 < 8
    rows[0] = np.where(at, 5.0, -1.0)  # Where it samples nothing is low.
    rows[1] = np.where(at, -5.0, 1.0)  # And here everything is.
    rows[2] = 7.0
    rows[3] = np.arange(n)[::-1]

    kept = lowest(rows, count, threads=threads)

    assert kept is not None
    assert np.array_equal(kept, np.sort(rows, axis=1)[:, :count])
    assert np.array_equal(lowest(np.asfortranarray(rows), count), kept)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(2, 100), (60, 1_500)])
def test_one_bad_value_anywhere_is_refused(bad: float, shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(2).normal(size=shape)
    rows[-1, -1] = bad

    assert lowest(rows, 5) is None
    with pytest.raises(InvalidInputError, match="pnl must be finite vectors, got NaN or inf"):
        tail_risks(rows, confidences=[0.95])
