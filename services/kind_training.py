"""The seven kinds by name: trained on what the lake holds, and asked for the newest session.

Training takes the desk's own inputs for each kind, so that a name is all a user gives; one kind
that fails is a row beside the others, never a dead night.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from basics.trading import Fill
from models.anomaly_kind import AnomalySpec
from models.assurance import Prediction
from models.price import PriceSpec
from models.regime_kind import RegimeSpec
from models.signal import SignalSpec
from models.sizing_kind import SizingSpec
from models.tuning import Trial
from models.volatility import VolatilitySpec
from services import kind_inputs
from services.feature_store import FeatureStore
from services.flow_inputs import flow_inputs
from services.market_data import MarketData
from services.ports import ModelRegistry
from services.predictions import Predictions
from services.settlement import CarryOut, carry_out
from services.tail_promise import FEATURE
from services.tail_training import TailResult, TailTraining, newest_volatility
from services.training import Training, TrainingResult
from services.training_inputs import TrainingInputs
from services.tuning import Tuned, tune

# In the order in which they can be trained: the signal needs the price model's side.
KINDS = ("price", "volatility", "regime", "risk", "sizing", "signal", "anomaly")
FLOW = "anomaly_flow"
TRAINABLE = (*KINDS, FLOW)
# On what each kind is trained where nothing else is said.
DATASETS: Mapping[str, str] = {
    "price": "equities",
    "volatility": "equities",
    "regime": "indices",
    "risk": "equities",
    "sizing": "indices",
    "signal": "equities",
    "anomaly": "equities_ohlcv",
    FLOW: "the desk's own fills",
}
FEATURE_SET = "close_momentum"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOptions:
    """What may be chosen beside the kind.

    Attributes
    ----------
    dataset : str or None
        Dataset of the lake; the kind's own if None.
    candidate : str
        Volatility: `har`, `garch` or `lightgbm`.
    ranges : bool
        Volatility: use observed open, high and low.
    """

    dataset: str | None = None
    candidate: str = "lightgbm"
    ranges: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOutcome:
    """What became of one kind in a round of training; `error` says why there is no result."""

    kind: str
    result: TrainingResult | TailResult | None = None
    error: str = ""


class KindTraining:
    """Trains each kind by name.

    Parameters
    ----------
    fills : callable
        Returns the fills of the desk's last run, for the anomaly kind on its own flow.
    """

    def __init__(
        self,
        *,
        market: MarketData,
        features: FeatureStore,
        registry: ModelRegistry,
        training: Training,
        tail: TailTraining,
        fills: Callable[[], Sequence[Fill]],
    ) -> None:
        self._market = market
        self._features = features
        self._registry = registry
        self._training = training
        self._tail = tail
        self._fills = fills

    def train(
        self, kind: str, options: KindOptions | None = None, *, settle: CarryOut = carry_out
    ) -> TrainingResult | TailResult:
        """Train one kind, or return the version that stands for these inputs.

        Parameters
        ----------
        settle : callable
            Carries the verdict out: in plain order, or as a transaction of a flow.

        Raises
        ------
        InvalidInputError
            If there is no such kind.
        """
        chosen = options or KindOptions()
        _require_known(kind)
        if kind == "risk":
            dataset = chosen.dataset or DATASETS[kind]
            return self._tail.train(
                kind_inputs.closes(self._market, dataset),
                data_version=self._market.version(dataset),
                settle=settle,
            )
        return self._training.train(self.inputs(kind, chosen), settle=settle)

    def tune(
        self,
        kind: str,
        *,
        trials: int,
        seed: int,
        settle: CarryOut = carry_out,
        progress: Callable[[Trial], None] = lambda _: None,
    ) -> tuple[Tuned, TrainingResult]:
        """Search the settings of a kind's trees, then train the best and let the gate decide.

        Raises
        ------
        InvalidInputError
            If the kind has nothing to tune.
        """
        tuned = tune(
            self._registry,
            self.inputs(kind),
            trials=trials,
            seed=seed,
            training=self._training,
            progress=progress,
        )
        return tuned, self._training.train(tuned.inputs, settle=settle)

    def train_all(
        self, kinds: Sequence[str] = KINDS, *, settle: CarryOut = carry_out
    ) -> list[KindOutcome]:
        """Train several kinds in turn; what fails is told, and the next goes on."""
        for kind in kinds:
            _require_known(kind)
        outcomes = []
        for kind in sorted(kinds, key=TRAINABLE.index):
            try:
                outcomes.append(KindOutcome(kind=kind, result=self.train(kind, settle=settle)))
            except QuantDeskError as error:
                outcomes.append(KindOutcome(kind=kind, error=str(error)))
        return outcomes

    def inputs(self, kind: str, options: KindOptions | None = None) -> TrainingInputs:
        """Return what a kind is trained on.

        Raises
        ------
        InvalidInputError
            If there is no such kind, or it has no rows of features: the risk kind's own.
        """
        chosen = options or KindOptions()
        _require_known(kind)
        dataset = chosen.dataset or DATASETS[kind]
        makers: Mapping[str, Callable[[str, KindOptions], TrainingInputs]] = {
            "price": self._price,
            "volatility": self._volatility,
            "regime": self._regime,
            "sizing": self._sizing,
            "signal": self._signal,
            "anomaly": self._anomaly,
            FLOW: lambda *_: flow_inputs(self._fills(), spec=AnomalySpec(name=FLOW)),
        }
        if kind not in makers:
            raise InvalidInputError(f"the {kind} kind is trained on closes, without a feature set")
        return makers[kind](dataset, chosen)

    def newest(
        self, kind: str, *, version: str | int = "champion", options: KindOptions | None = None
    ) -> list[tuple[str, Prediction]]:
        """Return what a version of the kind says of each symbol at the newest session.

        Raises
        ------
        MissingDataError
            If no such version stands, or no symbol has all features in the newest session.
        """
        if kind == "risk":
            return self._newest_risk(version)
        inputs = self.inputs(kind, options)
        served = Predictions(self._registry).served(inputs.spec.name, version)
        features = inputs.asked
        names = served.predictor.feature_names
        at = -1
        x = np.stack([features[name][:, at] for name in names], axis=1) if names else None
        rows = np.empty((len(features.symbols), 0)) if x is None else np.ascontiguousarray(x)
        return list(zip(features.symbols, served.answers(rows), strict=True))

    def _newest_risk(self, version: str | int) -> list[tuple[str, Prediction]]:
        served = Predictions(self._registry).served("risk", version)
        if served.predictor.feature_names != (FEATURE,):
            raise MissingDataError(
                f"{served.version.label} reads {', '.join(served.predictor.feature_names)}, which "
                "is not kept: name a trained version, such as `challenger`, or train risk"
            )
        symbols, volatility = newest_volatility(self._registry, served.version)
        return list(zip(symbols, served.answers(volatility[:, None]), strict=True))

    def _price(self, dataset: str, options: KindOptions) -> TrainingInputs:
        del options
        return kind_inputs.price_inputs(
            self._market,
            self._features,
            dataset=dataset,
            feature_set=FEATURE_SET,
            spec=PriceSpec(),
        )

    def _volatility(self, dataset: str, options: KindOptions) -> TrainingInputs:
        return kind_inputs.volatility_inputs(
            self._market,
            dataset=dataset,
            ranges=options.ranges,
            spec=VolatilitySpec(candidate_name=options.candidate),
        )

    def _regime(self, dataset: str, options: KindOptions) -> TrainingInputs:
        del options
        return kind_inputs.regime_inputs(self._market, dataset=dataset, spec=RegimeSpec())

    def _sizing(self, dataset: str, options: KindOptions) -> TrainingInputs:
        del options
        return kind_inputs.sizing_inputs(self._market, dataset=dataset, spec=SizingSpec())

    def _signal(self, dataset: str, options: KindOptions) -> TrainingInputs:
        del options
        features = self._features.panel(FEATURE_SET, dataset)
        side = kind_inputs.price_forecast(self._registry, features)
        return kind_inputs.signal_inputs(
            self._market,
            self._features,
            side,
            dataset=dataset,
            feature_set=FEATURE_SET,
            spec=SignalSpec(),
        )

    def _anomaly(self, dataset: str, options: KindOptions) -> TrainingInputs:
        del options
        # Two years of bars must lie before the test, wherever the dataset begins.
        spec = AnomalySpec()
        first = self._market.panel(dataset, fields=("close",)).sessions[0]
        year = first.astype("datetime64[Y]").astype(int) + 1970
        return kind_inputs.anomaly_inputs(
            self._market,
            dataset=dataset,
            spec=replace(spec, first_test_year=max(spec.first_test_year, int(year) + 3)),
        )


def _require_known(kind: str) -> None:
    if kind not in TRAINABLE:
        raise InvalidInputError(f"kind {kind!r} cannot be trained: say {', '.join(TRAINABLE)}")
