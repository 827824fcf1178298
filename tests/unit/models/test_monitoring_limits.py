"""Tests of limits that a version's early years choose, and of what they say of the later ones."""

from dataclasses import replace

import numpy as np
import pytest

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from models.breaches import breaches, rates_later
from models.monitoring import MonitoringPolicy, points_over_time
from models.monitoring_limits import LimitRule, Limits, choose_limits
from models.track import Track, calibration_slope, coverage, rank_correlation, session_sums

POLICY = MonitoringPolicy(score_sessions=252, every_sessions=63)
RULE = LimitRule(resamples=200)
WINDOWS = (63, 252)


def noise(*, symbols: int = 10, sessions: int = 2520, seed: int = 5) -> Track:
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(symbols, sessions))
    return Track(
        sessions=np.datetime64("2000-01-03") + np.arange(sessions),
        prediction=p,
        outcome=p + rng.normal(size=p.shape),
        below=np.full(p.shape, 1.6448536269514722),
        above=np.full(p.shape, 1.6448536269514722),
        horizon=1,
    )


def walk(sessions: int = 2520, seed: int = 2) -> FloatArray:
    """A level that returns slowly: its half-life is 34 sessions."""
    rng = np.random.default_rng(seed)
    level = np.zeros((1, sessions))
    for t in range(1, sessions):
        level[0, t] = 0.98 * level[0, t - 1] + rng.normal()
    return level + rng.normal(size=(10, 1)) * 0.1


def chosen(track: Track, features: FloatArray | None = None, rule: LimitRule = RULE) -> Limits:
    early = track.window(len(track.sessions) // 2, len(track.sessions) // 2)
    known = None
    if features is not None:
        names = [f"f{i}" for i in range(len(features))]
        known = (names, features[:, :, : len(early.sessions)])
    return choose_limits(
        early, known, windows=WINDOWS, rule=rule, generator=np.random.default_rng(1)
    )


def test_a_slow_feature_has_a_wide_limit_of_its_own_and_a_fast_one_the_fields() -> None:
    features = np.stack([np.random.default_rng(3).normal(size=(10, 2520)), walk()])

    limits = chosen(noise(), features)

    assert limits.features["f0"] == 0.25
    assert limits.features["f1"] > 1.0
    assert list(limits.alarms(["f1", "f0", "of another set"])) == [
        limits.features["f1"], 0.25, 0.25,
    ]  # fmt: skip


def test_what_nothing_changed_stays_within_its_limits_later() -> None:
    track, features = noise(), np.stack([walk(seed=n) for n in range(8)])

    limits = chosen(track, features)
    names = [f"f{i}" for i in range(8)]
    rates = rates_later(track, (names, features), POLICY, limits, begin=1260)

    assert {rate.points for rate in rates} == {16}
    assert sum(rate.beyond for rate in rates) <= 4
    # By the field's 0.25 a slow feature is in alarm nearly always.
    points = points_over_time(track, features, POLICY, reference=1260)
    assert np.mean([p.features_in_alarm or 0.0 for p in points]) > 0.5


def test_what_changed_breaks_the_limits() -> None:
    track = noise()
    track.outcome[:, 1800:] = -track.outcome[:, 1800:]
    track.prediction[:, 2200:] += 1.0

    limits = chosen(track)
    rates = {r.rule: r.beyond for r in rates_later(track, None, POLICY, limits, begin=1260)}

    assert rates["rank correlation"] > 0
    assert rates["calibration"] > 0
    assert rates["prediction drift"] > 0
    assert rates["prediction distance"] > 0
    assert rates["prediction mass"] > 0
    assert rates["exceedances"] == rates["feature drift"] == 0


def test_later_years_choose_nothing() -> None:
    track = noise()
    changed = replace(track, outcome=track.outcome.copy(), prediction=track.prediction.copy())
    changed.outcome[:, 1260:] = 9.0
    changed.prediction[:, 1260:] = -9.0

    assert chosen(changed) == chosen(track)
    assert chosen(track).chosen_to == track.sessions[1259].astype(object)


def test_limits_never_lie_inside_what_was_promised() -> None:
    limits = chosen(noise(symbols=200, sessions=1200))

    # 200 independent symbols cover 90% within a hair: the promise is 88% to 92% all the same.
    assert (limits.coverage_low, limits.coverage_high) == (0.88, 0.92)
    assert limits.prediction_stability == 0.25
    assert limits.exceedances_high is None


def test_a_tails_limit_is_the_quantile_of_its_exceedances() -> None:
    rng = np.random.default_rng(3)
    flat = np.ones((5, 2000))
    loss = (rng.random((5, 2000)) < 0.025) * 2.0
    tail = Track(
        sessions=np.arange(2000).astype("datetime64[D]"), prediction=flat, outcome=loss,
        below=flat, above=flat, horizon=1, tail=0.025,
    )  # fmt: skip

    limits = chosen(tail, rule=replace(RULE, block_sessions=1))

    assert limits.slope_low is None
    # 252 x 5 independent outcomes, around the share of the early part: the normal 99% quantile.
    share = float((loss[:, :1000] > 1.0).mean())
    expected = (share + 2.326 * np.sqrt(share * (1 - share) / 1260)) / 0.025
    assert limits.exceedances_high == pytest.approx(expected, abs=0.06)
    point = points_over_time(tail, None, POLICY)[-1]
    strict = replace(limits, exceedances_high=0.5)
    assert [b.rule for b in breaches(point, strict, prediction=None, tail=True)] == ["exceedances"]


def test_the_sums_of_sessions_give_the_figures_of_the_track() -> None:
    track = noise(sessions=300)
    track.outcome[3, 10:40] = np.nan

    sums = session_sums(track)
    rank, slope, share = rank_correlation(track), calibration_slope(track), coverage(track)

    assert rank is not None
    assert slope is not None
    assert sums.rank_ic.sum() / sums.ranked.sum() == pytest.approx(rank.value, abs=1e-12)
    assert sums.product.sum() / sums.square.sum() == pytest.approx(slope.value, abs=1e-12)
    assert sums.inside.sum() / sums.judged.sum() == share


def test_limits_are_chosen_anew_by_another_rule_or_once_features_are_known() -> None:
    limits = chosen(noise())

    assert limits.stands_for(RULE, WINDOWS, features=False)
    assert not limits.stands_for(RULE, WINDOWS, features=True)
    assert not limits.stands_for(replace(RULE, confidence=0.95), WINDOWS, features=False)
    assert not limits.stands_for(RULE, (21, 252), features=False)


def test_a_rule_that_leaves_nothing_early_or_late_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"early_share 1\.0 and confidence 0\.99 must lie"):
        LimitRule(early_share=1.0)
    with pytest.raises(InvalidInputError, match="resamples 50 at least 100"):
        LimitRule(resamples=50)
