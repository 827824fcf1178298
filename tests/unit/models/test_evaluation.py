"""Tests of `models.evaluation`: by hand, against scipy, and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from basics.errors import InvalidInputError
from models.evaluation import (
    area_under_curve,
    information_coefficient,
    long_short_returns,
    rank_information_coefficient,
    score_summary,
    squared_error,
    yearly_rank_ic,
)


def _grids(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    prediction, outcome = rng.normal(size=(2, 8, 30)).round(1)
    outcome[rng.random(outcome.shape) < 0.2] = np.nan
    return prediction, outcome


def test_correlations_agree_with_scipy_session_by_session() -> None:
    prediction, outcome = _grids(1)
    ic = information_coefficient(prediction, outcome)
    rank_ic = rank_information_coefficient(prediction, outcome)

    for t in range(30):
        known = np.isfinite(outcome[:, t])
        p, o = prediction[known, t], outcome[known, t]
        assert ic[t] == pytest.approx(stats.pearsonr(p, o).statistic)
        assert rank_ic[t] == pytest.approx(stats.spearmanr(p, o).statistic)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_rank_correlation_does_not_change_under_a_monotone_map(seed: int) -> None:
    prediction, outcome = _grids(seed)

    plain = rank_information_coefficient(prediction, outcome)

    assert np.allclose(
        plain, rank_information_coefficient(np.exp(prediction), outcome), equal_nan=True
    )


def test_a_model_without_opinion_has_no_correlation_and_scores_zero() -> None:
    _, outcome = _grids(1)
    nothing = np.zeros_like(outcome)

    assert np.isnan(information_coefficient(nothing, outcome)).all()
    assert score_summary(nothing, outcome, overlap=1)["rank_ic"] == 0.0


def test_squared_error_skips_what_is_not_known() -> None:
    prediction = np.array([[1.0, 2.0], [3.0, np.nan]])
    outcome = np.array([[0.0, np.nan], [1.0, 1.0]])

    errors = squared_error(prediction, outcome)

    assert errors[0] == (1.0 + 4.0) / 2
    assert np.isnan(errors[1])


def test_long_short_returns_by_hand() -> None:
    prediction = np.array([[1.0, 9.0, 0.0], [0.0, 9.0, 1.0]])
    outcome = np.array([[0.02, 9.0, 0.02], [0.01, 9.0, 0.01]])

    returns, turnover = long_short_returns(prediction, outcome, every=2, cost_rate=0.001)

    # Weights +1/2, -1/2, then reversed; the session in between is not traded.
    assert returns == pytest.approx([0.005 - 0.001 * 1.0, -0.005 - 0.001 * 2.0])
    assert turnover == pytest.approx([1.0, 2.0])


def test_equal_predictions_take_no_position() -> None:
    returns, turnover = long_short_returns(
        np.full((3, 4), 0.1), np.ones((3, 4)), every=1, cost_rate=0.01
    )

    assert not returns.any()
    assert not turnover.any()


def test_years_with_few_scores_are_left_out() -> None:
    sessions = np.arange("2019-12-25", "2020-03-01", dtype="datetime64[D]")
    scores = np.where(np.arange(len(sessions)) % 2, 0.1, 0.3)

    years = yearly_rank_ic(scores, sessions, overlap=1)

    assert [year.year for year in years] == [2020]
    assert years[0].rank_ic == pytest.approx(0.2)


def test_area_by_hand() -> None:
    # Pairs (0.8 over 0.3), (0.8 over 0.5), (0.4 over 0.3) won, (0.4, 0.5) lost.
    score, label = np.array([0.8, 0.4, 0.3, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])

    assert area_under_curve(score, label) == 0.75


def test_one_class_only_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="2 winners and 0 losers"):
        area_under_curve(np.array([0.1, 0.2]), np.array([1.0, 1.0]))
