"""Tests of the volatility, liquidity and cross-section sets: by hand and by closed form."""

import math

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.calendars import calendar_values
from features.definitions import Feature, FeatureSet
from features.evaluation import evaluate, plan
from features.expressions import field
from features.operators import cross_residual, decayed, group_demean
from features.panel import FeaturePanel
from features.sets import feature_set
from features.trial import trial_panel
from market.panel import Panel


def _compute(name: str) -> tuple[Panel, FeaturePanel]:
    features = feature_set(name)
    panel = trial_panel(features.fields, rng=np.random.default_rng(6))
    return panel, features.compute(panel)


def test_range_estimators_recover_the_volatility_of_a_continuous_path() -> None:
    # Ten thousand steps within each session, no overnight move: every estimator is unbiased
    # but for the few extremes between steps.
    rng = np.random.default_rng(7)
    daily = 0.2 / math.sqrt(252)
    paths = np.cumsum(rng.normal(0, daily / 100, (60, 10_000)), axis=1)
    close = np.cumsum(paths[:, -1])
    begin = close - paths[:, -1]
    bars = {
        "open": np.exp(begin),
        "high": np.exp(begin + np.maximum(paths.max(axis=1), 0)),
        "low": np.exp(begin + np.minimum(paths.min(axis=1), 0)),
        "close": np.exp(close),
    }
    sessions = np.datetime64("2020-01-01") + np.arange(60)
    panel = Panel(("A",), sessions, {name: values[None] for name, values in bars.items()})

    result = FeatureSet("v", 1, feature_set("volatility").features).compute(panel)

    for name in ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"):
        # The close-to-close estimate of 59 returns has a standard error of 9%.
        assert result[f"{name}_60"][0, -1] == pytest.approx(0.2, rel=0.25), name


def test_volatility_of_two_sessions_by_hand() -> None:
    bars = {"open": [10.0, 12.0], "high": [12.0, 13.0], "low": [9.0, 11.0], "close": [11.0, 12.5]}
    sessions = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
    panel = Panel(("A",), sessions, {n: np.array([v]) for n, v in bars.items()})

    result = FeatureSet("v", 1, feature_set("volatility").features).compute(panel)

    spans = [math.log(12 / 9), math.log(13 / 11)]
    parkinson = math.sqrt(252 * sum(s**2 for s in spans) / 2 / (4 * math.log(2)))
    assert result["parkinson_10"][0, 1] == pytest.approx(parkinson)
    assert result["ewma_094"][0, 1] == pytest.approx(math.sqrt(252) * math.log(12.5 / 11))


def test_decayed_average_by_hand() -> None:
    x = np.array([[np.nan, 1.0, 2.0, np.nan, 4.0]])

    found = evaluate(plan([decayed(field("x"), 0.9)]), {"x": x})[0]

    # 1; 0.9 * 1 + 0.1 * 2 = 1.1; missing; 0.9 * 1.1 + 0.1 * 4 = 1.39.
    np.testing.assert_allclose(found, [[np.nan, 1.0, 1.1, np.nan, 1.39]])


def test_corwin_and_schultz_find_the_spread_of_a_price_that_only_bounces() -> None:
    # High at the ask, low at the bid, day after day: alpha = log(h/l), spread = (h-l)/mid.
    n = 30
    bars = {
        "high": np.full((1, n), 101.0),
        "low": np.full((1, n), 99.0),
        "close": np.full((1, n), 100.0),
        "volume": np.ones((1, n)),
    }
    panel = Panel(("A",), np.datetime64("2020-01-01") + np.arange(n), bars)

    result = feature_set("liquidity").compute(panel)

    assert result["corwin_schultz_20"][0, -1] == pytest.approx(2.0 / 100.0)
    assert result["amihud_20"][0, -1] == 0.0


def test_a_session_without_volume_is_no_infinite_illiquidity() -> None:
    _, result = _compute("liquidity")

    # The fifth symbol has sessions without volume: they are left out, not infinite.
    assert not np.isinf(result.values).any()
    assert np.nanmax(result["no_trade_20"][4]) >= 1 / 20 - 1e-12
    assert np.isfinite(result["amihud_20"][4, -1])


def test_neutralised_features_are_unrelated_to_what_they_were_cleared_of() -> None:
    _, result = _compute("cross_section")

    cleared, beta = result["return_20_beta_neutral"][:, -1], result["market_beta_120"][:, -1]
    there = ~np.isnan(cleared)
    assert np.cov(cleared[there], beta[there])[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_group_demean_and_cross_residual_by_hand() -> None:
    fields = {
        "x": np.array([[1.0], [3.0], [10.0], [5.0]]),
        "g": np.array([[1.0], [1.0], [2.0], [np.nan]]),
        "y": np.array([[0.0], [1.0], [2.0], [np.nan]]),
    }
    x = field("x")

    demeaned = evaluate(plan([group_demean(x, field("g"))]), fields)[0]
    left = evaluate(plan([cross_residual(x, field("y"))]), fields)[0]

    np.testing.assert_allclose(demeaned[:, 0], [-1.0, 1.0, 0.0, np.nan])
    # The line through (0, 1), (1, 3), (2, 10) is 1/6 + 4.5 y.
    np.testing.assert_allclose(left[:, 0], [5 / 6, -5 / 3, 5 / 6, np.nan])


def test_the_calendar_by_hand() -> None:
    sessions = np.array(["2024-02-28", "2024-02-29", "2024-12-31"], "datetime64[D]")

    # A Wednesday, a Thursday and a Tuesday.
    np.testing.assert_array_equal(calendar_values("session.weekday", sessions), [2, 3, 1])
    np.testing.assert_array_equal(calendar_values("session.month", sessions), [2, 2, 12])
    np.testing.assert_array_equal(calendar_values("session.day_of_month", sessions), [28, 29, 31])
    np.testing.assert_array_equal(calendar_values("session.days_to_month_end", sessions), [1, 0, 0])
    assert calendar_values("session.year_fraction", sessions)[2] == pytest.approx(365 / 366)


def test_an_unknown_calendar_field_is_named() -> None:
    panel = trial_panel(("close",), rng=np.random.default_rng(0))
    moons = FeatureSet("m", 1, (Feature("moon", field("close") * field("session.moon")),))
    with pytest.raises(MissingDataError, match=r"no session\.moon"):
        moons.compute(panel)


def test_a_set_of_the_calendar_alone_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="reads no field"):
        FeatureSet("c", 1, (Feature("weekday", field("session.weekday")),))


def test_a_decay_outside_its_range_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="decay"):
        decayed(field("x"), 1.0)
