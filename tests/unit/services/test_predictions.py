"""Tests of `services.predictions` on the registry in memory."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError, RefusedError
from features.panel import FeaturePanel
from models.predictors import LinearPredictor
from services.ports import ModelRun, ModelVersion
from services.predictions import Predictions
from tests.fakes.model_registry import MemoryRegistry

LINEAR = LinearPredictor(
    feature_names=("a", "b"), centre=(0.0, 1.0), scale=(1.0, 2.0), weights=(3.0, 4.0), intercept=5.0
)


def register(registry: MemoryRegistry, key: str, *, form: str = LINEAR.format) -> ModelVersion:
    run = ModelRun(
        name="price", estimator="ridge", trial_key=key, parameters={}, metrics={}, series={},
        files={"model/model.json": LINEAR.to_native()},
        tags={"feature_set": "s@1", "feature_hash": "f", "data_version": "d"},
    )  # fmt: skip
    return registry.register(run, format=form, input_key=key)


@pytest.fixture
def registry() -> MemoryRegistry:
    registry = MemoryRegistry()
    version = register(registry, "k1")
    registry.move_alias("price", "champion", version.version, expected=None, reason="-")
    return registry


def test_a_row_by_hand(registry: MemoryRegistry) -> None:
    model = Predictions(registry).served("price", "champion")

    x = model.matrix([{"b": 3.0, "a": 2.0}])

    # The intercept 5, 3 times 2 standard deviations of a, 4 times 1 of b.
    assert model.predictor.predict(x).tolist() == [15.0]


def test_a_missing_value_becomes_nan(registry: MemoryRegistry) -> None:
    x = Predictions(registry).served("price", 1).matrix([{"a": None, "b": 1.0}])
    assert np.isnan(x[0, 0])
    assert x[0, 1] == 1.0


def test_a_version_is_read_once(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = Predictions(registry)
    first = predictions.served("price", 1)
    monkeypatch.setattr(registry, "read", lambda *_: pytest.fail("read again"))

    assert predictions.served("price", "champion") is first


def test_no_more_versions_are_kept_than_allowed(registry: MemoryRegistry) -> None:
    predictions = Predictions(registry, max_loaded=1)
    first = predictions.served("price", 1)
    register(registry, "k2")
    predictions.served("price", 2)

    assert predictions.served("price", 1) is not first


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"a": 1.0}, "row 0 misses b"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "row 0 has unknown c"),
        ({"c": 1.0}, "row 0 misses a, b and has unknown c"),
    ],
)
def test_other_features_than_the_models_are_refused(
    registry: MemoryRegistry, row: dict[str, float], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Predictions(registry).served("price", 1).matrix([row])


def test_an_unknown_model_or_version_is_missing(registry: MemoryRegistry) -> None:
    for name, version in (("moon", "champion"), ("price", 9), ("price", "challenger")):
        with pytest.raises(MissingDataError):
            Predictions(registry).served(name, version)


def test_a_form_that_is_not_served_is_refused(registry: MemoryRegistry) -> None:
    register(registry, "k2", form="pickle")

    with pytest.raises(InvalidInputError, match="'pickle', which is not served"):
        Predictions(registry).served("price", 2)


def test_a_version_that_cannot_be_read_leaves_the_loaded_one(
    registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions = Predictions(registry)
    champion = predictions.served("price", "champion")
    register(registry, "k2")

    def refuse(*_: object) -> bytes:
        raise RefusedError("tampered")

    monkeypatch.setattr(registry, "read", refuse)
    with pytest.raises(RefusedError, match="tampered"):
        predictions.served("price", 2)
    assert predictions.served("price", "champion") is champion


def test_a_version_without_calibration_abstains(registry: MemoryRegistry) -> None:
    model = Predictions(registry).served("price", "champion")

    answer = model.answers(model.matrix([{"a": 2.0, "b": 3.0}]))[0]

    assert answer.value == 15.0
    assert answer.abstain
    assert np.isnan(answer.low)
    assert answer.model_version == "price v1 ridge"


def test_a_panel_of_features_is_answered_where_it_is_known(registry: MemoryRegistry) -> None:
    sessions = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
    values = np.array([[[2.0, np.nan]], [[3.0, 1.0]]])
    features = FeaturePanel(("a", "b"), ("S",), sessions, values, "s@1", "f")

    grid = Predictions(registry).served("price", "champion").over(features)

    assert grid[0, 0] == 15.0
    assert np.isnan(grid[0, 1])


def test_features_of_another_set_are_refused(registry: MemoryRegistry) -> None:
    sessions = np.array(["2020-01-01"], "datetime64[D]")
    features = FeaturePanel(("a", "b"), ("S",), sessions, np.zeros((2, 1, 1)), "s@2", "g")

    with pytest.raises(InvalidInputError, match="compute the model's own feature set"):
        Predictions(registry).served("price", "champion").over(features)
