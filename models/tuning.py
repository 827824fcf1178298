"""Which settings of the trees do best on the years before the test begins: a seeded search.

Optuna's tree-structured Parzen estimator proposes; what falls behind the median of the others on
the same years is pruned. (Optuna's own median pruner holds a trial's best year so far against the
others' later ones: losses differ more between years than between settings, so it never pruned.) The
years that the gate looks at are never seen, so that a search spends no evidence; the gate counts
every trial all the same. A trial that was recorded before is told from its record: the same seed
proposes the same settings, so that a search that was killed goes on where it stood.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from basics.errors import InvalidInputError, MissingDataError
from models.dataset import Dataset
from models.estimators import BoostedTrees
from models.kinds import KindSpec
from models.splits import Fold, walk_forward, year_boundaries
from models.training import predict_rows

INNER_YEARS = 4
STARTUP_TRIALS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration, and its mean loss in each inner year that it was tried on.

    Attributes
    ----------
    losses : mapping of int to float
        By calendar year; fewer than the study has when it was pruned.
    """

    number: int
    estimator: BoostedTrees
    losses: Mapping[int, float]
    pruned: bool

    @property
    def loss(self) -> float:
        """Return the mean over the years tried."""
        return float(np.mean(list(self.losses.values())))


class Ledger(Protocol):
    """Remembers trials between processes."""

    def recall(self, estimator: BoostedTrees) -> Mapping[int, float] | None:
        """Return the losses of a configuration that was tried in this study; None if it was not."""
        ...

    def record(self, trial: Trial) -> None:
        """Keep a trial that ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerYears:
    """The folds of the search: each tests one year before the first that the gate looks at."""

    spec: KindSpec
    dataset: Dataset
    folds: tuple[Fold, ...]
    years: tuple[int, ...]
    stop: int

    def loss(self, estimator: BoostedTrees, fold: Fold) -> float:
        """Return the mean loss of the fold's sessions whose labels end before the gate's."""
        model = estimator.fit(self.dataset, fold.train)
        rows = fold.test[self.dataset.label_end[fold.test] < self.stop]
        rows = rows[self.dataset.labelled[rows]]
        told = self.dataset.to_grid(predict_rows(model, self.dataset, rows), rows)
        truth = self.dataset.to_grid(self.dataset.y[rows], rows)
        days = np.isfinite(told).any(axis=0)
        return float(np.mean(self.spec.loss(told[:, days], truth[:, days])))


def inner_years(spec: KindSpec, dataset: Dataset, *, first_test_year: int) -> InnerYears:
    """Return the inner folds.

    Raises
    ------
    InvalidInputError
        If the kind's candidate is not boosted trees: there is nothing to tune.
    MissingDataError
        If fewer than two years of rows lie before the first inner year.
    """
    if not isinstance(spec.candidate(), BoostedTrees):
        raise InvalidInputError(
            f"the {spec.name} kind's candidate is {spec.candidate().name}: its settings are "
            "declared, only boosted trees are tuned"
        )
    years = dataset.sessions.astype("datetime64[Y]").astype(int) + 1970
    first = first_test_year - INNER_YEARS
    begins = int(years[int(dataset.session[0])])
    if first - begins < 1:
        raise MissingDataError(
            f"rows begin in {begins}: tuning needs a year before {first}, {INNER_YEARS} years "
            f"before the test of {first_test_year}; load a longer history"
        )
    edges = year_boundaries(dataset, first_year=first)[: INNER_YEARS + 1]
    folds = walk_forward(
        dataset,
        boundaries=edges,
        embargo_sessions=spec.embargo_sessions,
        train_every=spec.train_every,
    )
    return InnerYears(
        spec=spec,
        dataset=dataset,
        folds=tuple(folds),
        years=tuple(range(first, first_test_year)),
        stop=edges[-1],
    )


def search(
    ground: InnerYears,
    *,
    trials: int,
    seed: int,
    ledger: Ledger,
    progress: Callable[[Trial], None] = lambda _: None,
) -> Sequence[Trial]:
    """Try `trials` configurations, and return them in the order in which they were proposed.

    Raises
    ------
    InvalidInputError
        If fewer than one trial is asked for.
    """
    if trials < 1:
        raise InvalidInputError(f"trials must be at least 1, got {trials}")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS),
        pruner=optuna.pruners.NopPruner(),
    )
    candidate = ground.spec.candidate()
    assert isinstance(candidate, BoostedTrees)  # `inner_years` refuses others.
    found: list[Trial] = []
    for _ in range(trials):
        asked = study.ask()
        estimator = _proposed(asked, candidate)
        known = ledger.recall(estimator)
        trial = _try(ground, asked, estimator, known=known, others=found)
        if known is None:
            ledger.record(trial)
        state = optuna.trial.TrialState.PRUNED if trial.pruned else None
        study.tell(asked, None if trial.pruned else trial.loss, state=state)
        progress(trial)
        found.append(trial)
    return found


def best_of(found: Sequence[Trial]) -> Trial:
    """Return the trial with the least loss over all inner years; the earlier of two equal ones.

    Raises
    ------
    MissingDataError
        If every trial was pruned.
    """
    whole = [trial for trial in found if not trial.pruned]
    if not whole:
        raise MissingDataError("every trial was pruned: run more trials")
    return min(whole, key=lambda trial: (trial.loss, trial.number))


def _proposed(asked: Any, candidate: BoostedTrees) -> BoostedTrees:  # noqa: ANN401 - untyped
    """Return the candidate with the settings that Optuna proposes."""
    return replace(
        candidate,
        trees=asked.suggest_int("trees", 50, 300, step=25),
        leaves=asked.suggest_int("leaves", 4, 63, log=True),
        learning_rate=round(asked.suggest_float("learning_rate", 0.01, 0.2, log=True), 4),
        rows_per_leaf=asked.suggest_int("rows_per_leaf", 50, 1000, log=True),
        feature_share=round(asked.suggest_float("feature_share", 0.4, 1.0), 2),
        ridge_penalty=round(asked.suggest_float("ridge_penalty", 0.001, 100.0, log=True), 4),
    )


def falls_behind(losses: Mapping[int, float], others: Sequence[Trial]) -> bool:
    """Return whether a trial's mean loss lies above the median of the others' on the same years.

    Never before its second year, nor while fewer than `STARTUP_TRIALS` others know those years.
    """
    peers = [
        float(np.mean([trial.losses[year] for year in losses]))
        for trial in others
        if losses.keys() <= trial.losses.keys()
    ]
    if len(losses) < 2 or len(peers) < STARTUP_TRIALS:
        return False
    return float(np.mean(list(losses.values()))) > float(np.median(peers))


def _try(
    ground: InnerYears,
    asked: Any,  # noqa: ANN401 - untyped
    estimator: BoostedTrees,
    *,
    known: Mapping[int, float] | None,
    others: Sequence[Trial],
) -> Trial:
    """Try one configuration year by year, until it is done or falls behind."""
    losses: dict[int, float] = {}
    number = len(others)
    for step, (year, fold) in enumerate(zip(ground.years, ground.folds, strict=True)):
        if known is not None and year not in known:
            return Trial(number=number, estimator=estimator, losses=losses, pruned=True)
        losses[year] = ground.loss(estimator, fold) if known is None else known[year]
        asked.report(float(np.mean(list(losses.values()))), step)
        last = step == len(ground.folds) - 1
        if known is None and not last and falls_behind(losses, others):
            return Trial(number=number, estimator=estimator, losses=losses, pruned=True)
    return Trial(number=number, estimator=estimator, losses=losses, pruned=False)
