"""How models are fitted. Each estimator is its settings; `fit` turns rows into a predictor."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset
from models.predictors import LinearPredictor, Predictor


class Estimator(Protocol):
    """Settings of a model that can be fitted."""

    @property
    def name(self) -> str:
        """What the model is called in runs and reports."""
        ...

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting that shapes the fit, as plain values."""
        ...

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Return the model fitted on the labelled `rows` of `dataset`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Zero:
    """The naive baseline of a return: no symbol will beat another."""

    name: str = "zero"

    def parameters(self) -> Mapping[str, Any]:
        """Return no settings: there are none."""
        return {}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Return the predictor that answers 0."""
        del dataset, rows
        return LinearPredictor(feature_names=(), centre=(), scale=(), weights=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """Linear regression on standardised features, shrunk; through the origin by default.

    Minimises sum (y - Xw)^2 + penalty n |w|^2, n the number of rows: the penalty is per row,
    so that it means the same for a short and a long window.

    Attributes
    ----------
    features : tuple of str
        The columns used; empty for all of them.
    intercept : bool
        Fit the mean of the label too, unshrunk.
    floor : float, optional
        Least value that the model answers.
    """

    name: str = "ridge"
    penalty: float = 0.01
    features: tuple[str, ...] = ()
    intercept: bool = False
    floor: float | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting."""
        settings = asdict(self)
        settings.pop("name")
        return settings | {"features": list(self.features)}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Solve the normal equations on `rows`."""
        x, y = training_rows(dataset, rows)
        names = dataset.feature_names
        used = [names.index(n) for n in self.features if n in names] if self.features else None
        if used is not None and len(used) != len(self.features):
            missing = [n for n in self.features if n not in names]
            raise MissingDataError(f"features {missing} are not in set {dataset.feature_set}")
        centre, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        chosen = np.arange(len(names)) if used is None else np.array(used)
        z = ((x - centre) / scale)[:, chosen]
        gram = z.T @ z / len(y) + self.penalty * np.eye(len(chosen))
        weights = np.zeros(len(names))
        level = float(y.mean()) if self.intercept else 0.0
        weights[chosen] = np.linalg.solve(gram, z.T @ (y - level) / len(y))
        return LinearPredictor(
            feature_names=names,
            centre=tuple(centre.tolist()),
            scale=tuple(scale.tolist()),
            weights=tuple(weights.tolist()),
            intercept=level,
            floor=self.floor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """No fit at all: the forecast is one feature as it stands, or one value for every row.

    Attributes
    ----------
    feature : str
        The feature; empty for `value`.
    """

    name: str
    feature: str
    value: float = 0.0

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting."""
        return {"feature": self.feature, "value": self.value}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Return the predictor that reads the column off."""
        del rows
        if not self.feature:
            return LinearPredictor(
                feature_names=(), centre=(), scale=(), weights=(), intercept=self.value
            )
        dataset.column(self.feature)
        return LinearPredictor(
            feature_names=(self.feature,), centre=(0.0,), scale=(1.0,), weights=(1.0,)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedTrees:
    """LightGBM regression, made to give the same bytes twice.

    Attributes
    ----------
    objective : str
        LightGBM objective: `regression` (squared error), `quantile` with `alpha`, or `binary`.
    threads : int
        Changes speed; not part of the model's identity.
    """

    name: str = "lightgbm"
    objective: str = "regression"
    alpha: float | None = None
    trees: int = 100
    leaves: int = 15
    learning_rate: float = 0.05
    rows_per_leaf: int = 500
    bins: int = 63
    feature_share: float = 1.0
    row_share: float = 1.0
    ridge_penalty: float = 0.0
    seed: int = 1
    threads: int = 1

    def parameters(self) -> Mapping[str, Any]:
        """Return every setting that shapes the trees."""
        settings = asdict(self)
        return {k: v for k, v in settings.items() if k not in {"name", "threads"}}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Grow the trees on `rows`."""
        import lightgbm

        from models.trees import TreePredictor

        x, y = training_rows(dataset, rows)
        if y.min() == y.max():
            raise InvalidInputError(
                f"the label is {y[0]} in all {len(y)} training rows: there is nothing to learn"
            )
        settings = self._lightgbm()
        data = lightgbm.Dataset(x, y, feature_name=list(dataset.feature_names), params=settings)
        booster = lightgbm.train(settings, data, num_boost_round=self.trees)
        return TreePredictor(booster.model_to_string(), booster=booster)

    def _lightgbm(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "objective": self.objective,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.rows_per_leaf,
            "max_bin": self.bins,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": int(self.row_share < 1.0),
            "lambda_l2": self.ridge_penalty,
            "seed": self.seed,
            "num_threads": self.threads,
            # Row-wise histograms in a fixed order: the same bytes on every run.
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        return settings | ({} if self.alpha is None else {"alpha": self.alpha})


def training_rows(dataset: Dataset, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return features and labels of `rows`.

    Raises
    ------
    MissingDataError
        If there is no row.
    InvalidInputError
        If a row has no label.
    """
    if not len(rows):
        raise MissingDataError("the training window is empty: widen it or load a longer history")
    y = dataset.y[rows]
    if not np.isfinite(y).all():
        raise InvalidInputError(f"{np.count_nonzero(~np.isfinite(y))} training rows have no label")
    return dataset.x[rows], y
