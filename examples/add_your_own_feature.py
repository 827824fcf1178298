"""Add a feature, and see whether it tells anything; run it, or open it as a notebook."""

# ruff: noqa: T201 - an example shows what it found
# %% [markdown]
# # Add your own feature
#
# A feature is an expression over the panel's fields. The same expression serves training and
# live sessions, and its definition is hashed, so that a model knows which features it needs.

# %%
import numpy as np
from skfolio.datasets import load_sp500_dataset

from features.definitions import FeatureSet, features
from features.expressions import field
from features.labels import forward_return
from features.operators import cross_rank, mean, returns, std
from market.panel import Panel
from models.dataset import build_dataset
from models.estimators import Ridge
from models.evaluation import score_summary
from models.splits import walk_forward, year_boundaries
from models.training import predict_out_of_sample

# %% [markdown]
# ## The expression: how smooth was the last quarter's trend

# %%
close = field("close")
daily = returns(close, 1)
own = FeatureSet(
    "own", 1, features({"smooth_trend_60": cross_rank(mean(daily, 60) / std(daily, 60))})
)
print(own.label, own.content_hash[:12], "needs", own.fields, "looks back", own.lookback)

# %% [markdown]
# ## Does it tell anything out of sample?

# %%
prices = load_sp500_dataset().loc["2005":]
panel = Panel(
    tuple(prices.columns),
    prices.index.to_numpy().astype("datetime64[D]"),
    {"close": np.ascontiguousarray(prices.to_numpy().T, dtype=np.float64)},
)
dataset = build_dataset(own.compute(panel), forward_return(panel, horizon=5), demean=True)
folds = list(
    walk_forward(dataset, boundaries=year_boundaries(dataset, first_year=2010), train_every=5)
)
rows = predict_out_of_sample(Ridge(), dataset, folds)
everywhere = np.arange(len(rows))
figures = score_summary(
    dataset.to_grid(rows, everywhere), dataset.to_grid(dataset.y, everywhere), overlap=5
)
print(f"{len(folds)} folds: rank IC {figures['rank_ic']:+.4f}, t {figures['rank_ic_t']:+.2f}")
