"""Boosted trees that were trained by LightGBM."""

import re
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from models.compiled import CompiledForest
from models.predictors import LIGHTGBM_TEXT, require_columns
from models.tree_text import header, read_forest

# The thread count is noted in the text and changes nothing in the trees.
_THREADS = re.compile(r"\[num_threads: -?\d+\]")


class TreePredictor:
    """A LightGBM model, kept as its own text and walked by the compiled kernels.

    What cannot be compiled (categorical splits, several classes) is left to LightGBM.
    """

    def __init__(self, text: str, *, booster: Any | None = None) -> None:  # noqa: ANN401 - untyped
        self._text = _THREADS.sub("[num_threads: 1]", text)
        self._booster = booster
        told = header(self._text)
        if "feature_names" not in told:
            raise InvalidInputError("the trees cannot be read: their text names no features")
        self.feature_names = tuple(told["feature_names"].split(" "))
        try:
            self._compiled: CompiledForest | None = CompiledForest(read_forest(self._text))
        except InvalidInputError as error:
            if "not compiled" not in str(error):
                raise
            self._compiled = None

    @property
    def format(self) -> str:
        """The native form."""
        return LIGHTGBM_TEXT

    @property
    def booster(self) -> Any:  # noqa: ANN401 - LightGBM is untyped
        """The LightGBM model."""
        if self._booster is None:
            import lightgbm

            self._booster = lightgbm.Booster(model_str=self._text)
        return self._booster

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the trees' value for each row."""
        if self._compiled is not None:
            return self._compiled.predict(x)
        require_columns(x, self.feature_names)
        if not len(x):
            return np.empty(0)
        return np.asarray(self.booster.predict(x, num_threads=1), dtype=np.float64)

    def predict_row(self, row: FloatArray) -> float:
        """Return the value of one row, of shape (n_features,), C-contiguous float64."""
        if self._compiled is not None:
            return self._compiled.predict_row(row)
        return float(self.predict(row.reshape(1, -1))[0])

    def to_native(self) -> bytes:
        """Return LightGBM's text."""
        return self._text.encode()

    def importances(self) -> dict[str, float]:
        """Return each feature's share of the total gain."""
        gains = np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)
        total = gains.sum()
        shares = gains / total if total > 0 else gains
        return dict(zip(self.feature_names, shares.tolist(), strict=True))

    def contributions(self, x: FloatArray) -> FloatArray:
        """Return each feature's contribution to each row's value, the last column the base.

        TreeSHAP values, of shape (n_rows, n_features + 1); a row sums to its prediction.
        """
        require_columns(x, self.feature_names)
        return np.asarray(self.booster.predict(x, pred_contrib=True, num_threads=1))
