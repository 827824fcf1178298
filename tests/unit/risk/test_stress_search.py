"""Tests of `risk.stress_search`."""

from datetime import date

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from risk.stress_search import conditional_moves, replay_window, reverse_stress, worst_stretch

SESSIONS = np.arange("2020-01-01", 10, dtype="datetime64[D]")
CLOSE = np.stack([np.linspace(100, 190, 10), np.full(10, np.nan)])
COVARIANCE = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]]) * 1e-4


def replay(start: int, end: int):
    return replay_window(
        ("A", "NEW"),
        CLOSE,
        SESSIONS,
        window=(date(2020, 1, start), date(2020, 1, end)),
        betas=np.array([1.0, 2.0]),
    )


def test_window_runs_from_the_close_before_it() -> None:
    found = replay(3, 5)
    # Closes 110 on the second, 140 on the fifth; the new symbol moves by its beta.
    assert found.returns == pytest.approx([140 / 110 - 1, 2 * (140 / 110 - 1)])
    assert found.proxied == ("NEW",)
    assert (found.first, found.last) == (date(2020, 1, 2), date(2020, 1, 5))


def test_window_beyond_the_prices_is_refused() -> None:
    with pytest.raises(MissingDataError, match="do not cover"):
        replay(1, 5)
    with pytest.raises(MissingDataError, match="do not cover"):
        replay(5, 20)


def test_conditional_move_is_the_regression_on_what_was_shocked() -> None:
    moves = conditional_moves(COVARIANCE, shocked={0: -0.2})
    assert moves == pytest.approx([-0.2, -0.05, 0.0])


def test_two_shocks_move_as_given() -> None:
    moves = conditional_moves(COVARIANCE, shocked={0: -0.2, 2: 0.1})
    assert moves[[0, 2]] == pytest.approx([-0.2, 0.1])


def test_reverse_stress_loses_what_was_asked_and_nothing_likelier_does() -> None:
    exposures = np.array([100.0, -50.0, 80.0])
    found = reverse_stress(exposures, COVARIANCE, loss=10.0)
    inverse = np.linalg.inv(COVARIANCE)

    assert exposures @ found.moves == pytest.approx(-10.0)
    assert found.deviations**2 == pytest.approx(found.moves @ inverse @ found.moves)
    rng = np.random.default_rng(0)
    for _ in range(50):
        other = rng.normal(size=3)
        other *= -10.0 / (exposures @ other)
        assert other @ inverse @ other >= found.deviations**2 - 1e-9


def test_impossible_searches_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be positive, got 0"):
        reverse_stress(np.ones(3), COVARIANCE, loss=0.0)
    with pytest.raises(MissingDataError, match="no risk"):
        reverse_stress(np.zeros(3), COVARIANCE, loss=1.0)
    with pytest.raises(InvalidInputError, match="at least one factor"):
        conditional_moves(COVARIANCE, shocked={})
    with pytest.raises(InvalidInputError, match="linearly dependent"):
        conditional_moves(np.ones((2, 2)), shocked={0: 0.1, 1: 0.2})


def test_the_worst_stretch_by_hand() -> None:
    pnl = np.array([1.0, -3.0, 2.0, -2.0, -2.0, 5.0])
    assert worst_stretch(pnl, sessions=2) == slice(3, 5)
    assert worst_stretch(pnl, sessions=1) == slice(1, 2)
    with pytest.raises(MissingDataError, match="6 sessions of history hold no stretch of 7"):
        worst_stretch(pnl, sessions=7)
    with pytest.raises(MissingDataError, match="the book loses in no 6 sessions"):
        worst_stretch(pnl, sessions=6)
