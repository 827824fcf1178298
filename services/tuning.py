"""Tune a kind's trees: every trial a nested run of the registry, counted by the gate.

The best configuration is then trained like any other candidate; the number of trials in its
verdict is that of all runs of the experiment, these among them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from models.estimators import BoostedTrees
from models.tuning import Trial, best_of, inner_years, search
from services.ports import ModelRegistry, ModelRun
from services.ports.models import PARENT_TAG, STUDY_PREFIX, STUDY_TAG, TUNING_LOSS
from services.training import Training
from services.training_inputs import TrainingInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    inputs : TrainingInputs
        The kind's inputs with the best configuration as its candidate.
    """

    study: str
    trials: Sequence[Trial]
    best: Trial
    inputs: TrainingInputs


def tune(
    registry: ModelRegistry,
    inputs: TrainingInputs,
    *,
    trials: int,
    seed: int,
    training: Training,
    progress: Callable[[Trial], None] = lambda _: None,
) -> Tuned:
    """Search `trials` configurations on the years before the test, and keep each as a run.

    The same inputs and seed propose the same configurations: what was recorded is not tried again.

    Raises
    ------
    InvalidInputError
        If the kind has nothing to tune.
    """
    spec = inputs.spec
    if not hasattr(spec, "trees") or not hasattr(spec, "first_test_year"):
        raise InvalidInputError(
            f"the {spec.name} kind's candidate is {spec.candidate().name}: its settings are "
            "declared, only boosted trees are tuned"
        )
    first = int(cast("Any", spec).first_test_year)
    ground = inner_years(spec, spec.dataset(inputs.features, inputs.outcome), first_test_year=first)
    code = training.code_of(spec)
    study = content_hash("study", inputs.input_key(code_version=code), seed)
    ledger = _Ledger(
        registry,
        inputs,
        study=study,
        code=code,
        tags={**training.run_tags(inputs), "seed": str(seed)},
    )
    found = search(ground, trials=trials, seed=seed, ledger=ledger, progress=progress)
    best = best_of(found)
    chosen = replace(cast("Any", spec), trees=best.estimator)
    return Tuned(study=study, trials=found, best=best, inputs=replace(inputs, spec=chosen))


class _Ledger:
    """Keeps the trials of one study as runs beneath a run of its own."""

    def __init__(
        self,
        registry: ModelRegistry,
        inputs: TrainingInputs,
        *,
        study: str,
        code: str,
        tags: Mapping[str, str],
    ) -> None:
        self._registry, self._inputs = registry, inputs
        self._study, self._code = study, code
        self._known = dict(registry.study(inputs.spec.name, study))
        self._tags = dict(tags)
        parent = ModelRun(
            name=inputs.spec.name,
            estimator="tuning",
            trial_key=f"{STUDY_PREFIX}{study}",
            parameters=inputs.spec.setting(),
            metrics={},
            series={},
            files={},
            tags=self._tags,
        )
        self._parent = registry.record(parent)

    def recall(self, estimator: BoostedTrees) -> Mapping[int, float] | None:
        """Return the losses of a configuration that was tried in this study."""
        return self._known.get(self._key(estimator))

    def record(self, trial: Trial) -> None:
        """Keep a trial that ended as a nested run."""
        self._known[self._key(trial.estimator)] = trial.losses
        self._registry.record(
            ModelRun(
                name=self._inputs.spec.name,
                estimator=trial.estimator.name,
                trial_key=self._key(trial.estimator),
                parameters=trial.estimator.parameters(),
                metrics={"tuning_loss": trial.loss, "pruned": float(trial.pruned)},
                series={TUNING_LOSS: sorted(trial.losses.items())},
                files={},
                tags={**self._tags, STUDY_TAG: self._study, PARENT_TAG: self._parent},
            )
        )

    def _key(self, estimator: BoostedTrees) -> str:
        return self._inputs.trial_key(estimator, code_version=self._code)
