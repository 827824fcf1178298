"""Tests of the anomaly kind on bars and flow: planted errors, placement values, clean days."""

import numpy as np
import pytest

from basics.errors import MissingDataError
from market.panel import Panel
from models.anomaly_kind import CALM, AnomalySpec, bar_features, placements, plant_bad_ticks
from models.flow_anomaly import Flow, flow_features, plant_flow_errors


def _bars(n: int = 300) -> Panel:
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(0.01 * rng.normal(size=(2, n)), axis=1))
    opened = close * np.exp(0.003 * rng.normal(size=close.shape))
    high = np.maximum(opened, close) * 1.004
    low = np.minimum(opened, close) * 0.996
    volume = 1e6 * np.exp(0.2 * rng.normal(size=close.shape))
    fields = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return Panel(("A", "B"), np.datetime64("2005-01-01") + np.arange(n), fields)


def _flow(n: int = 60) -> Flow:
    rng = np.random.default_rng(6)
    notional = 1e6 * np.exp(0.1 * rng.normal(size=(1, n)))
    values = {
        "fills": np.full((1, n), 10.0),
        "notional": notional,
        "largest": notional / 5,
        "bought": np.full((1, n), 0.5),
        "fees": notional * 1e-4,
    }
    return Flow(strategies=("s",), days=np.datetime64("2005-01-01") + np.arange(n), values=values)


def test_placement_values_by_hand() -> None:
    # Clean 0.3, 0.5, 0.9; planted 0.1, 0.5: of six pairs five and a half are the right way round.
    prediction = np.array([[0.3, 0.5, 0.9, 0.1, 0.5]])
    planted = np.array([[0.0, 0.0, 0.0, 1.0, 1.0]])

    # 0.1 below all; 0.5 above one and level with one: (0 + 1.5) / 3 pairs of that row.
    assert placements(prediction, planted).mean() == pytest.approx(1.5 / 6)


def test_nothing_planted_cannot_be_judged() -> None:
    with pytest.raises(MissingDataError, match="0 planted and 2 clean rows"):
        placements(np.array([[0.1, 0.2]]), np.zeros((1, 2)))


def test_an_error_of_yesterday_does_not_make_today_strange() -> None:
    panel = _bars()
    spoiled, planted = plant_bad_ticks(panel, share=0.05, generator=np.random.default_rng(1))

    clean, mixed = bar_features(panel), bar_features(spoiled, history=panel)

    same = clean.values[:, ~planted]
    assert 5 < planted.sum() < 60
    assert np.array_equal(same, mixed.values[:, ~planted], equal_nan=True)
    assert not np.array_equal(clean.values[:, planted], mixed.values[:, planted], equal_nan=True)


def test_a_bar_whose_high_lies_below_its_low_is_disorder() -> None:
    panel = _bars()
    fields = {name: panel[name].copy() for name in ("open", "high", "low", "close", "volume")}
    fields["high"][0, 200], fields["low"][0, 200] = panel["low"][0, 200], panel["high"][0, 200]
    features = bar_features(Panel(panel.symbols, panel.sessions, fields))

    disorder = features["disorder"]
    assert disorder[0, 200] > 0
    assert np.nansum(disorder) == disorder[0, 200]


def test_the_rule_of_thumb_is_not_among_what_the_model_reads() -> None:
    spec = AnomalySpec(first_test_year=2006)
    panel = _bars(900)
    spoiled, planted = plant_bad_ticks(panel, share=0.05, generator=np.random.default_rng(1))
    dataset = spec.dataset(bar_features(spoiled, history=panel), _labels(planted))

    model = spec.candidate().fit(dataset, spec.final_rows(dataset))

    assert CALM not in model.feature_names
    assert CALM in dataset.feature_names


def test_flow_errors_change_the_days_they_are_planted_into_alone() -> None:
    flow = _flow()
    spoiled, planted = plant_flow_errors(flow, share=0.2, generator=np.random.default_rng(1))

    clean, mixed = flow_features(flow), flow_features(spoiled, history=flow)

    assert planted.any()
    assert np.array_equal(clean.values[:, ~planted], mixed.values[:, ~planted], equal_nan=True)
    assert mixed.simulated == {"fills"}


def test_too_few_days_of_flow_are_refused() -> None:
    with pytest.raises(MissingDataError, match="21 days of flow are too few"):
        flow_features(_flow(21))


def _labels(planted: np.ndarray):
    from models.anomaly_kind import planted_labels

    return planted_labels(planted, name="planted")
