"""Tests of the signal kind: sides from a forecast, rates before the test, one class refused."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from features.panel import FeaturePanel
from market.panel import Panel
from models.signal import SIDE, STRENGTH, SignalSpec, base_rate, signal_features, signal_labels

SPEC = SignalSpec(horizon=3, first_test_year=2006)


def _panel(n: int = 700) -> Panel:
    rng = np.random.default_rng(7)
    close = 50 * np.exp(np.cumsum(0.01 * rng.normal(size=(4, n)), axis=1))
    return Panel(tuple("ABCD"), np.datetime64("2005-01-01") + np.arange(n), {"close": close})


def _features(panel: Panel) -> FeaturePanel:
    values = np.random.default_rng(8).normal(size=(1, *panel["close"].shape))
    return FeaturePanel(("noise",), panel.symbols, panel.sessions, values, "s@1", "hash")


def test_the_side_is_the_sign_and_the_strength_is_beside_the_session() -> None:
    panel = _panel()
    forecast = np.full(panel["close"].shape, np.nan)
    forecast[:, 0] = [0.03, -0.01, 0.01, -0.03]

    features = signal_features(_features(panel), forecast)

    assert features.names == ("noise", SIDE, STRENGTH)
    assert features[SIDE][:, 0].tolist() == [1.0, -1.0, 1.0, -1.0]
    assert features[STRENGTH][:, 0] == pytest.approx(np.array([3, 1, 1, 3]) / np.sqrt(5))
    assert features.content_hash != "hash"


def test_the_base_rate_counts_bets_that_ended_before_the_test() -> None:
    panel = _panel()
    labels = signal_labels(panel, np.ones(panel["close"].shape), SPEC)

    rate = base_rate(labels, panel, before_year=2006)

    ended = (labels.end >= 0) & (labels.end < 365)
    assert rate == round(float(labels.values[ended].mean()), 4)
    with pytest.raises(MissingDataError, match="no bet ended before 2005"):
        base_rate(labels, panel, before_year=2005)


def test_log_loss_by_hand() -> None:
    loss = SPEC.loss(np.array([[0.8], [0.4]]), np.array([[1.0], [0.0]]))

    assert loss == pytest.approx([-(np.log(0.8) + np.log(0.6)) / 2])


def test_a_price_model_without_a_side_has_no_signal() -> None:
    panel = _panel()

    with pytest.raises(MissingDataError, match="takes no side anywhere"):
        signal_features(_features(panel), np.zeros(panel["close"].shape))


def test_bets_that_all_gain_teach_nothing() -> None:
    panel = _panel()
    forecast = np.ones(panel["close"].shape)
    labels = signal_labels(panel, forecast, SPEC)
    dataset = SPEC.dataset(signal_features(_features(panel), forecast), labels)
    winners = np.flatnonzero(dataset.y == 1.0)

    with pytest.raises(InvalidInputError, match=r"the label is 1.0 in all \d+ training rows"):
        SPEC.candidate().fit(dataset, winners)
