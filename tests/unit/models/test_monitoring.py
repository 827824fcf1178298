"""Tests of what is watched of a version over time."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.evidence_drift import measure_drift
from models.breaches import breaches, declared_limits
from models.monitoring import (
    MonitoringPolicy,
    feature_drift,
    points_over_time,
    prediction_drift,
)
from models.track import (
    Track,
    calibration_bins,
    calibration_slope,
    comparable,
    coverage,
    rank_correlation,
)

POLICY = MonitoringPolicy(score_sessions=200, history_sessions=400, every_sessions=50)
DECLARED = declared_limits(POLICY)


def track(*, slope: float = 1.0, symbols: int = 10, sessions: int = 1000) -> Track:
    """Predictions of unit spread, outcomes that follow them by `slope`, noise of unit spread."""
    rng = np.random.default_rng(5)
    p = rng.normal(size=(symbols, sessions))
    return Track(
        sessions=np.datetime64("2020-01-01") + np.arange(sessions),
        prediction=p,
        outcome=slope * p + rng.normal(size=p.shape),
        below=np.full(p.shape, 1.6448536269514722),
        above=np.full(p.shape, 1.6448536269514722),
        horizon=1,
    )


def test_the_slope_is_the_sum_of_products_over_the_sum_of_squares() -> None:
    # By hand, over 60 equal sessions: (1 x 2 + 2 x 1) / (1 + 4) = 0.8.
    p = np.tile([[1.0], [2.0]], 60)
    o = np.tile([[2.0], [1.0]], 60)
    made = replace(track(), prediction=p, outcome=o, below=p, above=p)

    estimate = calibration_slope(made)

    assert estimate is not None
    assert estimate.value == pytest.approx(0.8, abs=1e-15)
    # Each session's p (o - b p) sums to zero: there is no doubt left.
    assert estimate.high - estimate.low == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.5, 1.0])
def test_the_interval_of_the_slope_holds_the_truth(slope: float) -> None:
    estimate = calibration_slope(track(slope=slope))

    assert estimate is not None
    assert estimate.low < slope < estimate.high
    # Closed form: the standard error is 1 / sqrt(10 x 1000) = 0.01.
    assert (estimate.high - estimate.low) / (2 * 1.96) == pytest.approx(0.01, rel=0.2)


def test_coverage_of_a_calibrated_model_is_what_its_width_says() -> None:
    share = coverage(track())

    # Noise of unit spread within 1.645 either way: 90%.
    assert share is not None
    assert share == pytest.approx(0.9, abs=0.01)


def test_a_constant_prediction_has_no_rank_and_no_slope() -> None:
    flat = replace(track(), prediction=np.zeros((10, 1000)))

    assert rank_correlation(flat) is None
    assert calibration_slope(flat) is None


def test_too_few_outcomes_say_nothing() -> None:
    young = replace(track(), outcome=np.full((10, 1000), np.nan))

    assert rank_correlation(young) is coverage(young) is calibration_slope(young) is None
    assert calibration_bins(young) == ()


def test_fifths_of_the_predictions_are_ordered_and_whole() -> None:
    bins = calibration_bins(track())

    assert [b.count for b in bins] == [2000] * 5
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)
    assert all(b.realised == pytest.approx(b.predicted, abs=0.1) for b in bins)


def test_drift_of_a_feature_is_that_of_its_two_samples() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 10, 500))
    values[1, :, -63:] += 2.0

    moved, calm = feature_drift(("calm", "moved"), values, sessions=63)

    assert (moved.name, moved.drift.level) == ("moved", "alarm")
    assert (calm.name, calm.drift.level) == ("calm", "calm")
    expected = measure_drift(values[1, :, :-63].T.ravel(), values[1, :, -63:].ravel())
    assert moved.drift == expected
    # Two standard deviations to the right, mass moves by two.
    assert moved.drift.wasserstein == pytest.approx(2.0, abs=0.2)


def test_points_run_up_to_the_last_session_and_see_only_the_past() -> None:
    made = track()
    changed = replace(made, outcome=made.outcome.copy())
    changed.outcome[:, -40:] = -changed.outcome[:, -40:]

    points, others = (points_over_time(t, None, POLICY) for t in (made, changed))

    assert points[-1].session == made.sessions[-1].astype(object)
    assert len(points) == 8
    assert points[:-1] == others[:-1]
    assert points[-1].rank_ic != others[-1].rank_ic
    assert points[-1].features_in_alarm is None


def test_a_model_that_turned_round_breaches_rank_and_calibration() -> None:
    made = track(slope=0.5)
    made.outcome[:, -200:] = -made.outcome[:, -200:]
    points = points_over_time(made, None, POLICY)

    found = breaches(points[-1], DECLARED, prediction=prediction_drift(made, sessions=63))

    assert [b.rule for b in found] == ["coverage too low", "rank correlation", "calibration"]
    assert all(b.value < b.limit for b in found)
    assert breaches(points[0], DECLARED, prediction=None) == ()


def test_predictions_that_moved_breach_their_stability() -> None:
    made = track()
    made.prediction[:, -63:] += 3.0
    points = points_over_time(made, None, POLICY)

    found = breaches(points[-1], DECLARED, prediction=prediction_drift(made, sessions=63))

    assert found[0].rule == "prediction drift"
    assert "is the stability index of the predictions (at most 0.25)" in found[0].text


def test_features_that_moved_together_breach_the_share() -> None:
    made = track()
    rng = np.random.default_rng(2)
    features = rng.normal(size=(4, 10, 1000))
    features[:3, :, -63:] += 2.0

    points = points_over_time(made, features, POLICY)

    assert points[0].features_in_alarm == 0.0
    assert points[-1].features_in_alarm == 0.75
    found = breaches(points[-1], DECLARED, prediction=None)
    assert [b.rule for b in found] == ["feature drift"]


def test_a_policy_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"between 0\.95 and 0\.85"):
        MonitoringPolicy(coverage_low=0.95, coverage_high=0.85)
    with pytest.raises(InvalidInputError, match="drift_sessions must be at least 1, got 0"):
        MonitoringPolicy(drift_sessions=0)


def test_a_tail_is_calibrated_where_losses_lie_beyond_it_as_often_as_promised() -> None:
    days = np.datetime64("2020-01-01") + np.arange(100)
    loss = np.zeros((2, 100))
    loss[0, ::20] = 2.0  # 5 of 200 outcomes: 2.5%.
    one = Track(
        sessions=days, prediction=np.ones((2, 100)), outcome=loss, below=loss, above=loss,
        horizon=1, tail=0.025,
    )  # fmt: skip

    found = calibration_slope(one)

    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert found.low < 1.0 < found.high


def test_a_tail_that_is_too_low_beyond_chance_is_a_breach_of_its_own_rule() -> None:
    days = np.datetime64("2020-01-01") + np.arange(400)
    rng = np.random.default_rng(3)
    loss = (rng.random((5, 400)) < 0.10) * 2.0
    low = Track(
        sessions=days, prediction=np.ones((5, 400)), outcome=loss, below=loss, above=loss,
        horizon=1, tail=0.025,
    )  # fmt: skip
    points = points_over_time(low, None, POLICY)

    rules = [b.rule for b in breaches(points[-1], DECLARED, prediction=None, tail=True)]

    assert "exceedances" in rules
    assert "calibration" not in rules


def test_intervals_of_rates_and_outcomes_of_p_values_are_not_compared() -> None:
    """A rate of 0.5 to 0.6 holds no outcome of 0 or 1: no coverage, instead of none covered."""
    known = np.random.default_rng(4).integers(0, 2, (5, 100)).astype(np.float64)
    told = Track(
        sessions=np.arange(100).astype("datetime64[D]"),
        prediction=np.full((5, 100), 0.55),
        outcome=known,
        below=np.full((5, 100), 0.05),
        above=np.full((5, 100), 0.05),
        horizon=1,
    )

    assert coverage(told) == 0.0
    assert comparable(told, "outcome") is told
    rate = comparable(told, "probability")
    assert coverage(rate) is None
    assert np.array_equal(rate.outcome, known)
    assert calibration_slope(rate) is not None
    p_value = comparable(told, "p_value")
    assert (coverage(p_value), calibration_slope(p_value)) == (None, None)
