"""Tests of models that were fitted elsewhere and arrive as the ONNX file a framework exported."""

from datetime import date
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from basics.errors import InvalidInputError, MissingDataError
from models.brought import FittedElsewhere
from models.dataset import Dataset
from models.loading import load_predictor
from models.onnx_graph import OnnxPredictor, with_feature_names

NAMES = ("a", "b", "c")
RNG = np.random.default_rng(5)
# Weights as PyTorch keeps them: (out, in).
W0, B0 = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
W1, B1 = RNG.normal(size=(1, 4)).astype(np.float32), RNG.normal(size=1).astype(np.float32)


def exported(*, rows: int | str = "rows", form: str = "gemm") -> bytes:
    """Return a network of one hidden layer, written as `torch.onnx.export` writes it."""
    if form == "gemm":
        first = [helper.make_node("Gemm", ["features", "w0", "b0"], ["h0"], transB=1)]
        weights = [numpy_helper.from_array(W0, "w0"), numpy_helper.from_array(W1, "w1")]
        last = [helper.make_node("Gemm", ["r0", "w1", "b1"], ["value"], transB=1)]
    else:  # A linear layer on more than two axes is written as MatMul and Add.
        first = [
            helper.make_node("MatMul", ["features", "w0"], ["m0"]),
            helper.make_node("Add", ["m0", "b0"], ["h0"]),
        ]
        weights = [numpy_helper.from_array(W0.T, "w0"), numpy_helper.from_array(W1.T, "w1")]
        last = [
            helper.make_node("MatMul", ["r0", "w1"], ["m1"]),
            helper.make_node("Add", ["m1", "b1"], ["value"]),
        ]
    weights += [numpy_helper.from_array(B0, "b0"), numpy_helper.from_array(B1, "b1")]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [*first, helper.make_node("Relu", ["h0"], ["r0"]), *last],
        "main_graph",
        [info("features", TensorProto.FLOAT, [rows, 3])],
        [info("value", TensorProto.FLOAT, [rows, 1])],
        initializer=weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def by_hand(x: np.ndarray) -> np.ndarray:
    return (np.maximum(x.astype(np.float32) @ W0.T + B0, 0) @ W1.T + B1)[:, 0]


def _rows(first: str = "2013-01-02", names: tuple[str, ...] = NAMES) -> Dataset:
    days = np.arange(np.datetime64(first), np.datetime64(first) + 6)
    at = np.arange(6)
    return Dataset(
        x=RNG.normal(size=(6, len(names))), y=np.zeros(6), symbol=np.zeros(6, dtype=np.int64),
        session=at, label_start=at, label_end=at, feature_names=names, symbols=("X",),
        sessions=days, feature_set="test@1", feature_hash="h",
    )  # fmt: skip


def _brought(content: bytes) -> FittedElsewhere:
    return FittedElsewhere(
        name="network", content=content, feature_names=NAMES, fitted_until=date(2012, 12, 31)
    )


@pytest.mark.parametrize("form", ["gemm", "matmul"])
def test_an_exported_network_says_what_its_layers_say(form: str) -> None:
    rows = _rows()

    graph = _brought(exported(form=form)).fit(rows, np.arange(3))

    assert graph.predict(rows.x) == pytest.approx(by_hand(rows.x), rel=1e-5)
    again = load_predictor("onnx", graph.to_native())
    assert again.predict(rows.x).tobytes() == graph.predict(rows.x).tobytes()


def test_rows_that_it_was_fitted_on_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="fitted until 2012-12-31 and the rows begin on"):
        _brought(exported()).fit(_rows("2012-12-31"), np.arange(3))


def test_a_feature_that_the_rows_lack_is_named() -> None:
    with pytest.raises(MissingDataError, match="network reads c, which set test@1 lacks"):
        _brought(exported()).fit(_rows(names=("a", "b")), np.arange(3))


def test_other_weights_are_another_model() -> None:
    one, other = _brought(exported()), _brought(exported(form="matmul"))

    assert one.parameters() != other.parameters()
    assert one.parameters()["fitted_until"] == "2012-12-31"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (exported(rows=1), "takes 1 rows at a time, always: export it with a free first axis"),
        (b"\xff\xff", "cannot be read"),
    ],
)
def test_an_export_that_cannot_serve_is_refused_with_its_cure(content: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        _brought(content).fit(_rows(), np.arange(3))


def test_a_graph_of_other_columns_than_its_names_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="takes 3 columns, not 2"):
        OnnxPredictor(with_feature_names(exported(), ("a", "b")))


def test_weights_in_files_beside_the_graph_are_never_followed() -> None:
    model: Any = onnx.load_model_from_string(exported())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"
    tensor.ClearField("raw_data")

    with pytest.raises(InvalidInputError, match="keeps w0 in files beside it"):
        _brought(model.SerializeToString()).fit(_rows(), np.arange(3))


def test_names_are_written_anew_and_not_twice() -> None:
    once = with_feature_names(exported(), ("x", "y", "z"))

    assert OnnxPredictor(with_feature_names(once, NAMES)).feature_names == NAMES
