"""Tests of `risk.theoretical`: what a risk model says that a day's book earned."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from risk.theoretical import factor_pnl, own_price_pnl


def test_own_prices_by_hand() -> None:
    exposures = np.array([[100.0, 50.0], [-20.0, 0.0]])
    returns = np.array([[0.01, -0.02], [0.05, np.nan]])

    # 1 - 1 on the first day, -1 on the second; what has no return is not seen.
    assert own_price_pnl(exposures, returns).tolist() == pytest.approx([0.0, -1.0])


def test_a_book_that_factors_explain_is_seen_whole() -> None:
    rng = np.random.default_rng(5)
    factors = rng.normal(0, 0.01, (90, 2))
    betas = np.array([[1.0, 0.5], [0.8, -0.3], [1.2, 0.0]])
    returns = betas @ factors.T + 0.001
    exposures = rng.normal(0, 1000, (3, 30))

    seen = factor_pnl(exposures, returns, factors, window=60)

    assert seen == pytest.approx((exposures * (betas @ factors[60:].T)).sum(axis=0))


def test_an_exposure_knows_nothing_of_its_day() -> None:
    rng = np.random.default_rng(6)
    factors, returns = rng.normal(0, 0.01, (70, 1)), rng.normal(0, 0.01, (2, 70))
    exposures = np.ones((2, 10))
    before = factor_pnl(exposures, returns, factors, window=60)

    returns[:, -1] *= 9

    assert factor_pnl(exposures, returns, factors, window=60).tolist() == before.tolist()


def test_a_symbol_with_a_gap_in_its_window_is_not_seen() -> None:
    rng = np.random.default_rng(7)
    factors, returns = rng.normal(0, 0.01, (61, 1)), rng.normal(0, 0.01, (2, 61))
    returns[1, 5] = np.nan
    exposures = np.array([[100.0], [100.0]])

    seen = factor_pnl(exposures, returns, factors, window=60)

    assert seen == pytest.approx(factor_pnl(exposures[:1], returns[:1], factors, window=60))


def test_bad_input_is_named() -> None:
    exposures, returns, factors = np.ones((1, 2)), np.ones((1, 62)), np.ones((62, 1))
    with pytest.raises(InvalidInputError, match="must be one grid"):
        own_price_pnl(exposures, returns)
    with pytest.raises(InvalidInputError, match="need 42 returns and factors"):
        factor_pnl(exposures, returns, factors, window=40)
    with pytest.raises(InvalidInputError, match="linearly dependent"):
        factor_pnl(exposures, returns, factors, window=60)
    with pytest.raises(InvalidInputError, match="not finite"):
        factor_pnl(exposures, returns, factors * np.nan, window=60)
    with pytest.raises(MissingDataError, match="too short for 1 factors"):
        factor_pnl(exposures, returns[:, :5], factors[:5], window=3)
