"""Tests of `market.liquidity.measures`: by hand, by the model assumed, by refusal."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from market.liquidity import (
    amihud,
    average_daily_volume,
    corwin_schultz,
    days_to_liquidate,
    quoted_spread,
    roll_spread,
    volume_profile,
)


def test_average_volume_waits_for_a_full_window_and_leaves_holes_out() -> None:
    volume = np.array([[10.0, 20.0, np.nan, 40.0]])

    assert np.array_equal(
        average_daily_volume(volume, window=2), [[np.nan, 15.0, 20.0, 40.0]], equal_nan=True
    )


def test_amihud_by_hand() -> None:
    close, volume = np.array([[10.0, 11.0, 9.9]]), np.array([[100.0, 200.0, 50.0]])

    measured = amihud(close, volume, window=2)

    # 10% on 2,200 of money, 10% on 495.
    assert measured[0, 2] == pytest.approx((0.1 / 2200 + 0.1 / 495) / 2)


def test_roll_finds_the_spread_of_a_bouncing_price() -> None:
    rng = np.random.default_rng(1)
    mid = 100 * np.exp(np.cumsum(rng.standard_normal(20_000) * 1e-4))
    traded = mid * (1 + 0.001 * rng.choice([-1, 1], 20_000))

    spread = roll_spread(traded[None], window=19_000)[0, -1]

    assert spread == pytest.approx(0.002, rel=0.05)


def test_corwin_schultz_finds_the_spread_that_widened_the_ranges() -> None:
    rng = np.random.default_rng(2)
    steps = rng.standard_normal((1, 2_000, 390)) * 0.01 / np.sqrt(390)
    path = np.exp(np.cumsum(steps.reshape(1, -1), axis=1)).reshape(1, 2_000, 390)
    high, low, close = path.max(axis=2) * 1.005, path.min(axis=2) * 0.995, path[:, :, -1]

    spread = np.nanmean(corwin_schultz(high, low, close))

    # The true spread is 1%; the estimator is known to be a little off for negative values cut at 0.
    assert spread == pytest.approx(0.01, abs=0.002)


def test_a_crossed_quote_has_no_spread() -> None:
    spreads = quoted_spread(np.array([99.0, 101.0]), np.array([101.0, 100.0]))

    assert spreads[0] == pytest.approx(0.02)
    assert np.isnan(spreads[1])


def test_a_profile_sums_to_one() -> None:
    profile = volume_profile(np.array([3.0, 1.0, 4.0]), np.array([0, 1, 0]), buckets=3)

    assert profile.tolist() == [7 / 8, 1 / 8, 0.0]


def test_days_to_liquidate_at_a_tenth_of_volume() -> None:
    days = days_to_liquidate(
        np.array([500.0, 0.0, -5.0]), np.array([1000.0, 0.0, 0.0]), participation=0.1
    )

    assert days.tolist() == [5.0, 0.0, np.inf]


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="window must be positive, got 0"):
        average_daily_volume(np.ones((1, 3)), window=0)


def test_participation_beyond_the_whole_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="participation must lie in"):
        days_to_liquidate(np.ones(1), np.ones(1), participation=1.5)


def test_a_profile_without_volume_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="needs volume"):
        volume_profile(np.zeros(2), np.array([0, 1]), buckets=2)
