"""From the bytes of a native artefact to a predictor: data is read, never executed."""

from collections.abc import Callable, Mapping

from basics.errors import InvalidInputError
from models.predictors import (
    ANOMALY_JSON,
    FILE_NAMES,
    LIGHTGBM_TEXT,
    LINEAR_JSON,
    ONNX,
    REGIME_JSON,
    SIZING_JSON,
    Predictor,
    linear_from_native,
)


def load_predictor(form: str, content: bytes) -> Predictor:
    """Return the predictor that `content` holds in the native form `form`.

    Raises
    ------
    InvalidInputError
        If the form is unknown or the content is damaged.
    """
    reader = _READERS.get(form)
    if reader is None:
        raise InvalidInputError(f"unknown model form {form!r}: known are {', '.join(FILE_NAMES)}")
    return reader(content)


def _trees(content: bytes) -> Predictor:
    from models.trees import TreePredictor

    return TreePredictor(content.decode(errors="replace"))


def _graph(content: bytes) -> Predictor:
    from models.onnx_graph import OnnxPredictor

    return OnnxPredictor(content)


def _regimes(content: bytes) -> Predictor:
    from models.regime_kind import regimes_from_native

    return regimes_from_native(content)


def _sizes(content: bytes) -> Predictor:
    from models.sizing_kind import sizes_from_native

    return sizes_from_native(content)


def _anomalies(content: bytes) -> Predictor:
    from models.anomaly import anomalies_from_native

    return anomalies_from_native(content)


_READERS: Mapping[str, Callable[[bytes], Predictor]] = {
    LINEAR_JSON: linear_from_native,
    LIGHTGBM_TEXT: _trees,
    ONNX: _graph,
    REGIME_JSON: _regimes,
    SIZING_JSON: _sizes,
    ANOMALY_JSON: _anomalies,
}
