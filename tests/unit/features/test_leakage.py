"""Tests of the leakage prover: what ships is clean, and planted leaks are caught."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import MissingDataError, RefusedError
from features.definitions import Feature, FeatureSet
from features.expressions import Expression, field
from features.functions import feature_function
from features.labels import Labels, forward_return, triple_barrier
from features.leakage import LeakageReport, prove_features, prove_labels
from features.operators import mean
from features.sets import feature_set, feature_set_names
from features.trial import trial_of
from market.panel import Panel

CLOSE = field("close")


def _panel(n_sessions: int = 420) -> Panel:
    rng = np.random.default_rng(5)
    shape = (4, n_sessions)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=1))
    fields = {
        "close": close,
        "open": close * np.exp(rng.normal(0, 0.005, shape)),
        "high": close * 1.02,
        "low": close * 0.97,
        "vwap": close * 1.001,
        "volume": np.exp(rng.normal(12, 1, shape)),
    }
    for values in fields.values():
        values[1, :50] = np.nan
        values[2, 200:203] = np.nan
    return Panel(("A", "B", "C", "D"), np.datetime64("2020-01-01") + np.arange(n_sessions), fields)


def _prove(expression: Expression, seed: int = 0) -> LeakageReport:
    one = FeatureSet("mine", 1, (Feature("mine", expression),))
    return prove_features(one, _panel(), rng=np.random.default_rng(seed))


@pytest.mark.parametrize("name", feature_set_names())
def test_every_set_that_ships_is_clean(name: str) -> None:
    features, rng = feature_set(name), np.random.default_rng(1)
    panel = trial_of(features, rng=rng)

    report = prove_features(features, panel, rng=rng)

    assert report.clean, str(report.leaks[0])
    assert report.subjects == features.names


def test_tomorrows_close_is_caught_and_named() -> None:
    @feature_function(CLOSE, lookback=0)
    def tomorrow(close: np.ndarray) -> np.ndarray:
        return np.roll(close, -1, axis=1)

    report = _prove(tomorrow)

    assert {leak.trial for leak in report.leaks} >= {"future removed", "future changed"}
    with pytest.raises(RefusedError, match="mine may not be used: mine of"):
        report.require_clean()


def test_a_statistic_over_the_whole_history_is_caught() -> None:
    @feature_function(CLOSE, lookback=0)
    def standardised(close: np.ndarray) -> np.ndarray:
        return (close - np.nanmean(close)) / np.nanstd(close)

    assert not _prove(standardised).clean


def test_filling_holes_backwards_is_caught() -> None:
    @feature_function(CLOSE, lookback=5)
    def filled(close: np.ndarray) -> np.ndarray:
        last = close[:, -1:]
        return np.where(np.isnan(last), 0.0, close)

    assert "future changed" in {
        leak.trial for seed in range(6) for leak in _prove(filled, seed).leaks
    }


def test_a_lookback_that_is_stated_too_short_is_caught() -> None:
    @feature_function(CLOSE, lookback=3)
    def running_total(close: np.ndarray) -> np.ndarray:
        return np.nancumsum(close, axis=1)

    assert {leak.trial for leak in _prove(running_total).leaks} == {"later beginning"}


def test_an_honest_function_is_clean() -> None:
    @feature_function(CLOSE, mean(CLOSE, 5), lookback=1)
    def risen(close: np.ndarray, average: np.ndarray) -> np.ndarray:
        rise = np.full_like(close, np.nan)
        rise[:, 1:] = close[:, 1:] / average[:, :-1]
        return rise

    assert _prove(risen).clean


def test_forward_returns_rest_on_their_interval_alone() -> None:
    report = prove_labels(
        lambda panel: forward_return(panel, horizon=5), _panel(), rng=np.random.default_rng(2)
    )
    assert report.clean


def test_a_label_that_looks_past_its_interval_is_caught() -> None:
    def hasty(panel: Panel) -> Labels:
        honest = forward_return(panel, horizon=5)
        return Labels(
            honest.name, honest.values, honest.start, np.where(honest.end > 0, honest.end - 3, -1)
        )

    report = prove_labels(hasty, _panel(), rng=np.random.default_rng(2))

    assert not report.clean


def test_a_label_that_begins_at_t_is_caught() -> None:
    def early(panel: Panel) -> Labels:
        honest = forward_return(panel, horizon=5)
        return Labels(
            honest.name, honest.values, np.where(honest.start > 0, honest.start - 1, -1), honest.end
        )

    report = prove_labels(early, _panel(), rng=np.random.default_rng(2))

    assert {leak.trial for leak in report.leaks} == {"interval"}


def test_a_panel_shorter_than_the_lookback_proves_nothing() -> None:
    with pytest.raises(MissingDataError, match="cannot prove close_momentum@1"):
        prove_features(feature_set("close_momentum"), _panel(200), rng=np.random.default_rng(0))


def test_a_label_that_notices_where_the_history_begins_is_caught() -> None:
    def scaled(panel: Panel) -> Labels:
        honest = forward_return(panel, horizon=5)
        # Over the whole past up to t, though it says that it rests on nothing before t.
        past = 1.0 + np.cumsum(np.nan_to_num(panel["close"]), axis=1)
        return replace(honest, values=honest.values / past)

    report = prove_labels(scaled, _panel(), rng=np.random.default_rng(2))
    unstated = prove_labels(
        lambda panel: replace(scaled(panel), lookback=None), _panel(), rng=np.random.default_rng(2)
    )

    assert {leak.trial for leak in report.leaks} == {"later beginning"}
    assert report.trials == unstated.trials + 1
    assert unstated.clean


def test_barriers_rest_on_the_volatility_before_them_and_no_further() -> None:
    def stated(lookback: int) -> LeakageReport:
        return prove_labels(
            lambda panel: replace(triple_barrier(panel, horizon=5), lookback=lookback),
            _panel(),
            rng=np.random.default_rng(4),
        )

    assert stated(20).clean
    assert {leak.trial for leak in stated(5).leaks} == {"later beginning"}
