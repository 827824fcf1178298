"""Tests of `risk.score` and `risk.score_history`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from risk.score import (
    SHARED,
    UNCALIBRATED,
    Level,
    breach_probabilities,
    breach_probability,
    calibrate,
    fit_curve,
    pressure,
    risk_level,
    risk_score,
    touch_probability,
)
from risk.score_history import score_history


def touch(drawdown: float, *, limit: float, daily_volatility: float) -> float:
    return float(
        touch_probability(
            np.array(drawdown), limit=limit, daily_volatility=np.array(daily_volatility)
        )
    )


def used(utilisations: list[float]) -> float:
    return float(pressure(np.array(utilisations)))


def test_touch_probability_equals_simulated_walks() -> None:
    rng = np.random.default_rng(0)
    steps = rng.normal(scale=0.01, size=(20_000, 20 * 16)) / 4  # 16 steps a day, near continuous
    lowest = np.cumsum(steps, axis=1).min(axis=1)
    reached = (lowest <= np.log((1 - 0.1) / (1 - 0.05))).mean()

    p = touch(0.05, limit=0.1, daily_volatility=0.01)

    assert p == pytest.approx(reached, abs=0.02)


def test_reached_limit_is_certain_and_a_still_book_never_reaches_it() -> None:
    assert touch(0.2, limit=0.2, daily_volatility=0.01) == 1.0
    assert touch(0.1, limit=0.2, daily_volatility=0.0) == 0.0


@pytest.mark.parametrize(
    ("probability", "score"), [(1.0, 100.0), (0.1, 75.0), (0.01, 50.0), (0.001, 25.0), (0.0, 0.0)]
)
def test_every_25_points_are_a_factor_of_ten(probability: float, score: float) -> None:
    assert risk_score(probability) == score


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=6),
    st.integers(0, 5),
    st.floats(0, 1),
    st.floats(0.001, 0.9),
)
def test_score_rises_with_the_use_of_every_limit(
    utilisations: list[float], which: int, more: float, chance: float
) -> None:
    which %= len(utilisations)
    raised = [u + more * (i == which) for i, u in enumerate(utilisations)]
    low = breach_probability(chance, used(utilisations), UNCALIBRATED)
    high = breach_probability(chance, used(raised), UNCALIBRATED)
    assert high >= low
    assert risk_score(high) >= risk_score(low)


def test_pressure_is_a_smooth_maximum() -> None:
    assert used([]) == 0.0
    assert used([0.5]) == pytest.approx(0.5)
    assert 0.9 < used([0.9, 0.3, 0.3]) < 0.91


def test_level_rises_at_once_and_falls_late() -> None:
    assert risk_level(50.0) is Level.HIGH
    assert risk_level(47.0) is Level.MEDIUM
    assert risk_level(47.0, previous=Level.HIGH) is Level.HIGH
    assert risk_level(44.0, previous=Level.HIGH) is Level.MEDIUM
    assert risk_level(80.0, previous=Level.LOW) is Level.CRITICAL
    assert risk_level(3.0, previous=Level.CRITICAL) is Level.LOW


def test_calibration_recovers_the_curve_that_made_the_events() -> None:
    rng = np.random.default_rng(5)
    theory = rng.uniform(0.01, 0.9, size=20_000)
    logit = -0.5 + 0.7 * np.log(theory / (1 - theory))
    events = rng.random(20_000) < 1 / (1 + np.exp(-logit))

    fit = fit_curve(theory, np.zeros(20_000), events)

    assert fit.fitted
    assert (fit.intercept, fit.slope) == pytest.approx((-0.5, 0.7), abs=0.06)


def test_the_shared_curve_is_judged_on_the_second_half_of_a_book_s_history() -> None:
    rng = np.random.default_rng(5)
    theory = rng.uniform(0.01, 0.9, size=20_000)
    chance = breach_probabilities(theory, np.zeros(20_000), SHARED)
    events = rng.random(20_000) < chance

    found = calibrate(theory, np.zeros(20_000), events)

    assert (found.intercept, found.slope, found.fitted) == (SHARED.intercept, SHARED.slope, True)
    assert (found.n_days, found.n_events) == (20_000, events.sum())
    half = slice(10_000, None)
    assert found.brier == pytest.approx(((chance[half] - events[half]) ** 2).mean())
    assert found.brier_climatology is not None
    assert found.brier < found.brier_climatology
    assert found.base_rate == pytest.approx(events[half].mean())
    assert all(abs(b.forecast - b.observed) < 0.05 for b in found.reliability)


def test_heavy_pressure_does_not_break_the_fit() -> None:
    # Every full Newton step overshoots here; an undamped fit came back as (0, 1.7).
    rng = np.random.default_rng(1)
    theory = rng.uniform(1e-6, 0.5, size=3000)
    events = rng.random(3000) < theory
    fit = fit_curve(theory, np.full(3000, 2.5), events)
    assert fit.intercept == pytest.approx(-2.5, abs=0.3)


def test_a_history_without_breaches_reads_the_shared_curve_unjudged() -> None:
    found = calibrate(np.full(50, 0.1), np.zeros(50), np.zeros(50, dtype=bool))
    assert found == replace(SHARED, n_days=50)


def test_score_history_sees_the_breach_coming_and_then_leaves_out_the_breached_days() -> None:
    calm = np.tile([0.001, -0.001], 200)
    returns = np.concatenate([calm, np.full(30, -0.01), calm])

    history = score_history(returns, drawdown_limit=0.2, other_pressure=0.5)

    assert history.breached.sum() == 20
    assert len(history.probabilities) < len(returns) - 252


def test_short_history_is_empty() -> None:
    assert len(score_history(np.zeros(100), drawdown_limit=0.2, other_pressure=0.0).breached) == 0


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        touch(1.5, limit=0.2, daily_volatility=0.01)
    with pytest.raises(InvalidInputError, match="utilisations must be"):
        used([float("nan")])
    with pytest.raises(InvalidInputError, match="a probability must lie"):
        risk_score(1.5)
