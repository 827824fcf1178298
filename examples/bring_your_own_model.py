"""Bring scikit-learn, LightGBM and PyTorch through the gate; run it, or open it as a notebook."""

# ruff: noqa: ERA001, T201 - its text shows code, and it shows what it found
# %% [markdown]
# # Bring your own model
#
# Any model that can be written as LightGBM text, as JSON coefficients or as an ONNX graph goes
# through the same walk-forward folds and the same gate. It takes an estimator: its settings, and a
# `fit` that returns a predictor. Three follow, each in less than 30 lines.

# %%
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skfolio.datasets import load_sp500_dataset
from sklearn.linear_model import BayesianRidge as Regression
from sklearn.neural_network import MLPRegressor

from basics.clock import ManualClock
from features.labels import forward_return
from features.sets import feature_set
from infra.model_registry import MlflowRegistry
from market.panel import Panel
from models.brought import FittedElsewhere
from models.dataset import Dataset, build_dataset
from models.estimators import Estimator
from models.onnx_graph import from_sklearn
from models.predictors import Predictor
from models.price import PriceSpec
from models.trees import TreePredictor
from services.predictions import Predictions
from services.training import Training, TrainingInputs


# %%
@dataclass(frozen=True, kw_only=True)
class OwnSpec(PriceSpec):
    """The declared set-up of the price kind, with a candidate of your own."""

    own: Estimator

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return self.own

    def setting(self) -> dict[str, object]:
        """Return what the set-up says; the candidate tells its own settings."""
        return {key: value for key, value in super().setting().items() if key != "own"}


# %% [markdown]
# ## From scikit-learn: a regression, served as an ONNX graph


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
        model = Regression(tol=1e-3).fit(dataset.x[rows], dataset.y[rows])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return from_sklearn(model, dataset.feature_names)


# %% [markdown]
# ## From LightGBM: your own objective and settings, served as its text


# %%
@dataclass(frozen=True, kw_only=True)
class HuberTrees:
    """Extremely randomised trees under Huber's loss: an outlier pulls less."""

    name: str = "huber_trees"

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting."""
        return {
            "objective": "huber", "extra_trees": True, "num_leaves": 7, "learning_rate": 0.05,
            "min_data_in_leaf": 200, "seed": 1, "num_threads": 1, "deterministic": True,
            "force_row_wise": True, "verbosity": -1,
        }  # fmt: skip

    def fit(self, dataset: Dataset, rows: np.ndarray) -> Predictor:
        """Grow the trees, and hand over their text: it is walked without LightGBM."""
        data = lightgbm.Dataset(
            dataset.x[rows], dataset.y[rows], feature_name=list(dataset.feature_names)
        )
        booster = lightgbm.train(dict(self.parameters()), data, num_boost_round=60)
        return TreePredictor(booster.model_to_string(), booster=booster)


# %% [markdown]
# ## From PyTorch, or whatever writes ONNX: the file that was exported
#
# PyTorch writes the file where it was trained (the whole module stands in `docs/models.md`):
#
# ```python
# net = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
# ...  # taught on rows until FITTED_UNTIL
# torch.onnx.export(net.eval(), torch.zeros(2, 24), "network.onnx", input_names=["features"],
#                   dynamic_axes={"features": {0: "rows"}}, external_data=False)
# ```
#
# Here it is one line, `FittedElsewhere`. It is not fitted again: each row that
# judges it must be later than all that it has seen, and an earlier one is refused. (PyTorch is not
# among the desk's packages. So that this runs, the same network is fitted by scikit-learn, and its
# weights are written as the graph that PyTorch's export writes: Gemm, Relu, Gemm, Relu, Gemm.)


# %%
def as_exported(network: MLPRegressor, features: int) -> bytes:
    """Return the fitted network as the ONNX file that `torch.onnx.export` writes of it."""
    weights, nodes, entry = [], [], "features"
    for k, (w, b) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        last = k == len(network.coefs_) - 1
        # PyTorch keeps a layer's weight as (out, in) and multiplies by its transpose.
        weights.append(numpy_helper.from_array(w.T.astype(np.float32), f"layer{k}.weight"))
        weights.append(numpy_helper.from_array(b.astype(np.float32), f"layer{k}.bias"))
        out = "value" if last else f"layer{k}"
        inputs = [entry, f"layer{k}.weight", f"layer{k}.bias"]
        nodes.append(helper.make_node("Gemm", inputs, [out], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"relu{k}"]))
        entry = f"relu{k}"
    shape = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [shape("features", TensorProto.FLOAT, ["rows", features])],
        [shape("value", TensorProto.FLOAT, ["rows", 1])],
        initializer=weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


# %% [markdown]
# ## Through the gate, and served

# %%
FITTED_UNTIL = date(2012, 12, 31)


def panel_of(first: str, last: str) -> Panel:
    """Return the closes of the 20 stocks between two days."""
    prices = load_sp500_dataset().loc[first:last]
    return Panel(
        tuple(prices.columns),
        prices.index.to_numpy().astype("datetime64[D]"),
        {"close": np.ascontiguousarray(prices.to_numpy().T, dtype=np.float64)},
    )


def network_file(path: Path) -> tuple[str, ...]:
    """Fit the network on 2005 to 2012 alone and write its file; return the names of its columns."""
    panel = panel_of("2005", str(FITTED_UNTIL))
    rows = build_dataset(
        feature_set("close_momentum").compute(panel), forward_return(panel, horizon=5), demean=True
    )
    taught = np.flatnonzero(rows.labelled)[::10]
    centre, scale = rows.x[taught].mean(axis=0), rows.x[taught].std(axis=0)
    network = MLPRegressor(
        hidden_layer_sizes=(16, 8), max_iter=500, early_stopping=True, random_state=1
    )
    network.fit((rows.x[taught] - centre) / scale, 100 * rows.y[taught])
    # What stands before and behind the network goes into its first and last layer.
    network.intercepts_[0] = network.intercepts_[0] - (centre / scale) @ network.coefs_[0]
    network.coefs_[0] = network.coefs_[0] / scale[:, None]
    network.coefs_[-1], network.intercepts_[-1] = (
        network.coefs_[-1] / 100, network.intercepts_[-1] / 100,
    )  # fmt: skip
    path.write_bytes(as_exported(network, len(rows.feature_names)))
    return rows.feature_names


panel = panel_of("2013", "2022")
features = feature_set("close_momentum").compute(panel)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "network.onnx"
    names = network_file(file)
    network = FittedElsewhere(
        name="network", content=file.read_bytes(), feature_names=names, fitted_until=FITTED_UNTIL
    )
    clock = ManualClock(datetime(2022, 12, 28, tzinfo=UTC))
    registry = MlflowRegistry(Path(folder) / "registry", clock=clock)
    for own in (BayesianRidge(), HuberTrees(), network):
        inputs = TrainingInputs(
            features=features,
            outcome=forward_return(panel, horizon=5),
            data_version="example",
            spec=OwnSpec(first_test_year=2018, own=own),
        )
        result = Training(registry, code_version="example").train(inputs)
        print(f"{result.version.label}, served as {result.version.format}")
        print(result.verdict.summary)

        served = Predictions(registry).served("price", result.version.version)
        used = [features[name][:, -1] for name in served.predictor.feature_names]
        for symbol, answer in zip(
            panel.symbols[:3], served.answers(np.stack(used, axis=1)[:3]), strict=True
        ):
            print(
                f"{symbol}: {answer.value:+.4%} in [{answer.low:+.2%}, {answer.high:+.2%}] "
                f"at {answer.coverage:.0%}, abstain {answer.abstain}"
            )
