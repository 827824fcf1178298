"""Tests of triple barriers and meta-labels, each path followed by hand."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.meta_label import area_under_curve, meta_labels, triple_barrier

CLOSE = np.array([[100.0, 100.0, 101.0, 104.0, 96.0, 100.0, 100.5, 100.0]])


def _follow(side: float, width: float, horizon: int = 3):
    shape = CLOSE.shape
    return triple_barrier(CLOSE, np.full(shape, side), np.full(shape, width), horizon=horizon)


def test_a_profit_is_touched_first() -> None:
    outcome = _follow(1.0, 0.03)

    # Decided at 0, entered at close(1) = 100: 101 is inside, 104 is past +3%.
    assert (outcome.touched[0, 0], outcome.end[0, 0]) == (1, 3)
    assert outcome.result[0, 0] == pytest.approx(0.04)


def test_a_short_side_loses_on_the_same_path() -> None:
    outcome = _follow(-1.0, 0.03)

    assert (outcome.touched[0, 0], outcome.end[0, 0]) == (-1, 3)
    assert meta_labels(outcome)[0, 0] == 0.0


def test_time_runs_out_inside_the_barriers() -> None:
    outcome = _follow(1.0, 0.50)

    assert (outcome.touched[0, 0], outcome.end[0, 0]) == (0, 4)
    assert outcome.result[0, 0] == pytest.approx(-0.04)


def test_what_is_not_over_yet_is_not_known() -> None:
    outcome = _follow(1.0, 0.03)

    assert np.isnan(outcome.result[0, 4:]).all()
    assert (outcome.end[0, 4:] == -1).all()
    assert np.isnan(meta_labels(outcome)[0, 4:]).all()


def test_no_side_has_no_outcome() -> None:
    assert np.isnan(_follow(0.0, 0.03).result).all()


def test_area_by_hand() -> None:
    # Pairs (0.8 over 0.3), (0.8 over 0.5), (0.4 over 0.3) won, (0.4, 0.5) lost.
    score, label = np.array([0.8, 0.4, 0.3, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])

    assert area_under_curve(score, label) == 0.75


def test_one_class_only_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="2 winners and 0 losers"):
        area_under_curve(np.array([0.1, 0.2]), np.array([1.0, 1.0]))


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="shapes differ"):
        triple_barrier(CLOSE, CLOSE[:, 1:], CLOSE, horizon=2)
