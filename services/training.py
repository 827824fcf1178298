"""Train a model, hold it against its rivals, register it, and let evidence decide.

The same inputs never train twice: the input key (data, features, settings, code) finds the
version that stands, and its stored evaluation is the answer. All that shapes the answer is
computed before the version is made, and the alias moves after it, so a process killed at any
point leaves a state from which the next run ends the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import RefusedError
from models.comparison import judge
from models.contest import Contest, Trials
from models.dataset import Dataset
from models.estimators import Estimator
from models.kinds import KindSpec
from models.paths import path_returns
from models.predictors import Predictor
from models.tournament import Ground, Scores, play, score
from services import model_documents as documents
from services import model_tables as tables
from services.ports import ModelRegistry, ModelRun, ModelVersion, ResultStore
from services.promotion import CHAMPION, Promotion
from services.settlement import CarryOut, carry_out
from services.training_files import Trained, intervals_out_of_sample, version_files
from services.training_inputs import TrainingInputs
from services.training_result import TrainingResult, predictions_of, read_back


class Training:
    """Trains, judges and registers models.

    Parameters
    ----------
    code_version : str or callable
        Hash of the code that trains, or what tells it for a kind; another one makes another
        version.
    environment : mapping of str to str
        Commit, versions of Python and the libraries: kept with every run.
    results : ResultStore, optional
        Where each verdict is kept as a document.
    data_tags : callable
        Returns what else names the data of a content hash, such as DVC's identifier.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        *,
        code_version: str | Callable[[KindSpec], str],
        environment: Mapping[str, str] | None = None,
        results: ResultStore | None = None,
        data_tags: Callable[[str], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self._registry = registry
        self._promotion = Promotion(registry, results)
        self._data_tags = data_tags
        self._code_version = code_version
        self._environment = dict(environment or {})

    def train(
        self,
        inputs: TrainingInputs,
        *,
        retrain: bool = False,
        progress: Callable[[str], None] = lambda _: None,
        settle: CarryOut = carry_out,
    ) -> TrainingResult:
        """Return the version that `inputs` make, trained if it does not stand yet.

        Parameters
        ----------
        retrain : bool
            Train even if it stands, and check that the same inputs give the same bytes.

        Raises
        ------
        MissingDataError
            If the history is too short for a training window.
        RefusedError
            If features or outcome leak, or `retrain` gave another model than the one registered.
        """
        spec = inputs.spec
        dataset = spec.dataset(inputs.features, inputs.outcome)
        baseline = self._baseline(spec)
        key = self._input_key(inputs)
        standing = self._registry.find(spec.name, key)
        reused = standing is not None and not retrain
        if standing is None or retrain:
            if inputs.proof is not None:
                progress("proving that nothing leaks")
                inputs.proof.require_clean(np.random.default_rng(spec.seed))
            ground = Ground(
                spec=spec,
                dataset=dataset,
                folds=tuple(spec.folds(dataset)),
                until=inputs.gate_until,
            )
            trained = self._train(inputs, ground, progress)
            if standing is None:
                progress("registering")
                standing = self._register(inputs, ground, trained, baseline)
            else:
                self._require_same(standing, trained)
        self._settle(standing, dataset, settle)
        return read_back(self._registry, standing, baseline, dataset, reused=reused)

    def _settle(self, version: ModelVersion, dataset: Dataset, by: CarryOut) -> None:
        stored = documents.read_evaluation(self._registry.read(version, documents.EVALUATION))
        self._promotion.settle(
            version,
            stored.verdict,
            champion_version=stored.champion_version,
            desk_date=dataset.sessions[-1].item(),
            by=by,
        )

    def _train(
        self, inputs: TrainingInputs, ground: Ground, progress: Callable[[str], None]
    ) -> tuple[dict[str, FloatArray], Predictor]:
        """Return the predictions of every contender, and the candidate fitted on all rows."""
        candidate = inputs.spec.candidate()
        grids = play(ground, (candidate, *inputs.spec.comparators()), progress=progress)
        progress(f"final fit of {candidate.name}")
        dataset = ground.dataset
        return grids, candidate.fit(dataset, inputs.spec.final_rows(dataset))

    def _register(
        self,
        inputs: TrainingInputs,
        ground: Ground,
        trained: tuple[dict[str, FloatArray], Predictor],
        baseline: ModelVersion,
    ) -> ModelVersion:
        """Judge the candidate, then keep every run and make its version."""
        grids, model = trained
        spec, candidate = inputs.spec, inputs.spec.candidate()
        champion = self._registry.resolve(spec.name, CHAMPION)
        reigning = baseline.estimator
        if champion.version != baseline.version:
            reigning = champion.label
            grids = grids | {reigning: predictions_of(self._registry, champion, ground.dataset)}
        scores = self._scored(ground, grids)
        for estimator in spec.comparators()[1:]:
            self._registry.record(self._run(inputs, estimator, scores, files={}))
        verdict = judge(
            Contest(
                candidate=scores.field[candidate.name],
                champion=scores.field[reigning],
                baseline=scores.field[baseline.estimator],
                others=tuple(scores.field.values()),
                horizon=spec.horizon,
                metric=spec.metric,
                simulated=ground.dataset.simulated,
                paths=path_returns(
                    spec,
                    ground.dataset,
                    (candidate, *spec.comparators()),
                    stop=ground.stop,
                ),
            ),
            trials=self._trials(inputs, scores),
            rules=spec.rules,
            generator=np.random.default_rng(spec.seed),
        )
        intervals = intervals_out_of_sample(inputs, ground, grids[candidate.name], model)
        evaluation = documents.Evaluation(
            verdict=verdict,
            champion_version=champion.version,
            metrics=scores.metrics,
            years=scores.years,
            importances=documents.importances(model),
            folds=ground.fold_records,
            coverage=intervals.coverage,
            interval_method=spec.intervals().method if intervals.coverage else "",
            interval_delay=spec.intervals().delay,
            coverage_exceptions=intervals.exceptions,
        )
        files = version_files(
            inputs,
            ground,
            Trained(grids=grids, field=scores.field, model=model, intervals=intervals),
            evaluation=evaluation,
            environment=self._environment,
        )
        run = self._run(inputs, candidate, scores, files=files)
        return self._registry.register(run, format=model.format, input_key=self._input_key(inputs))

    @staticmethod
    def _scored(ground: Ground, grids: Mapping[str, FloatArray]) -> Scores:
        """Score every contender, and let the kind add what predictions alone do not show."""
        scores, name = score(ground, grids), ground.spec.candidate().name
        told = ground.spec.diagnose(ground.dataset, ground.folds)
        return replace(scores, metrics={**scores.metrics, name: {**scores.metrics[name], **told}})

    def _run(
        self,
        inputs: TrainingInputs,
        estimator: Estimator,
        scores: Scores,
        *,
        files: Mapping[str, bytes],
    ) -> ModelRun:
        spec = inputs.spec
        setting = {f"setting.{key}": value for key, value in spec.setting().items()}
        return ModelRun(
            name=spec.name,
            estimator=estimator.name,
            trial_key=self._trial_key(inputs, estimator),
            parameters={**estimator.parameters(), **setting},
            metrics=scores.metrics[estimator.name],
            series={
                "rank_ic_by_year": [(y.year, y.rank_ic) for y in scores.years[estimator.name]],
                "loss_by_month": tables.loss_by_month(
                    scores.field[estimator.name], inputs.features.sessions
                ),
            },
            files=files,
            tags=self.run_tags(inputs),
        )

    def run_tags(self, inputs: TrainingInputs) -> Mapping[str, str]:
        """Return what names the data, features, code, seed and environment of a run."""
        return {
            "feature_set": inputs.features.feature_set,
            "feature_hash": inputs.features.content_hash,
            "data_version": inputs.data_version,
            "code_version": self.code_of(inputs.spec),
            "seed": str(inputs.spec.seed),
            **self._data_tags(inputs.lake_version or inputs.data_version),
            **{f"environment.{key}": value for key, value in self._environment.items()},
        }

    def _baseline(self, spec: KindSpec) -> ModelVersion:
        estimator, model = spec.baseline()
        return self._promotion.ensure_baseline(spec.name, estimator=estimator, model=model, tags={})

    def _trials(self, inputs: TrainingInputs, scores: Scores) -> Trials:
        """Return how many configurations were ever tried, this one among them."""
        candidate = inputs.spec.candidate()
        tried = dict(self._registry.trials(inputs.spec.name))
        sharpe = scores.metrics[candidate.name].get("sharpe_per_period")
        tried[self._trial_key(inputs, candidate)] = sharpe
        known = [value for value in tried.values() if value is not None]
        spread = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
        return Trials(count=len(tried), sharpe_variance=spread)

    def _require_same(
        self, standing: ModelVersion, trained: tuple[dict[str, FloatArray], Predictor]
    ) -> None:
        model = trained[1]
        registered = self._registry.read(standing, documents.native_file(model))
        if registered != model.to_native():
            raise RefusedError(
                f"{standing.label}: the same inputs gave another model than the one registered; "
                "a library or the processor differs from when it was trained"
            )

    def _trial_key(self, inputs: TrainingInputs, estimator: Estimator) -> str:
        return inputs.trial_key(estimator, code_version=self.code_of(inputs.spec))

    def _input_key(self, inputs: TrainingInputs) -> str:
        return inputs.input_key(code_version=self.code_of(inputs.spec))

    def code_of(self, spec: KindSpec) -> str:
        """Return the hash of the code that versions of this kind depend on."""
        told = self._code_version
        return told if isinstance(told, str) else told(spec)


__all__ = ["Training", "TrainingInputs", "TrainingResult"]
