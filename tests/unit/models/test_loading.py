"""Tests of native artefacts of every form, and of models that come from outside."""

import warnings

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.loading import load_predictor
from models.onnx_graph import OnnxPredictor, from_sklearn, with_feature_names

NAMES = ("a", "b", "c")


def _graph() -> tuple[OnnxPredictor, object, np.ndarray]:
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    model = RandomForestRegressor(n_estimators=5, max_depth=4, random_state=1).fit(x, x[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_sklearn(model, NAMES), model, x


def test_a_scikit_learn_model_serves_as_a_graph() -> None:
    graph, model, x = _graph()

    again = load_predictor("onnx", graph.to_native())

    assert again.feature_names == NAMES
    assert np.allclose(again.predict(x), model.predict(x.astype(np.float32)), atol=1e-5)
    assert again.predict(x).tobytes() == graph.predict(x).tobytes()
    assert again.predict_row(x[0]) == again.predict(x[:1])[0]


def test_a_damaged_graph_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cannot be loaded"):
        load_predictor("onnx", b"not a graph")


def test_a_graph_without_names_is_refused() -> None:
    import onnx

    graph, _, _ = _graph()
    bare = onnx.load_model_from_string(graph.to_native())
    del bare.metadata_props[:]

    with pytest.raises(InvalidInputError, match="does not name its features"):
        load_predictor("onnx", bare.SerializeToString())


def test_names_cannot_be_written_into_garbage() -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        with_feature_names(b"\xff\xff\xff", NAMES)


def test_a_pickle_is_never_opened() -> None:
    with pytest.raises(InvalidInputError, match="unknown model form 'pickle'"):
        load_predictor("pickle", b"\x80\x04.")
