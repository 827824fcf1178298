"""Tests of `strategy.signals`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from basics.errors import InvalidInputError
from strategy.signals import cross_sectional_signals, momentum_scores, smooth

NAN = np.nan
PREDICTIONS = arrays(np.float64, (4, 6), elements=st.floats(-10, 10).map(lambda x: round(x, 3)))


def test_three_predictions_by_hand() -> None:
    signals = cross_sectional_signals(np.array([[1.0], [2.0], [6.0]]))

    # Mean 3, deviations -2, -1, 3, population standard deviation sqrt(14 / 3).
    np.testing.assert_allclose(signals[:, 0], np.array([-2.0, -1.0, 3.0]) / np.sqrt(14 / 3))


def test_weak_views_and_missing_predictions_are_no_opinion() -> None:
    predictions = np.array([[1.0], [2.0], [6.0], [NAN]])

    signals = cross_sectional_signals(predictions, abstain_below=0.5)

    np.testing.assert_array_equal(np.isnan(signals[:, 0]), [False, True, False, True])


@pytest.mark.parametrize("column", [[NAN, NAN, NAN], [1.0, NAN, NAN], [0.1, 0.1, 0.1]])
def test_session_without_two_different_predictions_has_no_opinion(column: list[float]) -> None:
    assert np.isnan(cross_sectional_signals(np.array(column)[:, None])).all()


@settings(max_examples=40)
@given(PREDICTIONS, st.floats(0.1, 100), st.floats(-50, 50))
def test_signals_ignore_level_and_scale(values: np.ndarray, scale: float, level: float) -> None:
    plain = cross_sectional_signals(values)
    moved = cross_sectional_signals(values * scale + level)

    np.testing.assert_allclose(np.nan_to_num(plain), np.nan_to_num(moved), atol=1e-6)


@settings(max_examples=40)
@given(PREDICTIONS)
def test_a_session_knows_nothing_of_the_others(values: np.ndarray) -> None:
    whole = cross_sectional_signals(values)

    for column in range(values.shape[1]):
        alone = cross_sectional_signals(values[:, column : column + 1])
        np.testing.assert_array_equal(whole[:, column : column + 1], alone)


def test_smoothing_averages_the_last_opinions_by_hand() -> None:
    signals = np.array([[1.0, NAN, 4.0, NAN, NAN]])

    # Two sessions; no opinion counts as zero unless nobody spoke in the window.
    np.testing.assert_array_equal(smooth(signals, sessions=2), [[1.0, 0.5, 2.0, 2.0, NAN]])


def test_smoothing_over_one_session_changes_nothing() -> None:
    signals = np.array([[1.0, NAN, 4.0]])

    np.testing.assert_array_equal(smooth(signals, sessions=1), signals)


def test_momentum_by_hand_leaves_out_the_last_sessions() -> None:
    close = np.array([[10.0, 11.0, 12.0, 15.0]])

    scores = momentum_scores(close, lookback=2, skip=1)

    # At session 2: price of session 1 over price of session 0; at 3: 12 over 11.
    np.testing.assert_allclose(scores, [[NAN, NAN, 0.1, 1 / 11]])


def test_history_shorter_than_the_lookback_has_no_momentum() -> None:
    assert np.isnan(momentum_scores(np.ones((2, 5)), lookback=252, skip=21)).all()


@pytest.mark.parametrize("bad", [np.ones(3), np.array([[np.inf]])])
def test_malformed_predictions_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InvalidInputError, match="matrix without infinities"):
        cross_sectional_signals(bad)


def test_bounds_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="abstain_below"):
        cross_sectional_signals(np.ones((1, 1)), abstain_below=3.0, clip=3.0)
    with pytest.raises(InvalidInputError, match="skip < lookback"):
        momentum_scores(np.ones((1, 1)), lookback=5, skip=5)
    with pytest.raises(InvalidInputError, match="at least 1, got 0"):
        smooth(np.ones((1, 1)), sessions=0)
