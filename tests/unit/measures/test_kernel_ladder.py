"""Tests of `measures.kernels.ladder` and of the networks that find quantiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.kernels.ladder import ladder
from measures.kernels.networks import window_networks

WINDOWS = st.lists(st.integers(1, 300), min_size=1, max_size=6, unique=True).map(sorted)


def test_the_windows_of_alpha158_take_seven_merges() -> None:
    rungs, places = ladder((5, 10, 20, 30, 60))

    # 1, 2, 4, 5, 10, 20, 30, 60 sessions: what is newer, what is older, how far back that ends.
    assert rungs.tolist() == [
        *([-1, -1, 0], [0, 0, 1], [1, 1, 2], [2, 0, 4]),
        *([3, 3, 5], [4, 4, 10], [5, 4, 20], [6, 6, 30]),
    ]
    assert places.tolist() == [3, 4, 5, 6, 7]


@given(WINDOWS)
def test_every_rung_is_made_of_two_below_it_and_every_window_is_one(windows: list[int]) -> None:
    rungs, places = ladder(windows)

    lengths = [1]
    for k, (newer, older, back) in enumerate(rungs[1:].tolist(), start=1):
        assert max(newer, older) < k
        assert back == lengths[newer]
        lengths.append(lengths[newer] + lengths[older])
    assert [lengths[place] for place in places] == windows
    assert len(rungs) <= 1 + sum(2 * window.bit_length() for window in windows)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(5, 10, 20, 30, 60), (1, 2, 3), (7,), (2, 4, 8, 16), (3, 6, 9)]),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_a_pruned_network_still_finds_its_order_statistics(
    windows: tuple[int, ...], probabilities: list[float], seed: int
) -> None:
    plan = window_networks(windows, probabilities)
    assert plan is not None
    x = np.random.default_rng(seed).integers(0, 40, size=3 * windows[-1]).astype(float)

    table = np.full((plan.n_rows, len(x)), np.nan)
    table[0] = x
    for w, window in enumerate(windows):
        for i, i_lag, j, j_lag, low, high in plan.comparisons[plan.stages[w] : plan.stages[w + 1]]:
            assert not {i, j} & {low, high}
            a, b = np.roll(table[i], i_lag), np.roll(table[j], j_lag)
            if low >= 0:
                table[low] = np.minimum(a, b)
            if high >= 0:
                table[high] = np.maximum(a, b)
        for k, p in enumerate(probabilities):
            i, i_lag, j, j_lag = plan.answers[k, w]
            place = p * (window - 1)
            below = int(place)
            ordered = np.sort(x[-window:])
            assert np.roll(table[i], i_lag)[-1] == ordered[below]
            assert np.roll(table[j], j_lag)[-1] == ordered[min(below + 1, window - 1)]


def test_windows_that_are_not_made_of_one_another_have_no_network() -> None:
    assert window_networks((5, 12), (0.5,)) is None


@pytest.mark.parametrize("probability", [0.2, 0.8])
def test_one_quantile_of_a_long_window_takes_fewer_comparisons_than_its_order(
    probability: float,
) -> None:
    one = window_networks((30, 60), (probability,))
    every = window_networks((30, 60), np.linspace(0.0, 1.0, 60))

    assert one is not None
    assert every is not None
    assert np.diff(one.stages)[1] < np.diff(every.stages)[1] / 3
