"""Tests of graphs in the forms that PyTorch's exporters write: each says what its layers say.

PyTorch is not among the desk's packages, so that the graphs are written here, node by node, as
`torch.onnx.export` writes the layer that a test names, and held against the layer's own formula.
One file is PyTorch's own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from math import erf
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.brought import FittedElsewhere
from models.loading import load_predictor
from models.onnx_graph import OnnxPredictor, with_feature_names
from tests.unit.models.test_brought import NAMES, _rows

RNG = np.random.default_rng(8)
HIDDEN = 4
W, B = RNG.normal(size=(HIDDEN, 3)), RNG.normal(size=HIDDEN)
OUT = RNG.normal(size=(1, HIDDEN))
GAIN, SHIFT = RNG.uniform(0.5, 2.0, HIDDEN), RNG.normal(size=HIDDEN)
MEAN, VARIANCE = RNG.normal(size=HIDDEN), RNG.uniform(0.5, 2.0, HIDDEN)
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Layer:
    """What stands between two linear layers: its nodes from `h` to `a`, and its formula."""

    nodes: tuple[tuple[str, tuple[str, ...], str, dict[str, Any]], ...]
    says: Callable[[Array], Array]
    weights: dict[str, Array] = field(default_factory=dict)


def _softmax(h: Array) -> Array:
    powers = np.exp(h - h.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _layer_norm(h: Array) -> Array:
    away = h - h.mean(axis=1, keepdims=True)
    return away / np.sqrt((away**2).mean(axis=1, keepdims=True) + 1e-5) * GAIN + SHIFT


LAYERS = {
    "ReLU": Layer((("Relu", ("h",), "a", {}),), lambda h: np.maximum(h, 0.0)),
    "LeakyReLU": Layer(
        (("LeakyRelu", ("h",), "a", {"alpha": 0.01}),), lambda h: np.where(h > 0, h, 0.01 * h)
    ),
    "ELU": Layer(
        (("Elu", ("h",), "a", {"alpha": 1.0}),), lambda h: np.where(h > 0, h, np.expm1(h))
    ),
    "Sigmoid": Layer((("Sigmoid", ("h",), "a", {}),), lambda h: 1 / (1 + np.exp(-h))),
    "Tanh": Layer((("Tanh", ("h",), "a", {}),), np.tanh),
    "Softplus": Layer((("Softplus", ("h",), "a", {}),), lambda h: np.log1p(np.exp(h))),
    "Softmax": Layer((("Softmax", ("h",), "a", {"axis": -1}),), _softmax),
    "SiLU": Layer(
        (("Sigmoid", ("h",), "s", {}), ("Mul", ("h", "s"), "a", {})), lambda h: h / (1 + np.exp(-h))
    ),
    # The exporters before opset 20 write GELU by the error function.
    "GELU": Layer(
        (
            ("Div", ("h", "root"), "d", {}),
            ("Erf", ("d",), "e", {}),
            ("Add", ("e", "one"), "p", {}),
            ("Mul", ("h", "p"), "m", {}),
            ("Mul", ("m", "half"), "a", {}),
        ),
        lambda h: h * 0.5 * (1 + np.vectorize(erf)(h / np.sqrt(2))),
        {"root": np.array(np.sqrt(2)), "one": np.array(1.0), "half": np.array(0.5)},
    ),
    "BatchNorm1d": Layer(
        (("BatchNormalization", ("h", "gain", "shift", "mean", "var"), "a", {"epsilon": 1e-5}),),
        lambda h: (h - MEAN) / np.sqrt(VARIANCE + 1e-5) * GAIN + SHIFT,
        {"gain": GAIN, "shift": SHIFT, "mean": MEAN, "var": VARIANCE},
    ),
    "LayerNorm": Layer(
        (("LayerNormalization", ("h", "gain", "shift"), "a", {"axis": -1, "epsilon": 1e-5}),),
        _layer_norm,
        {"gain": GAIN, "shift": SHIFT},
    ),
    # A residual connection, and a buffer by which a module standardises.
    "x + f(x)": Layer(
        (("Tanh", ("h",), "t", {}), ("Add", ("h", "t"), "a", {})), lambda h: h + np.tanh(h)
    ),
    "(x - mean) / scale": Layer(
        (("Sub", ("h", "mean"), "s", {}), ("Div", ("s", "gain"), "a", {})),
        lambda h: (h - MEAN) / GAIN,
        {"mean": MEAN, "gain": GAIN},
    ),
    "Hardtanh": Layer(
        (("Clip", ("h", "low", "high"), "a", {}),),
        lambda h: np.clip(h, -1.0, 1.0),
        {"low": np.array(-1.0), "high": np.array(1.0)},
    ),
}


def exported(
    layer: str = "ReLU",
    *,
    opset: int = 17,
    ir: int = 8,
    rows: str | None = "rows",
    linear: str = "Gemm",
    kind: type = np.float32,
    last: str = "",
) -> bytes:
    """Return Linear(3, 4), the layer, Linear(4, 1) as an exported file."""
    between = LAYERS[layer]
    made = {"0.weight": W, "0.bias": B, "2.weight": OUT, **between.weights}
    if linear == "Gemm":
        nodes = [helper.make_node("Gemm", ["features", "0.weight", "0.bias"], ["h"], transB=1)]
    elif linear == "MatMul":
        made["0.weight"] = W.T
        nodes = [
            helper.make_node("MatMul", ["features", "0.weight"], ["m"]),
            helper.make_node("Add", ["0.bias", "m"], ["h"]),
        ]
    else:  # Before constants are folded, the weight is transposed in the graph.
        nodes = [
            helper.make_node("Transpose", ["0.weight"], ["t"], perm=[1, 0]),
            helper.make_node("MatMul", ["features", "t"], ["m"]),
            helper.make_node("Add", ["m", "0.bias"], ["h"]),
        ]
    nodes += [helper.make_node(op, list(i), [o], **more) for op, i, o, more in between.nodes]
    nodes.append(helper.make_node("Gemm", ["a", "2.weight"], ["y" if last else "value"], transB=1))
    if last:
        at = -1 if last == "Reshape" else 1
        nodes.append(helper.make_node(last, ["y", "at"], ["value"]))
    weights = [numpy_helper.from_array(w.astype(kind), name) for name, w in made.items()]
    if last:
        weights.append(numpy_helper.from_array(np.array([at], dtype=np.int64), "at"))
    element = TensorProto.FLOAT if kind is np.float32 else TensorProto.DOUBLE
    shape = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [shape("features", element, [rows, 3])],
        [shape("value", element, [rows] if last else [rows, 1])],
        initializer=weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    model.producer_name = "pytorch"
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def by_hand(x: Array, layer: str) -> Array:
    says: Array = LAYERS[layer].says(x @ W.T + B) @ OUT.T
    return says[:, 0]


def served(content: bytes) -> OnnxPredictor:
    own = FittedElsewhere(
        name="net", content=content, feature_names=NAMES, fitted_until=date(2012, 12, 31)
    )
    graph = own.fit(_rows(), np.arange(3))
    again = load_predictor("onnx", graph.to_native())
    assert isinstance(again, OnnxPredictor)
    return again


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_says_what_its_formula_says(layer: str) -> None:
    x = RNG.normal(size=(7, 3))

    found = served(exported(layer)).predict(x)

    assert found == pytest.approx(by_hand(x, layer), rel=2e-4, abs=1e-5)
    assert served(exported(layer)).predict_row(x[2]) == pytest.approx(found[2], rel=1e-5)


@pytest.mark.parametrize("linear", ["Gemm", "MatMul", "Transpose"])
def test_a_linear_layer_in_each_of_its_forms(linear: str) -> None:
    x = RNG.normal(size=(5, 3))

    assert served(exported(linear=linear)).predict(x) == pytest.approx(by_hand(x, "ReLU"), rel=1e-4)


@pytest.mark.parametrize(
    ("opset", "ir"),
    [(13, 7), (14, 7), (15, 8), (16, 8), (17, 8), (18, 10), (20, 10), (21, 10), (22, 10)],
)
def test_every_opset_that_the_exporters_write(opset: int, ir: int) -> None:
    x = RNG.normal(size=(5, 3))

    found = served(exported("Tanh", opset=opset, ir=ir)).predict(x)

    assert found == pytest.approx(by_hand(x, "Tanh"), rel=1e-4)


@pytest.mark.parametrize(
    "rows", ["rows", "batch_size", "s0", "s77", "features_dynamic_axes_1", None]
)
def test_the_free_axis_may_have_any_name_or_none(rows: str | None) -> None:
    x = RNG.normal(size=(9, 3))

    assert served(exported(rows=rows)).predict(x) == pytest.approx(by_hand(x, "ReLU"), rel=1e-4)


@pytest.mark.parametrize("last", ["Squeeze", "Reshape"])
def test_one_value_for_each_row_may_come_as_a_vector(last: str) -> None:
    x = RNG.normal(size=(4, 3))
    content = exported(last=last)

    assert served(content).predict(x) == pytest.approx(by_hand(x, "ReLU"), rel=1e-4)
    assert served(content).predict(x[:1]) == pytest.approx(by_hand(x[:1], "ReLU"), rel=1e-4)


def test_a_module_in_double_precision_is_asked_in_double_precision() -> None:
    x = RNG.normal(size=(4, 3))

    found = OnnxPredictor(with_feature_names(exported("Sigmoid", kind=np.float64), NAMES))

    assert found.predict(x) == pytest.approx(by_hand(x, "Sigmoid"), rel=1e-13)


def test_a_file_that_pytorch_wrote_says_what_the_network_said() -> None:
    # Of the module in docs/models.md, trained and exported by its lines with PyTorch 2.14.1; what
    # the export notes of the exporting machine's folders is taken out.
    content = (Path(__file__).parent / "exported/network_pytorch_2_14.onnx").read_bytes()
    x = np.array(
        [
            [1.1839019060134888, 0.30382683873176575],
            [0.19205434620380402, 0.2659434378147125],
            [-1.36615788936615, -0.3895534873008728],
        ]
    )

    network = OnnxPredictor(with_feature_names(content, ("momentum", "volatility")))

    told = [0.2507575750350952, -0.3180604577064514, -0.8687346577644348]
    assert network.predict(x) == pytest.approx(told, abs=1e-6)
    assert network.predict_row(x[0]) == pytest.approx(told[0], abs=1e-6)
