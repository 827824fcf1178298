"""A model that was fitted elsewhere and arrives as an ONNX file, from PyTorch or anything else.

It is not fitted again, so every row that it is judged on must be later than what it has seen: the
estimator refuses all others, on the walk forward and on the combinatorial paths alike.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from basics.arrays import IntArray
from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset
from models.onnx_graph import OnnxPredictor, with_feature_names
from models.predictors import Predictor


# Without slots: the graph is opened once, at the first fold.
@dataclass(frozen=True, kw_only=True)
class FittedElsewhere:
    """An ONNX graph under the same gate as what is fitted here.

    Attributes
    ----------
    content : bytes
        The file that a framework exported: a float matrix of (rows, features) in, one value for
        each row out.
    feature_names : tuple of str
        Its columns, in order.
    fitted_until : date
        The last session that it was fitted on, the sessions that labels look at included.
    """

    name: str
    content: bytes
    feature_names: tuple[str, ...]
    fitted_until: date

    def parameters(self) -> Mapping[str, Any]:
        """Return what names the model: the digest of the file stands for its weights."""
        return {
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "features": list(self.feature_names),
            "fitted_until": self.fitted_until.isoformat(),
        }

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Return the graph as it is.

        Raises
        ------
        MissingDataError
            If the rows miss one of its features.
        InvalidInputError
            If the file is no such graph, or a row is not later than what it was fitted on.
        """
        del rows
        missing = [name for name in self.feature_names if name not in dataset.feature_names]
        if missing:
            raise MissingDataError(
                f"{self.name} reads {', '.join(missing)}, which set {dataset.feature_set} lacks: "
                f"it has {', '.join(dataset.feature_names)}"
            )
        first = dataset.sessions[dataset.session[0]]
        if first <= np.datetime64(self.fitted_until):
            raise InvalidInputError(
                f"{self.name} was fitted until {self.fitted_until} and the rows begin on {first}: "
                "give rows of later sessions alone, or it is judged on what it has seen"
            )
        return self._graph

    @cached_property
    def _graph(self) -> OnnxPredictor:
        return OnnxPredictor(with_feature_names(self.content, self.feature_names))
