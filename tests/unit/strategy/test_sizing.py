"""Tests of `strategy.sizing`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from basics.errors import InvalidInputError
from strategy.sizing import long_only_weights, long_short_weights, scale_to_volatility, volatility

NAN = np.nan
SIGNALS = arrays(np.float64, 8, elements=st.floats(-3, 3).map(lambda x: round(x, 2)))


def test_long_short_by_hand() -> None:
    weights = long_short_weights(np.array([3.0, 1.0, -1.0, -3.0]), gross=1.0, cap=0.5)

    # Half of gross to each side, in proportion 3 to 1.
    np.testing.assert_allclose(weights, [0.375, 0.125, -0.125, -0.375])


def test_excess_over_the_cap_goes_to_the_others_of_the_side() -> None:
    weights = long_only_weights(np.array([6.0, 3.0, 1.0]), total=0.8, cap=0.4)

    # Uncapped 0.48, 0.24, 0.08; the first keeps 0.4, the other 0.4 is split 3 to 1.
    np.testing.assert_allclose(weights, [0.4, 0.3, 0.1])


def test_side_with_too_few_symbols_stays_below_its_half() -> None:
    weights = long_short_weights(np.array([2.0, -1.0, -1.0]), gross=1.0, cap=0.3)

    np.testing.assert_allclose(weights, [0.3, -0.25, -0.25])


@settings(max_examples=60)
@given(SIGNALS, st.floats(0.05, 0.5))
def test_weights_keep_cap_gross_and_direction(signals: np.ndarray, cap: float) -> None:
    weights = long_short_weights(signals, gross=1.0, cap=cap)

    assert (np.abs(weights) <= cap + 1e-12).all()
    assert weights[weights > 0].sum() <= 0.5 + 1e-12
    assert -weights[weights < 0].sum() <= 0.5 + 1e-12
    centred = signals - signals.mean()
    assert (weights * centred >= -1e-12).all()


def test_no_opinion_weighs_nothing() -> None:
    assert (long_short_weights(np.array([NAN, 1.0, NAN])) == 0).all()
    assert (long_only_weights(np.array([NAN, -1.0])) == 0).all()


def test_volatility_target_scales_to_it_in_closed_form() -> None:
    covariance = np.diag([0.01**2, 0.02**2])
    weights = np.array([0.4, -0.3])

    scaled = scale_to_volatility(weights, covariance, target=0.10, max_gross=5.0)

    assert volatility(scaled, covariance) * np.sqrt(252) == pytest.approx(0.10)
    np.testing.assert_allclose(scaled / scaled[0], weights / weights[0])


def test_quiet_market_stops_at_the_largest_gross() -> None:
    scaled = scale_to_volatility(
        np.array([0.5, -0.5]), np.eye(2) * 1e-10, target=0.10, max_gross=1.5
    )

    assert np.abs(scaled).sum() == pytest.approx(1.5)


def test_symbol_without_covariance_is_refused_only_when_held() -> None:
    covariance = np.array([[1e-4, NAN], [NAN, NAN]])

    free = scale_to_volatility(np.array([0.5, 0.0]), covariance, target=0.1, max_gross=1.0)
    assert free[0] > 0
    with pytest.raises(InvalidInputError, match="has no covariance"):
        scale_to_volatility(np.array([0.5, 0.1]), covariance, target=0.1, max_gross=1.0)


def test_bad_bounds_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="exposure and cap must be positive"):
        long_only_weights(np.ones(2), cap=0.0)
    with pytest.raises(InvalidInputError, match="target and max_gross must be positive"):
        scale_to_volatility(np.ones(1), np.eye(1), target=0.0, max_gross=1.0)
    with pytest.raises(InvalidInputError, match="vector without infinities"):
        long_short_weights(np.array([np.inf, 1.0]))
