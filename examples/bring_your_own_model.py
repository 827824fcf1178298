"""Bring a scikit-learn model through the gate and serve it; run it, or open it as a notebook."""

# ruff: noqa: T201 - an example shows what it found
# %% [markdown]
# # Bring your own model
#
# Any model that can be written as LightGBM text, as JSON coefficients or as an ONNX graph (from
# scikit-learn, PyTorch, ...) goes through the same walk-forward folds and the same gate. It takes
# an estimator: its settings, and a `fit` that returns a predictor.

# %%
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from skfolio.datasets import load_sp500_dataset

from basics.clock import ManualClock
from features.labels import forward_return
from features.sets import feature_set
from infra.model_registry import MlflowRegistry
from market.panel import Panel
from models.dataset import Dataset
from models.estimators import Estimator
from models.onnx_graph import from_sklearn
from models.predictors import Predictor
from models.price import PriceSpec
from services.predictions import Predictions
from services.training import Training, TrainingInputs

# %% [markdown]
# ## The model: a scikit-learn regression, served as an ONNX graph


# %%
@dataclass(frozen=True, kw_only=True)
class BayesianRidge:
    """scikit-learn's Bayesian ridge regression."""

    name: str = "bayesian_ridge"

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting."""
        return {"tolerance": 1e-3}

    def fit(self, dataset: Dataset, rows: np.ndarray) -> Predictor:
        """Fit on the training rows, and hand over a graph: no code, no pickle."""
        from sklearn.linear_model import BayesianRidge as Regression

        model = Regression(tol=1e-3).fit(dataset.x[rows], dataset.y[rows])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return from_sklearn(model, dataset.feature_names)


class OwnSpec(PriceSpec):
    """The declared set-up of the price kind, with another candidate."""

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return BayesianRidge()


# %% [markdown]
# ## Through the gate, and served

# %%
prices = load_sp500_dataset().loc["2013":]
panel = Panel(
    tuple(prices.columns),
    prices.index.to_numpy().astype("datetime64[D]"),
    {"close": np.ascontiguousarray(prices.to_numpy().T, dtype=np.float64)},
)
features = feature_set("close_momentum").compute(panel)
inputs = TrainingInputs(
    features=features,
    outcome=forward_return(panel, horizon=5),
    data_version="example",
    spec=OwnSpec(first_test_year=2018),
)
with tempfile.TemporaryDirectory() as folder:
    clock = ManualClock(datetime(2022, 12, 28, tzinfo=UTC))
    registry = MlflowRegistry(Path(folder), clock=clock)
    result = Training(registry, code_version="example").train(inputs)
    print(f"{result.version.label}, served as {result.version.format}")
    print(result.verdict.summary)

    served = Predictions(registry).served("price", result.version.version)
    newest = np.stack([features[name][:, -1] for name in features.names], axis=1)
    for symbol, answer in zip(panel.symbols[:3], served.answers(newest[:3]), strict=True):
        print(
            f"{symbol}: {answer.value:+.4%} in [{answer.low:+.2%}, {answer.high:+.2%}] "
            f"at {answer.coverage:.0%}, abstain {answer.abstain}"
        )
