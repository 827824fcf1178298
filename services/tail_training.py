"""Train the risk model: tail forecasts judged by the Fissler-Ziegel loss and by backtests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from market.panel import Panel
from models.comparison import judge
from models.contest import Contest, Trials, Verdict
from models.predictors import LINEAR_JSON, LinearPredictor
from models.tail_forecast import (
    BASELINE,
    CANDIDATE,
    TailForecast,
    TailSpec,
    backtests,
    next_return,
    tail_contenders,
    tail_figures,
    tail_forecasts,
    tail_multipliers,
)
from models.variance import daily_returns
from services import model_documents as documents
from services import model_tables as tables
from services.leak_proof import LeakProof
from services.ports import ModelRegistry, ModelRun, ModelVersion, ResultStore
from services.promotion import CHAMPION, Promotion
from services.settlement import CarryOut, carry_out
from services.tail_files import FEATURE_SET, METRIC, TAIL, TailTrained, tail_files
from services.tail_promise import FEATURE, INTERVALS, TailDocument, tail_promise

FORECASTING = ("confidence", "window", "first_test_year", "refit_years")


@dataclass(frozen=True, slots=True, kw_only=True)
class TailResult:
    """A trained risk version, its verdict and figures."""

    version: ModelVersion
    champion: ModelVersion
    verdict: Verdict
    metrics: Mapping[str, Mapping[str, float]]
    document: TailDocument
    reused: bool


class TailTraining:
    """Trains, judges and registers the risk model.

    Parameters
    ----------
    code_version : str
        Hash of the code that trains; another one makes another version.
    data_tags : callable
        Returns what else names the data of a content hash, such as DVC's identifier.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        *,
        code_version: str,
        environment: Mapping[str, str] | None = None,
        results: ResultStore | None = None,
        data_tags: Callable[[str], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self._registry = registry
        self._data_tags = data_tags
        self._promotion = Promotion(registry, results)
        self._code_version = code_version
        self._environment = dict(environment or {})

    def train(
        self,
        panel: Panel,
        *,
        data_version: str,
        spec: TailSpec | None = None,
        settle: CarryOut = carry_out,
    ) -> TailResult:
        """Return the version that these closes make, trained if it does not stand yet.

        Raises
        ------
        InvalidInputError
            If the closes are simulated: no model result on them is evidence.
        RefusedError
            If the label leaks.
        MissingDataError
            If the history is too short.
        """
        spec = spec or TailSpec()
        if "close" in panel.simulated:
            raise InvalidInputError("the closes are simulated: train on observed ones")
        self._baseline(spec)
        trial = content_hash(spec.setting(), CANDIDATE, self._code_version)
        key = content_hash(trial, data_version, list(panel.symbols))
        standing = self._registry.find(spec.name, key)
        reused = standing is not None
        if standing is None:
            LeakProof(label=next_return, panel=panel).require_clean(
                np.random.default_rng(spec.seed)
            )
            standing = self._register(panel, spec, data_version, (trial, key))
        evaluation = documents.read_evaluation(self._registry.read(standing, documents.EVALUATION))
        self._promotion.settle(
            standing,
            evaluation.verdict,
            champion_version=evaluation.champion_version,
            desk_date=panel.sessions[-1].item(),
            by=settle,
        )
        return TailResult(
            version=standing,
            champion=self._registry.resolve(spec.name, CHAMPION),
            verdict=evaluation.verdict,
            metrics=evaluation.metrics,
            document=documents.read_json(self._registry.read(standing, TAIL), TailDocument),
            reused=reused,
        )

    def _register(
        self, panel: Panel, spec: TailSpec, data_version: str, keys: tuple[str, str]
    ) -> ModelVersion:
        forecasts = tail_forecasts(panel, spec)
        champion = self._registry.resolve(spec.name, CHAMPION)
        reign = self._reign(champion, panel, spec)
        told = forecasts if reign is None else {**forecasts, champion.label: reign.forecast}
        field = tail_contenders(told, panel, spec, until=len(panel.sessions))
        metrics = tail_figures(forecasts, panel, spec)
        for name, figures in metrics.items():
            figures["fissler_ziegel"] = float(field[name].losses.mean())
        trials = {*self._registry.trials(spec.name), keys[0]}
        verdict = judge(
            Contest(
                candidate=field[CANDIDATE],
                champion=field[BASELINE if reign is None or reign.same else champion.label],
                baseline=field[BASELINE],
                # What is served rests on the newest closes, so the method is renewed with them.
                renews=field[champion.label] if reign is not None and reign.same else None,
                others=tuple(field.values()),
                metric=METRIC,
            ),
            trials=Trials(count=len(trials), sharpe_variance=0.0),
            rules=spec.rules,
            generator=np.random.default_rng(spec.seed),
        )
        model, document = self._fit(panel, spec, forecasts[CANDIDATE])
        promise = tail_promise(panel, spec, forecasts[CANDIDATE], document)
        evaluation = documents.Evaluation(
            verdict=verdict, champion_version=champion.version, metrics=metrics, years={},
            importances={}, folds=(), coverage=promise.coverage,
            interval_method=INTERVALS.method, coverage_exceptions=promise.exceptions,
        )  # fmt: skip
        trained = TailTrained(
            panel=panel,
            spec=spec,
            forecasts=forecasts,
            field=field,
            model=model,
            document=document,
            promise=promise,
            data_version=data_version,
        )
        files = tail_files(trained, evaluation=evaluation, environment=self._environment)
        run = ModelRun(
            name=spec.name,
            estimator=CANDIDATE,
            trial_key=keys[0],
            parameters=spec.setting(),
            metrics=metrics[CANDIDATE],
            series={"loss_by_month": tables.loss_by_month(field[CANDIDATE], panel.sessions)},
            files=files,
            tags={
                "feature_set": FEATURE_SET,
                "feature_hash": content_hash(FEATURE_SET),
                "data_version": data_version,
                "code_version": self._code_version,
                "seed": str(spec.seed),
                **self._data_tags(data_version),
                **{f"environment.{key}": value for key, value in self._environment.items()},
            },
        )
        return self._registry.register(run, format=LINEAR_JSON, input_key=keys[1])

    def _reign(self, champion: ModelVersion, panel: Panel, spec: TailSpec) -> "_Reign | None":
        """Return what the reigning version foretold; None while the baseline reigns."""
        if documents.PREDICTIONS not in champion.sha256:
            return None
        manifest = documents.read_manifest(self._registry.read(champion, documents.MANIFEST))
        before = replace(spec, **{name: manifest.parameters[name] for name in FORECASTING})
        if before.confidence != spec.confidence:
            raise InvalidInputError(
                f"{champion.label} reigns at {before.confidence:.1%}: losses at "
                f"{spec.confidence:.1%} are no rivals of its; train under another name"
            )
        content = self._registry.read(champion, documents.PREDICTIONS)
        grids = tables.read_predictions(content, panel)
        forecast = TailForecast(grids[CANDIDATE], grids[f"{CANDIDATE}{documents.SHORTFALL}"])
        return _Reign(forecast, same=before == spec)

    def _fit(
        self, panel: Panel, spec: TailSpec, forecast: TailForecast
    ) -> tuple[LinearPredictor, TailDocument]:
        """Return the model to be served: tomorrow's volatility times the pooled tail."""
        returns = daily_returns(panel)
        assert forecast.volatility is not None  # The candidate filters.
        quantile, mean = tail_multipliers(
            returns, forecast.volatility, stop=returns.shape[1], confidence=spec.confidence
        )
        model = LinearPredictor(
            feature_names=(FEATURE,), centre=(0.0,), scale=(1.0,), weights=(quantile,)
        )
        return model, TailDocument(
            confidence=spec.confidence,
            value_at_risk_multiplier=quantile,
            shortfall_multiplier=mean,
            last_multiplier=_last_ratio(forecast.value_at_risk, forecast.volatility),
            backtests=backtests(forecast, panel, spec),
        )

    def _baseline(self, spec: TailSpec) -> ModelVersion:
        plain = LinearPredictor(
            feature_names=(f"historical_var_{spec.window}",),
            centre=(0.0,), scale=(1.0,), weights=(1.0,),
        )  # fmt: skip
        return self._promotion.ensure_baseline(spec.name, estimator=BASELINE, model=plain, tags={})


@dataclass(frozen=True, slots=True)
class _Reign:
    """What the reigning version foretold; `same` if by the candidate's own method."""

    forecast: TailForecast
    same: bool


def _last_ratio(value_at_risk: FloatArray, volatility: FloatArray) -> float:
    """Return the newest ratio of the two: it is the same for all series of a session."""
    ratio = value_at_risk / volatility
    session = np.flatnonzero(np.isfinite(ratio).any(axis=0))[-1]
    return float(np.nanmedian(ratio[:, session]))


def newest_volatility(
    registry: ModelRegistry, version: ModelVersion
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the series of a risk version, and the volatility that it foretold for each last."""
    document = documents.read_json(registry.read(version, TAIL), TailDocument)
    table = tables.last_predictions(registry.read(version, documents.PREDICTIONS), CANDIDATE)
    values = np.array(list(table.values())) / document.last_multiplier
    return tuple(table), values
