"""Boosted trees that were trained by LightGBM."""

import re
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from models.predictors import LIGHTGBM_TEXT, require_columns

# The thread count is noted in the text and changes nothing in the trees.
_THREADS = re.compile(r"\[num_threads: -?\d+\]")


class TreePredictor:
    """A LightGBM model, kept as its own text."""

    def __init__(self, text: str, *, booster: Any | None = None) -> None:  # noqa: ANN401 - untyped
        self._text = _THREADS.sub("[num_threads: 1]", text)
        self._booster = booster
        self.feature_names = _feature_names(self._text)

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
        """Return the trees' sum for each row."""
        require_columns(x, self.feature_names)
        if not len(x):
            return np.empty(0)
        return np.asarray(self.booster.predict(x, num_threads=1), dtype=np.float64)

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


def _feature_names(text: str) -> tuple[str, ...]:
    line = re.search(r"^feature_names=(.*)$", text, re.MULTILINE)
    if not text.startswith("tree\n") or line is None:
        raise InvalidInputError("this is not a LightGBM model text: the artefact is damaged")
    return tuple(line.group(1).split(" "))
