"""The price kind: which symbol will do better than its peers over the next sessions.

The target is the forward return less its mean over the symbols of the session. The naive
baseline says that none will (zero); plain momentum and ridge stand beside the trees, and count
as trials. The set-up is declared here once and was not tuned on the bundled data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from features.labels import Labels
from features.panel import FeaturePanel
from models.assurance import Contract
from models.contest import GateRules
from models.dataset import Dataset, build_dataset
from models.estimators import BoostedTrees, Estimator, Ridge, Zero
from models.evaluation import score_summary, squared_error
from models.intervals import IntervalMethod
from models.predictors import LinearPredictor
from models.splits import Fold, thinned, walk_forward, year_boundaries

BASELINE = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSpec:
    """How the price model is trained and judged.

    Attributes
    ----------
    horizon, entry_lag : int
        The label is close(t + entry_lag + horizon) / close(t + entry_lag) - 1.
    first_test_year, refit_years : int
        The walk-forward test starts with this calendar year and refits every so many years.
    embargo_sessions : int
        Sessions left out before each test block, beyond the purge by label interval.
    train_every : int
        Train on every so many sessions: as many as the label spans, so that labels of one
        symbol do not overlap.
    momentum_feature : str
        The feature that plain momentum goes by.
    cost_rate : float
        Cost of trading in the profit that the gate looks at: 5 basis points of traded value.
    coverage : float
        Share of outcomes that the conformal intervals shall hold.
    scale_feature : str
        Daily volatility: an interval is as wide as it says, times the root of the horizon.
    """

    name: str = "price"
    horizon: int = 5
    entry_lag: int = 1
    first_test_year: int = 1998
    refit_years: int = 1
    train_sessions: int | None = None
    embargo_sessions: int = 5
    train_every: int = 5
    momentum_feature: str = "rank_momentum_12_1"
    ridge_penalty: float = 0.01
    trees: BoostedTrees = field(default_factory=lambda: BoostedTrees(rows_per_leaf=200))
    cost_rate: float = 0.0005
    coverage: float = 0.90
    scale_feature: str = "volatility_20"
    seed: int = 1
    rules: GateRules = field(default_factory=GateRules)

    def __post_init__(self) -> None:
        for name in ("horizon", "entry_lag", "refit_years"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "squared error"

    def dataset(self, features: FeaturePanel, outcome: Labels) -> Dataset:
        """Return the rows; the target is the return less the session's mean."""
        return build_dataset(features, outcome, demean=True)

    def target(self, outcome: Labels) -> str:
        """Say what is foretold, in words."""
        return f"{outcome.name} less its mean over the symbols of the session"

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: no symbol will beat another."""
        return BASELINE, LinearPredictor(feature_names=(), centre=(), scale=(), weights=())

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return the squared error by session, averaged over the symbols."""
        return squared_error(prediction, outcome)

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return the named figures of one model."""
        return score_summary(prediction, outcome, overlap=self.horizon)

    def folds(self, dataset: Dataset) -> list[Fold]:
        """Return the walk-forward folds over `dataset`."""
        edges = year_boundaries(dataset, first_year=self.first_test_year, every=self.refit_years)
        return list(
            walk_forward(
                dataset,
                boundaries=edges,
                train_sessions=self.train_sessions,
                embargo_sessions=self.embargo_sessions,
                train_every=self.train_every,
            )
        )

    def final_rows(self, dataset: Dataset) -> IntArray:
        """Return the rows that the version to be served is fitted on: the whole history."""
        return thinned(dataset, np.flatnonzero(dataset.labelled), every=self.train_every)

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return self.trees

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against, the naive baseline first."""
        return (
            Zero(name=BASELINE),
            Ridge(name="momentum", penalty=0.0, features=(self.momentum_feature,)),
            Ridge(penalty=self.ridge_penalty),
        )

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: the sign, above or below the peers."""
        return Contract()

    def diagnose(self, dataset: Dataset, folds: Sequence[Fold]) -> Mapping[str, float]:
        """Return nothing: the predictions show all that there is."""
        del dataset, folds
        return {}

    def intervals(self) -> IntervalMethod:
        """Return how the width of the intervals follows the coverage that was reached."""
        # An outcome is known when its label has ended.
        return IntervalMethod(
            method="aci", coverage=self.coverage, delay=self.entry_lag + self.horizon
        )

    def scale(self) -> tuple[str, float]:
        """Return the feature that a row's uncertainty goes with, and the factor on it."""
        return self.scale_feature, float(np.sqrt(self.horizon))

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement, the estimators apart."""
        settings = asdict(self)
        settings.pop("trees")
        return settings
