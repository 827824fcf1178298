"""The one place where abstract needs meet concrete means.

`open_desk` yields a `Desk`: every service of the house, built when it is first asked for, so
that a command pays only for what it uses, and closed in reverse order. Nothing happens at
import.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from basics.clock import Clock
from infra.clock import SystemClock
from infra.isolation import default_state_dir, isolate
from infra.settings import Settings, load_settings
from services.ports import Alert, Cache, KeptBooks, MessageQueue, ResultStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from basics.arrays import DateArray, FloatArray
    from basics.instruments import Instrument
    from basics.trading import Fill
    from infra.control_policy import ControlPolicy
    from infra.database.alerts import DatabaseAlertStore
    from infra.database.controls import DatabaseControlStore
    from infra.database.engine import Database
    from infra.database.ledger import DatabaseLedgerStore
    from infra.database.orders import DatabaseOrderJournal
    from infra.database.prediction_events import DatabasePredictionEvents
    from infra.database.predictions import DatabasePredictionLog
    from infra.model_registry import MlflowRegistry
    from market.panel import Panel
    from market.simulated.multi_asset import SimulatedAssets
    from services.accounting import Accounting
    from services.alerts import AlertLog
    from services.arm_trials import ArmTrials
    from services.desk_books import DeskBooks
    from services.execution_plans import ExecutionPlan, ExecutionTerms
    from services.experiment import Experiment
    from services.factor_series import FactorSeries
    from services.feature_store import FeatureStore
    from services.kind_training import KindTraining
    from services.limit_register import LimitRegister
    from services.live_desk import LiveDesk
    from services.manual_entries import ManualEntries
    from services.market_data import MarketData
    from services.model_monitoring import ModelMonitoring
    from services.multi_asset import MultiAssetBooks
    from services.online_store import OnlineStore
    from services.order_entry import OrderEntry
    from services.paper_trading import PaperTrading
    from services.pnl_days import PnlDays
    from services.pnl_health import PnlHealthCheck
    from services.portfolio_review import PortfolioReview
    from services.prediction_stream import PredictionStream
    from services.risk import RiskService
    from services.stored_books import StoredBooks
    from services.trading import TradingSimulation
    from services.trading_controls import TradingControls
    from services.training import Training

T = TypeVar("T")


class Desk:
    """The services of one desk; see each property for what it does."""

    def __init__(self, settings: Settings, clock: Clock, resources: ExitStack) -> None:
        self.settings = settings
        self.clock = clock
        self._resources = resources
        # What each version of a dataset lets the desk trade: asked for with every split of profit.
        self._traded: dict[tuple[str, str], Mapping[str, Instrument]] = {}

    @cached_property
    def database(self) -> "Database":
        """What is booked, and the documents that were computed; its schema is current."""
        from infra.database.engine import open_database
        from infra.database.schema import ensure_schema

        database = open_database(self.settings.database, state_dir=self.settings.state_dir)
        self._resources.callback(database.close)
        ensure_schema(database)
        return database

    @cached_property
    def results(self) -> ResultStore:
        """The computed documents that pages, reports and the API show."""
        from infra.database.results import DatabaseResultStore

        return DatabaseResultStore(self.database, self.clock)

    @cached_property
    def market_data(self) -> "MarketData":
        """Market data: in through the gate, out as it was known."""
        from infra.market_data import build_market_data

        return build_market_data(self.settings, self.clock)

    @cached_property
    def ledger_store(self) -> "DatabaseLedgerStore":
        """What was booked, in order, with its postings."""
        from infra.database.ledger import DatabaseLedgerStore

        return DatabaseLedgerStore(self.database)

    def accounting(self, instruments: "Mapping[str, Instrument]") -> "Accounting":
        """Return the books, for what may be traded."""
        from services.accounting import Accounting

        return Accounting(
            store=self.ledger_store,
            instruments=instruments,
            manual=self.manual_entries.in_force,
        )

    def books_of(self, dataset: str) -> "Accounting":
        """Return the books of what a dataset of prices lets the desk trade."""
        from services.portfolios import MULTI_ASSET
        from services.universe import equities

        if dataset == MULTI_ASSET:
            return self.accounting(self._simulated_assets.instruments)
        version = self.market_data.version(dataset)
        if (dataset, version) not in self._traded:
            symbols = self.market_data.panel(dataset, fields=("close",)).symbols
            self._traded[dataset, version] = equities(symbols, self.market_data.sectors)
        return self.accounting(self._traded[dataset, version])

    def multi_asset_books(self, experiment: "Experiment") -> "MultiAssetBooks | None":
        """Return the multi-asset portfolio on its simulated market; None before it trades."""
        from services.multi_asset import multi_asset_books

        plan = experiment.multi_asset
        sessions = self.market_data.panel(experiment.data.dataset, fields=("close",)).sessions
        if not sessions[0].item() < plan.first_traded <= sessions[-1].item():
            return None
        return multi_asset_books(plan, sessions, seed=self.settings.seed)

    @cached_property
    def _simulated_assets(self) -> "SimulatedAssets":
        from basics.errors import MissingDataError
        from infra.experiment import load_experiment

        books = self.multi_asset_books(load_experiment())
        if books is None:
            raise MissingDataError("the simulated market has no session yet: load later bars")
        return books.market

    def _closes(self, dataset: str, start: date, end: date) -> "Panel":
        from services.portfolios import MULTI_ASSET

        if dataset != MULTI_ASSET:
            return self.market_data.panel(dataset, fields=("close",), start=start, end=end)
        return self._simulated_assets.closes.between(start, end)

    @cached_property
    def factor_series(self) -> "FactorSeries":
        """The risk factors by which profit is split, and the user's own."""
        from infra.sources.return_files import read_returns
        from services.factor_series import FactorSeries

        def read(path: "Path") -> "tuple[DateArray, FloatArray]":
            found = read_returns(path)
            return found.dates, found.returns

        return FactorSeries(
            market=self.market_data,
            review=self.review,
            universe="equities",
            own=self.settings.factors.sources,
            read_file=read,
        )

    @cached_property
    def manual_entries(self) -> "ManualEntries":
        """Marks and adjustments by hand, by four eyes."""
        from infra.database.manual import DatabaseManualStore
        from services.manual_entries import ManualEntries

        return ManualEntries(
            store=DatabaseManualStore(self.database),
            clock=self.clock,
            books=self._kept_books,
            symbols=lambda dataset: self.books_of(dataset).instruments,
        )

    def _kept_books(self, portfolio: str) -> "KeptBooks":
        return self.pnl_days.books(portfolio)  # Built later: it needs the manual entries itself.

    @cached_property
    def pnl_health(self) -> "PnlHealthCheck":
        """The P&L attribution test of the days that are kept."""
        from services.pnl_health import PnlHealthCheck

        return PnlHealthCheck(
            results=self.results, closes=self._closes, factors=self.review.factor_returns
        )

    @cached_property
    def desk_books(self) -> "DeskBooks":
        """The desk's own orders, booked in the ledger."""
        from basics.trading import Book
        from services.desk_books import DeskBooks

        own = self.settings.orders
        return DeskBooks(
            journal=self.order_journal,
            accounting=self.books_of(own.dataset),
            book=Book(own.fund, own.portfolio, own.strategy, own.account),
            capital=own.capital,
        )

    @cached_property
    def pnl_days(self) -> "PnlDays":
        """The profit of each day, kept, and of any range of days."""
        from infra.database.pnl_days import DatabasePnlDayStore
        from services.pnl_days import PnlDays
        from services.portfolio_review import BENCHMARK, universe_returns
        from services.portfolios import MULTI_ASSET, SIMULATED_INDICES

        return PnlDays(
            store=DatabasePnlDayStore(self.database),
            results=self.results,
            accounting=self.books_of,
            closes=self._closes,
            factors=self.factor_series.on,
            manual=self.manual_entries.in_force,
            benchmark=universe_returns,
            benchmark_name=lambda dataset: (
                SIMULATED_INDICES if dataset == MULTI_ASSET else BENCHMARK
            ),
        )

    @cached_property
    def features(self) -> "FeatureStore":
        """Feature sets over the lake, computed once for each state of the data."""
        from infra.feature_cache import DiskFeatureCache
        from services.feature_context import FeatureContext
        from services.feature_store import FeatureStore

        return FeatureStore(
            market=self.market_data,
            cache=DiskFeatureCache(self.settings.state_dir / "features"),
            context=FeatureContext(self.market_data),
            threads=self.settings.threads,
        )

    @cached_property
    def cache(self) -> Cache:
        """What is kept for a while, in process or in Redis; used on the desk's own loop."""
        from infra.cache import open_cache

        cache, _ = open_cache(self.settings.cache), self._loop
        # Closed before the loop that it is used on, which is why the loop stands first.
        self._resources.callback(lambda: self.run(cache.close()))
        return cache

    @cached_property
    def online_store(self) -> "OnlineStore":
        """Newest features of each symbol as bars and ticks come in, on the desk's own loop."""
        return self.online_store_on(self.cache)

    def online_store_on(self, cache: Cache) -> "OnlineStore":
        """Return the online store over a cache of another loop, such as the API's."""
        from infra.live_bars import build_online_store

        return build_online_store(
            self.settings, market_data=self.market_data, cache=cache, clock=self.clock
        )

    @cached_property
    def models(self) -> "MlflowRegistry":
        """Registered models, their runs and the aliases by which they are served."""
        from infra.registry import open_registry

        folder = self.settings.state_dir / "mlflow"
        return open_registry(self.settings.mlflow, folder, clock=self.clock)

    @cached_property
    def prediction_log(self) -> "DatabasePredictionLog":
        """What models answered in service, what came of it, and trials of two versions."""
        from infra.database.predictions import DatabasePredictionLog

        return DatabasePredictionLog(self.database)

    @cached_property
    def prediction_events(self) -> "DatabasePredictionEvents":
        """What the stream made of each message of bars."""
        from infra.database.prediction_events import DatabasePredictionEvents

        return DatabasePredictionEvents(self.database)

    def prediction_stream(
        self, model: str, feature_set: str, *, tell: Callable[[str], None]
    ) -> "PredictionStream":
        """Return a consumer of bars that answers for `model`, on the desk's own loop."""
        from features.sets import feature_set as named
        from services.prediction_stream import PredictionStream, StreamFeatures
        from services.predictions import Predictions

        return PredictionStream(
            model=model,
            source=StreamFeatures(
                features=named(feature_set), online=self.online_store, batch=self.features
            ),
            queue=self.queue,
            predictions=Predictions(self.models),
            log=self.prediction_log,
            events=self.prediction_events,
            clock=self.clock,
            tell=tell,
        )

    @cached_property
    def arm_trials(self) -> "ArmTrials":
        """Begins, ends and judges trials of two versions in service."""
        from services.arm_trials import ArmTrials

        return ArmTrials(self.models, self.prediction_log, self.clock)

    @cached_property
    def model_monitoring(self) -> "ModelMonitoring":
        """Measures the versions in service against the policy."""
        from infra.policy import load_monitoring
        from services.model_monitoring import ModelMonitoring

        policy = load_monitoring(self.settings.policy_dir)
        return ModelMonitoring(self.models, self.prediction_log, policy)

    @cached_property
    def training(self) -> "Training":
        """Trains models, holds them against their rivals and registers them."""
        from infra.provenance import code_of, environment
        from services.training import Training

        return Training(
            self.models,
            code_version=code_of,
            environment=environment(commit=self.code_commit),
            results=self.results,
        )

    @cached_property
    def kinds(self) -> "KindTraining":
        """Trains each of the seven kinds on what the lake holds, and asks the newest of each."""
        from infra.provenance import environment, training_code
        from services.kind_training import KindTraining
        from services.tail_training import TailTraining

        return KindTraining(
            market=self.market_data,
            features=self.features,
            registry=self.models,
            training=self.training,
            tail=TailTraining(
                self.models,
                code_version=training_code("models.tail_forecast"),
                environment=environment(commit=self.code_commit),
                results=self.results,
            ),
            fills=self._last_fills,
        )

    def _last_fills(self) -> "Sequence[Fill]":
        """Return the fills of the newest run that was booked; none before the first."""
        from infra.database.runs import last_run

        run_id = last_run(self.database)
        return () if run_id is None else self.order_journal.fills(run_id)

    @cached_property
    def risk(self) -> "RiskService":
        """Profiles books against the policy in force."""
        from infra.policy import load_multi_asset_stress, load_stress, policy_version
        from services.risk import RiskService

        folder = self.settings.policy_dir
        return RiskService(
            limits=self.limit_register.in_force(),
            scenarios=load_stress(folder),
            multi_asset_scenarios=load_multi_asset_stress(folder),
            results=self.results,
            policy_version=policy_version(folder),
            register=self.limit_register,
            seed=self.settings.seed,
        )

    @cached_property
    def limit_register(self) -> "LimitRegister":
        """Which limits are in force, who raised one and until when, what was breached."""
        from infra.database.limits import DatabaseLimitStore
        from infra.policy import load_limits
        from services.limit_register import LimitRegister

        return LimitRegister(
            DatabaseLimitStore(self.database), self.clock, load_limits(self.settings.policy_dir)
        )

    @cached_property
    def review(self) -> "PortfolioReview":
        """Gathers what a portfolio's profit and risk are measured against."""
        from services.portfolio_review import PortfolioReview

        return PortfolioReview(market=self.market_data)

    @cached_property
    def stored_books(self) -> "StoredBooks":
        """The risk of a stored portfolio, and of a candidate order on it."""
        from services.stored_books import StoredBooks

        return StoredBooks(
            pnl_days=self.pnl_days, market=self.market_data, review=self.review, risk=self.risk
        )

    def paper_trading(self, instruments: "Mapping[str, Instrument]") -> "PaperTrading":
        """Return the use case that trades `instruments` on paper and books it."""
        from basics.identifiers import content_hash
        from infra.control_policy import control_policy_version
        from services.paper_trading import PaperTrading

        return PaperTrading(
            simulation=self.trading_simulation(),
            journal=self.order_journal,
            accounting=self.accounting(instruments),
            rules=content_hash(
                control_policy_version(self.settings.policy_dir),
                self.settings.venue.model_dump(mode="json"),
            ),
        )

    def discard_run(self, run_id: str) -> None:
        """Take back everything that a simulated run booked."""
        from infra.database.runs import discard_run

        discard_run(self.database, run_id)

    @cached_property
    def alert_store(self) -> "DatabaseAlertStore":
        """Alerts as they were stored."""
        from infra.database.alerts import DatabaseAlertStore

        return DatabaseAlertStore(self.database)

    @cached_property
    def alerts(self) -> "AlertLog":
        """What was told, and who dealt with it."""
        from services.alerts import AlertLog

        return AlertLog(self.alert_store, self.clock)

    def send_alerts(self, alerts: "Sequence[Alert]") -> None:
        """Put alerts on the queue, where the desk's consumer stores each once."""
        from services.alerts import send_alerts

        self.run(send_alerts(self.queue, alerts))

    def take_alerts(self) -> int:
        """Store the alerts that wait in the queue; return how many were new."""
        from services.alerts import AlertConsumer

        return self.run(AlertConsumer(self.queue, self.alert_store, self.clock).drain())

    @cached_property
    def queue(self) -> MessageQueue:
        """Where messages wait; to be used on the desk's own loop (`run`)."""
        from infra.messaging import open_queue

        queue = open_queue(self.settings.queue, state_dir=self.settings.state_dir)
        assert self._loop is not None  # Made before, so that it ends after the queue is closed.
        self._resources.callback(lambda: self.run(queue.close()))
        return queue

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the desk's one event loop and return its result.

        The loop has a thread of its own, so that a notebook, which has a loop already, may call.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="desk-loop", daemon=True)
        thread.start()

        def stop() -> None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

        self._resources.callback(stop)
        return loop

    @cached_property
    def order_journal(self) -> "DatabaseOrderJournal":
        """Orders, what was said about them, and their fills."""
        from infra.database.orders import DatabaseOrderJournal

        return DatabaseOrderJournal(self.database)

    @cached_property
    def control_policy(self) -> "ControlPolicy":
        """What binds every order, as the policy files say."""
        from infra.control_policy import load_control_policy

        return load_control_policy(self.settings.policy_dir)

    def trading_simulation(self) -> "TradingSimulation":
        """Return a simulation with a venue of its own, whose market it sets."""
        from infra.venues import build_simulated_venue
        from services.trading import TradingSimulation

        return TradingSimulation(
            venue=build_simulated_venue(self.settings.venue),
            journal=self.order_journal,
            limits=self.control_policy.limits,
            risk_limits=self.limit_register.in_force(),
            restricted=self.control_policy.restricted,
        )

    @cached_property
    def control_store(self) -> "DatabaseControlStore":
        """Trading states, kill switches and overrides."""
        from infra.database.controls import DatabaseControlStore

        return DatabaseControlStore(self.database)

    @cached_property
    def order_entry(self) -> "OrderEntry":
        """Places, cancels and replaces orders on paper, at the desk date's last prices."""
        from infra.order_entry import OrderRules, build_order_entry

        return build_order_entry(
            self.settings,
            market_data=self.market_data,
            journal=self.order_journal,
            controls=self.control_store,
            rules=OrderRules(self.control_policy, self.limit_register),
            clock=self.clock,
        )

    def live_desk(self, queue: MessageQueue) -> "LiveDesk":
        """Return the live desk, not yet started; it runs on the loop that owns `queue`."""
        from infra.live_desk import build_live_desk

        return build_live_desk(self, queue)

    def execution_plan(self, terms: "ExecutionTerms") -> "ExecutionPlan":
        """Plan an order over the session after the lake's last one."""
        from infra.order_entry import next_session_plan

        return next_session_plan(terms, self.settings, market_data=self.market_data)

    @cached_property
    def trading_controls(self) -> "TradingControls":
        """Stops and resumes trading, and grants overrides."""
        from services.trading_controls import TradingControls

        return TradingControls(store=self.control_store, clock=self.clock)

    @cached_property
    def code_commit(self) -> str:
        """The git commit of the running code, `unknown` outside a checkout."""
        from infra.lineage import code_commit

        return code_commit()


@contextmanager
def open_desk(settings: Settings | None = None, *, clock: Clock | None = None) -> Iterator[Desk]:
    """Wire the services for `settings`; close what was opened on exit.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment and the file when left out.
    clock : Clock, optional
        The machine's clock when left out.
    """
    settings = settings or load_settings()
    if settings.state_dir != default_state_dir():
        isolate(settings.state_dir)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as resources:
        yield Desk(settings, clock or SystemClock(), resources)
