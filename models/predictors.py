"""What a trained model is once it serves: rows of features in, one value each out.

Each predictor has a native form of plain bytes (LightGBM's own text, our JSON of coefficients,
ONNX) that carries data, never code: loading one imports nothing and unpickles nothing.
"""

import json
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError

LINEAR_JSON = "linear-json"
LIGHTGBM_TEXT = "lightgbm-text"
ONNX = "onnx"
REGIME_JSON = "regime-json"
SIZING_JSON = "sizing-json"
ANOMALY_JSON = "anomaly-json"
FILE_NAMES = {
    LINEAR_JSON: "model.json",
    LIGHTGBM_TEXT: "model.txt",
    ONNX: "model.onnx",
    REGIME_JSON: "model.json",
    SIZING_JSON: "model.json",
    ANOMALY_JSON: "model.json",
}


class Predictor(Protocol):
    """A fitted model."""

    @property
    def format(self) -> str:
        """Which native form it has, one of the keys of `FILE_NAMES`."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that `predict` expects, in order."""
        ...

    def predict(self, x: FloatArray) -> FloatArray:
        """Return one value for each row of `x`, of shape (n_rows, n_features)."""
        ...

    def predict_row(self, row: FloatArray) -> float:
        """Return the value of one row, of shape (n_features,), C-contiguous float64."""
        ...

    def to_native(self) -> bytes:
        """Return the native form; equal models give equal bytes."""
        ...


@runtime_checkable
class TellsRegime(Protocol):
    """A predictor that knows the state of the market beside its value."""

    def regimes(self, x: FloatArray) -> list[tuple[str | None, float]]:
        """Return the state of each row and its probability; None where a value is missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPredictor:
    """intercept + sum of weight_j (x_j - centre_j) / scale_j, at least `floor`.

    With no weight at all it is the naive baseline: the same value for every row.
    """

    feature_names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float = 0.0
    floor: float | None = None

    def __post_init__(self) -> None:
        count = len(self.feature_names)
        for name in ("centre", "scale", "weights"):
            values = getattr(self, name)
            if len(values) != count or not np.isfinite(values).all():
                raise InvalidInputError(
                    f"{name} must hold {count} finite numbers, got {list(values)}"
                )
        if 0.0 in self.scale or not np.isfinite(self.intercept):
            raise InvalidInputError("a linear model needs scales other than 0, a finite intercept")

    @property
    def format(self) -> str:
        """The native form."""
        return LINEAR_JSON

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the linear combination for each row."""
        require_columns(x, self.feature_names)
        value = np.full(len(x), self.intercept)
        # Column by column: a row's value must not depend on how many rows are asked for.
        for j, weight in enumerate(self.weights):
            if weight:
                value += weight * ((x[:, j] - self.centre[j]) / self.scale[j])
        return value if self.floor is None else np.maximum(value, self.floor)

    def predict_row(self, row: FloatArray) -> float:
        """Return the linear combination of one row."""
        return float(self.predict(row.reshape(1, -1))[0])

    def to_native(self) -> bytes:
        """Return the coefficients as JSON; floats keep every bit."""
        document = {
            "format": "quantdesk.linear/1",
            "features": list(self.feature_names),
            "centre": list(self.centre),
            "scale": list(self.scale),
            "weights": list(self.weights),
            "intercept": self.intercept,
            "floor": self.floor,
        }
        return json.dumps(document, indent=1).encode()


def linear_contributions(model: LinearPredictor, x: FloatArray) -> FloatArray:
    """Return each feature's term of each row, the last column the intercept.

    Of shape (n_rows, n_features + 1); a row sums to its prediction, but for one at the floor.
    """
    require_columns(x, model.feature_names)
    centred = (x - np.array(model.centre)) / np.array(model.scale)
    terms = centred * np.array(model.weights)
    return np.column_stack([terms, np.full(len(x), model.intercept)])


def linear_from_native(content: bytes) -> LinearPredictor:
    """Read what `LinearPredictor.to_native` wrote.

    Raises
    ------
    InvalidInputError
        If it is not such a document.
    """
    try:
        document = json.loads(content)
        if document["format"] != "quantdesk.linear/1":
            raise InvalidInputError(f"unknown linear format {document['format']!r}")
        return LinearPredictor(
            feature_names=tuple(document["features"]),
            centre=tuple(float(v) for v in document["centre"]),
            scale=tuple(float(v) for v in document["scale"]),
            weights=tuple(float(v) for v in document["weights"]),
            intercept=float(document["intercept"]),
            floor=None if document.get("floor") is None else float(document["floor"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"the coefficients cannot be read: {error}") from error


def require_columns(x: FloatArray, names: tuple[str, ...]) -> None:
    """Refuse rows that do not have one float64 column for each of `names`.

    Raises
    ------
    InvalidInputError
        Naming what was expected.
    """
    if x.ndim != 2 or x.shape[1] != len(names):
        raise InvalidInputError(
            f"expected rows of {len(names)} features ({', '.join(names)}), got shape {x.shape}"
        )
    if x.dtype != np.float64:
        raise InvalidInputError(f"features must be float64, got {x.dtype}")
