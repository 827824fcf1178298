"""Train the risk model: tail forecasts judged by the Fissler-Ziegel loss and by backtests."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from market.panel import Panel
from models.comparison import Contest, Trials, Verdict, judge
from models.garch import garch_forecasts
from models.predictors import LINEAR_JSON, LinearPredictor
from models.tail_forecast import (
    BASELINE,
    CANDIDATE,
    SeriesBacktest,
    TailForecast,
    TailSpec,
    backtests,
    tail_contenders,
    tail_figures,
    tail_forecasts,
    tail_multipliers,
)
from models.volatility import daily_returns
from services import model_documents as documents
from services.ports import ModelRegistry, ModelRun, ModelVersion, ResultStore
from services.promotion import CHAMPION, Promotion

TAIL = "tail.json"
METRIC = "Fissler-Ziegel loss"
FEATURE_SET = "tail@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TailDocument:
    """What a risk version promises, and how each series' forecasts held.

    Attributes
    ----------
    value_at_risk_multiplier, shortfall_multiplier : float
        Times tomorrow's volatility: the forecasts, as positive fractions of value.
    """

    confidence: float
    value_at_risk_multiplier: float
    shortfall_multiplier: float
    backtests: tuple[SeriesBacktest, ...]


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
    """

    def __init__(
        self,
        registry: ModelRegistry,
        *,
        code_version: str,
        environment: Mapping[str, str] | None = None,
        results: ResultStore | None = None,
    ) -> None:
        self._registry = registry
        self._promotion = Promotion(registry, results)
        self._code_version = code_version
        self._environment = dict(environment or {})

    def train(self, panel: Panel, *, data_version: str, spec: TailSpec | None = None) -> TailResult:
        """Return the version that these closes make, trained if it does not stand yet.

        Raises
        ------
        InvalidInputError
            If the closes are simulated: no model result on them is evidence.
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
            standing = self._register(panel, spec, data_version, (trial, key))
        evaluation = documents.read_evaluation(self._registry.read(standing, documents.EVALUATION))
        self._promotion.settle(
            standing,
            evaluation.verdict,
            champion_version=evaluation.champion_version,
            desk_date=panel.sessions[-1].item(),
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
        field = tail_contenders(forecasts, panel, spec, until=len(panel.sessions))
        metrics = tail_figures(forecasts, panel, spec)
        for name, contender in field.items():
            metrics[name]["fissler_ziegel"] = float(contender.losses.mean())
        champion = self._registry.resolve(spec.name, CHAMPION)
        trials = {*self._registry.trials(spec.name), keys[0]}
        verdict = judge(
            Contest(
                candidate=field[CANDIDATE],
                # An earlier version of the same method does not reign over its successor's
                # evidence: both are held against the naive baseline on the same rows.
                champion=field[BASELINE],
                baseline=field[BASELINE],
                others=tuple(field.values()),
                metric=METRIC,
            ),
            trials=Trials(count=len(trials), sharpe_variance=0.0),
            rules=spec.rules,
            generator=np.random.default_rng(spec.seed),
        )
        evaluation = documents.Evaluation(
            verdict=verdict, champion_version=champion.version, metrics=metrics, years={},
            importances={}, folds=(),
        )  # fmt: skip
        model, document = self._fit(panel, spec, forecasts[CANDIDATE])
        files = {
            "model/model.json": model.to_native(),
            f"model/{documents.EVALUATION}": documents.to_json(evaluation),
            f"model/{TAIL}": documents.to_json(document),
        }
        run = ModelRun(
            name=spec.name,
            estimator=CANDIDATE,
            trial_key=keys[0],
            parameters=spec.setting(),
            metrics=metrics[CANDIDATE],
            series={},
            files=files,
            tags={
                "feature_set": FEATURE_SET,
                "feature_hash": content_hash(FEATURE_SET),
                "data_version": data_version,
                "code_version": self._code_version,
                "seed": str(spec.seed),
                **{f"environment.{key}": value for key, value in self._environment.items()},
            },
        )
        return self._registry.register(run, format=LINEAR_JSON, input_key=keys[1])

    def _fit(
        self, panel: Panel, spec: TailSpec, forecast: TailForecast
    ) -> tuple[LinearPredictor, TailDocument]:
        """Return the model to be served: tomorrow's volatility times the pooled tail."""
        returns = daily_returns(panel)
        years = panel.sessions.astype("datetime64[Y]").astype(int) + 1970
        first = int(np.searchsorted(years, spec.first_test_year))
        refits = np.arange(first, returns.shape[1], 252 * spec.refit_years)
        volatility = np.sqrt(garch_forecasts(returns, refits=refits, horizon=1, asymmetric=True))
        quantile, mean = tail_multipliers(
            returns, volatility, stop=returns.shape[1], confidence=spec.confidence
        )
        model = LinearPredictor(
            feature_names=("gjr_volatility",), centre=(0.0,), scale=(1.0,), weights=(quantile,)
        )
        return model, TailDocument(
            confidence=spec.confidence,
            value_at_risk_multiplier=quantile,
            shortfall_multiplier=mean,
            backtests=backtests(forecast, panel, spec),
        )

    def _baseline(self, spec: TailSpec) -> ModelVersion:
        plain = LinearPredictor(
            feature_names=(f"historical_var_{spec.window}",),
            centre=(0.0,), scale=(1.0,), weights=(1.0,),
        )  # fmt: skip
        return self._promotion.ensure_baseline(spec.name, estimator=BASELINE, model=plain, tags={})
