"""What the kinds of model have in common: how each is trained, judged and bounded."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from basics.arrays import FloatArray, IntArray
from features.labels import Labels
from features.panel import FeaturePanel
from models.assurance import Contract
from models.contest import GateRules
from models.dataset import Dataset
from models.estimators import Estimator
from models.intervals import IntervalMethod
from models.predictors import Predictor
from models.splits import Fold


class KindSpec(Protocol):
    """The declared set-up of one kind of model."""

    @property
    def name(self) -> str:
        """The name under which versions are registered."""
        ...

    @property
    def horizon(self) -> int:
        """Sessions that the label spans."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the bootstrap in the gate."""
        ...

    @property
    def rules(self) -> GateRules:
        """What a candidate must show."""
        ...

    @property
    def coverage(self) -> float:
        """Share of outcomes that the intervals shall hold."""
        ...

    @property
    def metric(self) -> str:
        """Name of the loss that decides."""
        ...

    @property
    def embargo_sessions(self) -> int:
        """Sessions left out between test and training rows, beyond the purge."""
        ...

    @property
    def train_every(self) -> int:
        """Train on every so many sessions."""
        ...

    @property
    def cost_rate(self) -> float | None:
        """Cost of trading in the profit that the gate looks at; None where none is measured."""
        ...

    def dataset(self, features: FeaturePanel, outcome: Labels) -> Dataset:
        """Return the rows."""
        ...

    def target(self, outcome: Labels) -> str:
        """Say what is foretold, in words."""
        ...

    def folds(self, dataset: Dataset) -> list[Fold]:
        """Return the walk-forward folds."""
        ...

    def final_rows(self, dataset: Dataset) -> IntArray:
        """Return the rows that the version to be served is fitted on."""
        ...

    def baseline(self) -> tuple[str, Predictor]:
        """Return the naive baseline and its name; the first comparator has the same name."""
        ...

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        ...

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against, the naive baseline first."""
        ...

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return the loss of each session; smaller is better."""
        ...

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return the named figures of one model."""
        ...

    @property
    def contract(self) -> Contract:
        """What interval, confidence and abstention of a prediction mean."""
        ...

    def diagnose(self, dataset: Dataset, folds: Sequence[Fold]) -> Mapping[str, float]:
        """Return figures of the candidate that its predictions alone do not show."""
        ...

    def intervals(self) -> IntervalMethod:
        """Return how the width of the intervals follows the coverage that was reached."""
        ...

    def scale(self) -> tuple[str, float]:
        """Return the feature that a row's uncertainty goes with, and the factor on it."""
        ...

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement, the estimators apart."""
        ...


@runtime_checkable
class JudgedByResult(Protocol):
    """A kind whose predictions are held against what came of them, not against a label."""

    def loss_at(self, prediction: FloatArray, sessions: IntArray) -> FloatArray:
        """Return the loss of each of the panel's `sessions`; smaller is better."""
        ...
