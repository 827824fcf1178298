"""From the bytes of a native artefact to a predictor: data is read, never executed."""

from basics.errors import InvalidInputError
from models.predictors import (
    FILE_NAMES,
    LIGHTGBM_TEXT,
    LINEAR_JSON,
    ONNX,
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
    if form == LINEAR_JSON:
        return linear_from_native(content)
    if form == LIGHTGBM_TEXT:
        from models.trees import TreePredictor

        return TreePredictor(content.decode(errors="replace"))
    if form == ONNX:
        from models.onnx_graph import OnnxPredictor

        return OnnxPredictor(content)
    raise InvalidInputError(f"unknown model form {form!r}: known are {', '.join(FILE_NAMES)}")
