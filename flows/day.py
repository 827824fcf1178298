"""One day of the desk: what its steps share, each thing loaded once when first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cached_property

from features.labels import Labels, forward_return
from features.panel import FeaturePanel
from features.sets import feature_set
from infra.bootstrap import Desk, open_desk
from infra.experiment import load_experiment
from infra.settings import load_settings
from infra.telemetry import configure_logging
from market.panel import Panel
from measures.options import AmericanFormula
from pnl.daily import DailyBooks
from services.experiment import Experiment
from services.multi_asset import MultiAssetBooks, risk_inputs_of
from services.multi_asset_valuation import MultiAssetInputs
from services.paper_trading import Forecasts, PaperTrading, first_traded_session
from services.ports import JsonDocument
from services.report import Lineage
from services.settlement import CarryOut, carry_out
from services.training import TrainingInputs, TrainingResult
from services.universe import equities


class Day:
    """The desk, the parameters of the experiment, and what follows from both.

    Nothing here is computed twice: data, features and models that stand are read back.
    """

    def __init__(self, desk: Desk, experiment: Experiment) -> None:
        self.desk = desk
        self.experiment = experiment
        self.valued: tuple[JsonDocument, DailyBooks] | None = None  # With what they rest on.

    @cached_property
    def panel(self) -> Panel:
        """Close and volume of the universe."""
        return self.desk.market_data.panel(self.experiment.data.dataset, fields=("close", "volume"))

    @property
    def desk_date(self) -> date:
        """The last session that is complete in the lake: the day the desk processes."""
        last: date = self.panel.sessions[-1].item()
        return last

    @property
    def first_traded(self) -> date:
        """The first session that is traded on paper; no model was judged on it or later."""
        return first_traded_session(self.experiment.trading, self.panel)

    @cached_property
    def features(self) -> FeaturePanel:
        """The feature set over the universe."""
        return self.compute_features()

    def compute_features(self, *, again: bool = False) -> FeaturePanel:
        """Compute the feature set, or read back what is kept unless `again`."""
        return self.desk.features.panel(
            self.experiment.feature_set, self.experiment.data.dataset, again=again
        )

    @cached_property
    def trained(self) -> TrainingResult:
        """The price model of these inputs, trained if it does not stand yet."""
        return self.train()

    def outcome(self, panel: Panel) -> Labels:
        """Return the forward return that the price model foretells."""
        spec = self.experiment.price
        return forward_return(panel, horizon=spec.horizon, entry_lag=spec.entry_lag)

    def train(self, *, retrain: bool = False, settle: CarryOut = carry_out) -> TrainingResult:
        """Train the price model, hold it against its rivals and let evidence decide."""
        spec = self.experiment.price
        inputs = TrainingInputs(
            features=self.features,
            outcome=self.outcome(self.panel),
            data_version=self.desk.market_data.version(self.experiment.data.dataset),
            spec=spec,
            gate_until=self.first_traded,
        )
        return self.desk.training.train(inputs, retrain=retrain, settle=settle)

    @cached_property
    def forecasts(self) -> Forecasts:
        """What the strategies follow."""
        trained = self.trained
        baseline_reigns = trained.champion.version == trained.baseline.version
        return Forecasts(
            model=trained.predictions if baseline_reigns else trained.champion_predictions,
            momentum=self.features[self.experiment.price.momentum_feature],
            model_version=(trained.version if baseline_reigns else trained.champion).label,
            arm="challenger" if baseline_reigns else "champion",
            momentum_rule=self.experiment.price.momentum_feature,
        )

    @cached_property
    def run_id(self) -> str:
        """The name of the paper-trading run that these inputs make."""
        return self.paper_trading.run_id(self.experiment.trading, self.panel, self.forecasts)

    @cached_property
    def paper_trading(self) -> PaperTrading:
        """The use case that trades the universe."""
        return self.desk.paper_trading(equities(self.panel.symbols, self.desk.market_data.sectors))

    @cached_property
    def multi_asset(self) -> MultiAssetBooks | None:
        """The multi-asset portfolio on its simulated market; None before its first session."""
        return self.desk.multi_asset_books(self.experiment)

    @cached_property
    def multi_asset_inputs(self) -> MultiAssetInputs | None:
        """What its risk is computed from, booked first; None before its first session."""
        books = self.multi_asset
        if books is None:
            return None
        accounting = self.desk.accounting(books.market.instruments)
        accounting.book_events(books.run_id, books.events)  # Adds nothing where they stand.
        return risk_inputs_of(
            books,
            accounting,
            previous=self.desk.risk.previous(books.plan.portfolio, before=self.desk_date),
            american=AmericanFormula(self.desk.settings.american_options),
        )

    @cached_property
    def lineage(self) -> Lineage:
        """What is needed to compute every number of the day again."""
        catalog = self.desk.market_data.catalog()
        return Lineage(
            run_id=self.run_id,
            seed=self.desk.settings.seed,
            code_commit=self.desk.code_commit,
            data_versions={state.dataset.name: state.version for state in catalog},
            feature_hash=feature_set(self.experiment.feature_set).content_hash,
            model_version=self.forecasts.model_version,
            policy_version=self.desk.risk.policy_version,
        )


_shared: ContextVar[Day | None] = ContextVar("shared_day", default=None)


@contextmanager
def open_day() -> Iterator[Day]:
    """Open the desk that the settings name, with the parameters of `params.yaml`.

    Within `one_day` the day that is open already is handed out.
    """
    if (shared := _shared.get()) is not None:
        yield shared
        return
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    with open_desk(settings) as desk:
        yield Day(desk, load_experiment(settings.params_file))


@contextmanager
def one_day() -> Iterator[None]:
    """Let the flows called within share one day.

    For those that change neither market data nor models: what the first of them read, the others
    need not read again.
    """
    with open_day() as day:
        token = _shared.set(day)
        try:
            yield
        finally:
            _shared.reset(token)
