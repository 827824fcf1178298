"""Tests of `risk.movement`."""

from dataclasses import replace

import numpy as np
import pytest

from measures.tail import tail_risk
from risk.movement import TailInputs, explain_movement

RETURNS = np.random.default_rng(0).standard_t(5, size=(3, 501)) * 0.01
YESTERDAY = TailInputs(
    symbols=("A", "B"), exposures=np.array([100.0, 50.0]), returns=RETURNS[:2, :-1]
)


def test_nothing_changed_moves_nothing() -> None:
    moved = explain_movement(YESTERDAY, YESTERDAY)
    assert (moved.positions, moved.market_data, moved.model) == (0.0, 0.0, 0.0)
    assert moved.by_symbol == {}


def test_one_trade_is_the_whole_part_of_the_positions() -> None:
    today = TailInputs(
        symbols=("A", "B"), exposures=np.array([150.0, 50.0]), returns=RETURNS[:2, :-1]
    )
    moved = explain_movement(YESTERDAY, today)
    whole = tail_risk(today.exposures @ today.returns, confidence=0.99).value_at_risk
    assert moved.after == whole
    assert moved.positions == pytest.approx(moved.after - moved.before)
    assert moved.by_symbol["A"] == pytest.approx(moved.positions)
    assert moved.interaction == pytest.approx(0.0)


def test_parts_sum_to_the_whole_when_everything_changed() -> None:
    today = TailInputs(
        symbols=("A", "C"),
        exposures=np.array([80.0, 60.0]),
        returns=RETURNS[[0, 2], 1:],
        method="normal",
    )
    moved = explain_movement(YESTERDAY, today)
    assert moved.positions + moved.market_data + moved.model == pytest.approx(
        moved.after - moved.before
    )
    assert set(moved.by_symbol) == {"A", "B", "C"}
    assert sum(moved.by_symbol.values()) + moved.interaction == pytest.approx(moved.positions)
    assert moved.model != 0.0


def test_drift_of_prices_is_the_markets_part_not_the_positions() -> None:
    today = TailInputs(
        symbols=("A", "B"), exposures=np.array([110.0, 50.0]), returns=RETURNS[:2, 1:]
    )
    moved = explain_movement(YESTERDAY, today, at_old_prices=np.array([100.0, 50.0]))
    assert moved.positions == 0.0
    assert moved.by_symbol == {}
    assert moved.market_data == pytest.approx(moved.after - moved.before)


def test_a_longer_window_is_the_models_part() -> None:
    before = replace(YESTERDAY, window=200)
    after = replace(YESTERDAY, window=400)
    moved = explain_movement(before, after)
    assert (moved.positions, moved.market_data) == (0.0, 0.0)
    assert moved.model == pytest.approx(moved.after - moved.before)
    assert (
        moved.before
        == tail_risk(
            YESTERDAY.exposures @ YESTERDAY.returns[:, -200:], confidence=0.99
        ).value_at_risk
    )
