"""One round of walk-forward evaluation: every contender on the same folds and the same cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from models.contest import Contender
from models.dataset import Dataset
from models.estimators import Estimator
from models.evaluation import YearScore, rank_information_coefficient, yearly_rank_ic
from models.kinds import KindSpec
from models.splits import Fold
from models.training import (
    FoldRecord,
    contenders,
    describe_folds,
    figures,
    predict_out_of_sample,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where contenders meet.

    Attributes
    ----------
    until : date or None
        Sessions before this day are scored; all of them when None.
    """

    spec: KindSpec
    dataset: Dataset
    folds: tuple[Fold, ...]
    until: date | None = None

    @property
    def outcome(self) -> FloatArray:
        """The label, of shape (n_symbols, n_sessions)."""
        return self.dataset.to_grid(self.dataset.y, np.arange(len(self.dataset.y)))

    @property
    def stop(self) -> int:
        """Position of the first session that is not scored."""
        if self.until is None:
            return len(self.dataset.sessions)
        return self.dataset.position(np.datetime64(self.until))

    @property
    def fold_records(self) -> tuple[FoldRecord, ...]:
        """Dates and sizes of the folds."""
        return describe_folds(self.dataset, self.folds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How each contender did.

    Attributes
    ----------
    field : mapping of str to Contender
        Losses and returns on the common cells before `until`.
    metrics : mapping of str to mapping of str to float
        Named figures before `until`.
    years : mapping of str to tuple of YearScore
        Rank correlation by calendar year, over all sessions out of sample.
    """

    field: Mapping[str, Contender]
    metrics: Mapping[str, Mapping[str, float]]
    years: Mapping[str, tuple[YearScore, ...]]


def play(
    ground: Ground,
    estimators: Sequence[Estimator],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, FloatArray]:
    """Return each estimator's walk-forward predictions, of shape (n_symbols, n_sessions)."""
    grids = {}
    for estimator in estimators:
        progress(f"walk-forward {estimator.name}, {len(ground.folds)} folds")
        rows = predict_out_of_sample(estimator, ground.dataset, ground.folds)
        grids[estimator.name] = ground.dataset.to_grid(rows, np.arange(len(rows)))
    return grids


def score(ground: Ground, grids: Mapping[str, FloatArray]) -> Scores:
    """Score predictions on the cells that all contenders share."""
    outcome, stop = ground.outcome, ground.stop
    field = contenders(
        grids,
        outcome,
        sessions=slice(0, stop),
        spec=ground.spec,
    )
    return Scores(
        field=field,
        metrics={
            name: figures(field[name], grid[:, :stop], outcome[:, :stop], spec=ground.spec)
            for name, grid in grids.items()
        },
        years={
            name: yearly_rank_ic(
                rank_information_coefficient(grid, outcome),
                ground.dataset.sessions,
                overlap=ground.spec.horizon,
            )
            for name, grid in grids.items()
        },
    )
