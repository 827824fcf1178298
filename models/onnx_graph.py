"""Models that arrive as ONNX graphs: from scikit-learn, PyTorch or anything else that exports.

The graph takes one float matrix of shape (rows, features) and gives one value for each row.
Feature names travel in the graph's own metadata under `feature_names`, one to a line.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from models.predictors import ONNX, require_columns

_NAMES_KEY = "feature_names"


class OnnxPredictor:
    """An ONNX graph in a session of its own, on one thread."""

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own C++ module
            raise InvalidInputError(f"the ONNX graph cannot be loaded: {error}") from error
        self._content = content
        metadata = self._session.get_modelmeta().custom_metadata_map
        if _NAMES_KEY not in metadata:
            raise InvalidInputError(
                "the ONNX graph does not name its features: pass it through `with_feature_names`"
            )
        self.feature_names = tuple(metadata[_NAMES_KEY].split("\n"))
        entry = _only_input(self._session.get_inputs(), len(self.feature_names))
        self._input = entry.name
        self._dtype = np.float64 if "double" in entry.type else np.float32

    @property
    def format(self) -> str:
        """The native form."""
        return ONNX

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the graph's value for each row."""
        require_columns(x, self.feature_names)
        if not len(x):
            return np.empty(0)
        values = self._session.run(None, {self._input: x.astype(self._dtype)})[0]
        return _one_each(np.asarray(values, dtype=np.float64), len(x))

    def predict_row(self, row: FloatArray) -> float:
        """Return the value of one row."""
        return float(self.predict(row.reshape(1, -1))[0])

    def to_native(self) -> bytes:
        """Return the graph."""
        return self._content


def with_feature_names(content: bytes, names: Sequence[str]) -> bytes:
    """Return the ONNX graph with its feature names written into it.

    Raises
    ------
    InvalidInputError
        If the bytes are no ONNX graph, or its weights lie in other files.
    """
    import onnx

    try:
        graph = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's decoder raises a class of its own
        raise InvalidInputError(f"the ONNX graph cannot be read: {error}") from error
    outside = [t.name for t in graph.graph.initializer if t.data_location == t.EXTERNAL]
    if outside:
        raise InvalidInputError(
            f"the ONNX graph keeps {', '.join(outside[:3])} in files beside it: export it as one "
            "file (torch.onnx.export: external_data=False)"
        )
    kept = [entry for entry in graph.metadata_props if entry.key != _NAMES_KEY]
    del graph.metadata_props[:]
    graph.metadata_props.extend(kept)
    entry = graph.metadata_props.add()
    entry.key, entry.value = _NAMES_KEY, "\n".join(names)
    written: bytes = graph.SerializeToString(deterministic=True)
    return written


def from_sklearn(model: Any, names: Sequence[str]) -> OnnxPredictor:  # noqa: ANN401 - untyped
    """Convert a fitted scikit-learn model to ONNX; its predictions are float32."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    graph = convert_sklearn(
        model, initial_types=[("features", FloatTensorType([None, len(names)]))], target_opset=17
    )
    return OnnxPredictor(with_feature_names(graph.SerializeToString(deterministic=True), names))


def _only_input(entries: Sequence[Any], features: int) -> Any:  # noqa: ANN401 - untyped
    """Return the graph's one input: a float matrix of any number of rows."""
    told = "; ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in entries)
    asked = f"it must take one float matrix of any number of rows and {features} features"
    if len(entries) != 1 or len(entries[0].shape) != 2:
        raise InvalidInputError(f"the ONNX graph takes {told}: {asked}")
    rows, columns = entries[0].shape
    if entries[0].type not in {"tensor(float)", "tensor(double)"}:
        raise InvalidInputError(f"the ONNX graph takes {told}: {asked}")
    if isinstance(rows, int):
        raise InvalidInputError(
            f"the ONNX graph takes {rows} rows at a time, always: export it with a free first "
            "axis (torch.onnx.export: dynamic_axes or dynamic_shapes)"
        )
    if isinstance(columns, int) and columns != features:
        raise InvalidInputError(f"the ONNX graph takes {columns} columns, not {features}: {asked}")
    return entries[0]


def _one_each(values: FloatArray, rows: int) -> FloatArray:
    """Return the values as a vector, one for each row."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (rows,):
        raise InvalidInputError(
            f"the ONNX graph gave shape {values.shape} for {rows} rows: it must give one value each"
        )
    return values
