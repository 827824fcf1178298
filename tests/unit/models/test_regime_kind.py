"""Tests of the served regime kind: rows that carry their own past, artefacts that are data."""

import json

import numpy as np
import pytest

from basics.errors import InvalidInputError
from market.panel import Panel
from models.dataset import build_dataset
from models.regime import RegimeModel, with_hysteresis_rows
from models.regime_kind import (
    LAGS,
    HiddenMarkov,
    RegimePredictor,
    RegimeSpec,
    regime_features,
    regimes_from_native,
)
from models.volatility import variance_ratio

MODEL = RegimeModel(
    np.array([2 / 3, 1 / 3]),
    np.array([[0.95, 0.05], [0.10, 0.90]]),
    np.zeros((2, 1)),
    np.array([[1e-4], [9e-4]]),
)
PREDICTOR = RegimePredictor(MODEL, 0.7, 1)


def _panel(n: int = 1500) -> Panel:
    rng = np.random.default_rng(3)
    turbulent = (np.arange(n) // 150) % 2 == 1
    returns = np.where(turbulent, 0.03, 0.01) * rng.normal(size=n)
    sessions = np.datetime64("2005-01-01") + np.arange(n)
    return Panel(("M",), sessions, {"close": 100 * np.exp(np.cumsum(returns))[None]})


def _rows() -> np.ndarray:
    panel = _panel()
    return build_dataset(regime_features(panel), variance_ratio(panel, horizon=5)).x


def test_one_step_of_filter_and_forecast_by_hand() -> None:
    row = np.zeros((1, LAGS + 1))
    row[0, -1] = 2e-4
    now = MODEL.filter(np.zeros((LAGS, 1)))[-1]

    value = PREDICTOR.predict(row)[0]

    # One session ahead: the mixture's variance after one move, over the EWMA variance.
    assert value == pytest.approx((now @ MODEL.transition) @ MODEL.variance[:, 0] / 2e-4)
    assert PREDICTOR.regimes(row) == [("calm", pytest.approx(now[0]))]


def test_a_row_has_the_same_answer_alone_in_a_batch_and_after_loading() -> None:
    x = _rows()[:200]

    loaded = regimes_from_native(PREDICTOR.to_native())

    assert [PREDICTOR.predict_row(row) for row in x] == PREDICTOR.predict(x).tolist()
    assert loaded.predict(x).tobytes() == PREDICTOR.predict(x).tobytes()
    assert loaded.regimes(x) == PREDICTOR.regimes(x)
    assert loaded.to_native() == PREDICTOR.to_native()


def test_the_features_of_a_session_do_not_know_the_next() -> None:
    panel = _panel()
    changed = {"close": panel["close"].copy()}
    changed["close"][:, 1000:] *= 1.5

    whole = regime_features(panel).values[:, :, :1000]
    other = regime_features(Panel(panel.symbols, panel.sessions, changed)).values[:, :, :1000]

    assert whole.tobytes() == other.tobytes()


def test_hysteresis_needs_a_clear_lead() -> None:
    window = np.array(
        [[[0.9, 0.1], [0.4, 0.6], [0.45, 0.55]], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]]
    )

    assert with_hysteresis_rows(window, enter=0.7).tolist() == [0, 1]


def test_states_keep_their_meaning_and_change_seldom() -> None:
    panel = _panel()
    spec = RegimeSpec(states=2, first_test_year=2007)
    dataset = spec.dataset(regime_features(panel), variance_ratio(panel, horizon=5))

    told = spec.diagnose(dataset, spec.folds(dataset))

    assert told["label_agreement_after_retraining"] > 0.95
    assert told["switches_per_year"] <= told["switches_per_year_without_hysteresis"]
    assert 0.2 < told["turbulent_share"] < 0.7


def test_a_missing_return_has_no_regime() -> None:
    row = _rows()[:1].copy()
    row[0, 7] = np.nan

    assert np.isnan(PREDICTOR.predict(row)).all()
    assert PREDICTOR.regimes(row) == [(None, 0.0)]


def test_two_series_are_no_market() -> None:
    one = _panel()
    close = np.vstack([one["close"], one["close"]])
    panel = Panel(("A", "B"), one.sessions, {"close": close})
    dataset = build_dataset(regime_features(panel), variance_ratio(panel, horizon=5))

    with pytest.raises(InvalidInputError, match="told from one series, got A, B"):
        HiddenMarkov().fit(dataset, np.flatnonzero(dataset.labelled))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("variance", [[-1.0], [1.0]]),
        ("transition", [[0.5, 0.6], [0.1, 0.9]]),
        ("mean", [[0.0]]),
        ("enter", 0.2),
        ("format", "other"),
    ],
)
def test_a_damaged_artefact_is_refused(key: str, value: object) -> None:
    document = json.loads(PREDICTOR.to_native()) | {key: value}

    with pytest.raises(InvalidInputError, match="cannot be read"):
        regimes_from_native(json.dumps(document).encode())
