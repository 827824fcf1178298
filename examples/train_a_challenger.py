"""Train two volatility models and let the gate choose; run it, or open it as a notebook."""

# ruff: noqa: T201 - an example shows what it found
# %% [markdown]
# # Train and compare a challenger
#
# Two set-ups of the volatility model meet on the same rows out of sample. The gate decides which
# reigns, and the comparison shows by how much. Closes are observed; nothing here is simulated.

# %%
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from skfolio.datasets import load_sp500_dataset

from basics.clock import ManualClock
from infra.model_registry import MlflowRegistry
from market.panel import Panel
from models.volatility import VolatilitySpec, variance_ratio, volatility_features
from services.comparison import Comparison
from services.training import Training, TrainingInputs

# %%
prices = load_sp500_dataset().loc["2005":, ["AAPL", "GE", "JNJ", "KO", "WMT", "XOM"]]
panel = Panel(
    tuple(prices.columns),
    prices.index.to_numpy().astype("datetime64[D]"),
    {"close": np.ascontiguousarray(prices.to_numpy().T, dtype=np.float64)},
)
features = volatility_features(panel, ranges=False, garch=False)
outcome = variance_ratio(panel, horizon=5)

# %% [markdown]
# ## The candidates: HAR-RV and trees, against EWMA
#
# GARCH is left out to keep the example quick.


# %%
def train(training: Training, candidate: str) -> None:
    """Train one candidate and say what the gate made of it."""
    spec = VolatilitySpec(first_test_year=2012, candidate_name=candidate, garch=False)
    result = training.train(
        TrainingInputs(features=features, outcome=outcome, data_version="example", spec=spec)
    )
    figures = {name: round(m["qlike"], 4) for name, m in result.metrics.items()}
    print(f"{result.version.label}: QLIKE {figures}")
    print(f"  {result.verdict.summary}")


# %%
with tempfile.TemporaryDirectory() as folder:
    clock = ManualClock(datetime(2022, 12, 28, tzinfo=UTC))
    registry = MlflowRegistry(Path(folder), clock=clock)
    desk_training = Training(registry, code_version="example")
    train(desk_training, "har")
    train(desk_training, "lightgbm")

    # %% [markdown]
    # ## The two beside one another, with block-bootstrap intervals

    # %%
    versions = [v.version for v in registry.versions("volatility")]
    compared = Comparison(registry, seed=1).compare("volatility", versions[-2], versions[-1])
    for figure in compared.measured:
        print(
            f"{figure.name}: {figure.first:.4f} against {figure.second:.4f}, difference "
            f"[{figure.difference.low:+.4f}, {figure.difference.high:+.4f}]"
        )
    print(compared.verdict)
