"""The books and the profit that they show."""

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from infra.desk.trading import TradingDesk
from services.ports import KeptBooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basics.arrays import DateArray
    from basics.instruments import Instrument
    from infra.database.ledger import DatabaseLedgerStore
    from market.panel import Panel
    from market.simulated.multi_asset import SimulatedAssets
    from services.accounting import Accounting
    from services.desk_books import DeskBooks
    from services.experiment import Experiment
    from services.manual_entries import ManualEntries
    from services.multi_asset import MultiAssetBooks
    from services.paper_trading import PaperTrading
    from services.pnl_days import PnlDays
    from services.pnl_health import PnlHealthCheck
    from services.pnl_keeping import PnlKeeping
    from services.ports import SimulatedMarkets
    from services.trial_counts import TrialCounts


class BooksDesk(TradingDesk):
    """The ledger, the books of each portfolio, their profit by day."""

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
        from infra.reference import ReferenceTables
        from services.portfolios import MULTI_ASSET
        from services.universe import equities

        if dataset == MULTI_ASSET:
            return self.accounting(self._simulated_assets.instruments)
        version = self.market_data.version(dataset)
        if (dataset, version) not in self._traded:
            symbols = self.market_data.panel(dataset, fields=("close",)).symbols
            quoted = ReferenceTables.of(self.settings).currencies()
            self._traded[dataset, version] = equities(symbols, self.market_data.sectors, quoted)
        return self.accounting(self._traded[dataset, version])

    def multi_asset_books(self, experiment: "Experiment") -> "MultiAssetBooks | None":
        """Return the multi-asset portfolio on its simulated market; None before it trades."""
        from services.multi_asset import multi_asset_books

        sessions = self._multi_asset_sessions(experiment)
        if sessions is None:
            return None
        kept, seed = self._simulated_markets, self.settings.seed
        return multi_asset_books(experiment.multi_asset, sessions, seed=seed, kept=kept)

    def _multi_asset_sessions(self, experiment: "Experiment") -> "DateArray | None":
        """Return the sessions of the simulated market; None before its portfolio trades."""
        sessions = self.market_data.panel(experiment.data.dataset, fields=("close",)).sessions
        first = experiment.multi_asset.first_traded
        return sessions if sessions[0].item() < first <= sessions[-1].item() else None

    @cached_property
    def _simulated_markets(self) -> "SimulatedMarkets":
        from infra.simulated_markets import DiskSimulatedMarkets

        return DiskSimulatedMarkets(self.settings.state_dir / "simulated-markets")

    @cached_property
    def _traded(self) -> "dict[tuple[str, str], Mapping[str, Instrument]]":
        """What each version of a dataset lets the desk trade: asked for with every split."""
        return {}

    @cached_property
    def _simulated_assets(self) -> "SimulatedAssets":
        from basics.errors import MissingDataError
        from infra.experiment import load_experiment
        from services.multi_asset import multi_asset_market

        experiment = load_experiment(self.settings.params_file)
        sessions = self._multi_asset_sessions(experiment)
        if sessions is None:
            raise MissingDataError("the simulated market has no session yet: load later bars")
        kept, seed = self._simulated_markets, self.settings.seed
        return multi_asset_market(experiment.multi_asset, sessions, seed=seed, kept=kept)

    def _closes(self, dataset: str, start: date, end: date) -> "Panel":
        from services.portfolios import MULTI_ASSET

        if dataset != MULTI_ASSET:
            return self.market_data.panel(dataset, fields=("close",), start=start, end=end)
        return self._simulated_assets.closes.between(start, end)

    def _rates(self, dataset: str, start: date, end: date) -> "Panel | None":
        from services.portfolios import MULTI_ASSET

        if dataset != MULTI_ASSET:
            from services.exchange_rates import rates_on

            return rates_on(self.market_data, self._closes(dataset, start, end).sessions)
        return self._simulated_assets.rates.between(start, end)

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
            results=self.results,
            clock=self.clock,
            closes=self._closes,
            factors=self.review.factor_returns,
            tell=self.tell,
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
        """The profit of any range of the days that are kept."""
        from infra.database.pnl_days import DatabasePnlDayStore
        from services.pnl_days import PnlDays
        from services.portfolio_review import BENCHMARK, universe_returns
        from services.portfolios import MULTI_ASSET, SIMULATED_INDICES

        return PnlDays(
            store=DatabasePnlDayStore(self.database),
            results=self.results,
            accounting=self.books_of,
            closes=self._closes,
            rates=self._rates,
            factors=self.factor_series.on,
            manual=self.manual_entries.in_force,
            benchmark=universe_returns,
            benchmark_name=lambda dataset: (
                SIMULATED_INDICES if dataset == MULTI_ASSET else BENCHMARK
            ),
            trials=self.trial_counts.behind,
            seed=self.settings.seed,
        )

    @cached_property
    def pnl_keeping(self) -> "PnlKeeping":
        """The end of the day: portfolios valued, their days kept."""
        from services.pnl_keeping import PnlKeeping

        return PnlKeeping(self.pnl_days)

    @cached_property
    def trial_counts(self) -> "TrialCounts":
        """What was tried to find the models that portfolios follow."""
        from infra.experiment import load_experiment
        from services.trial_counts import TrialCounts

        price = load_experiment(self.settings.params_file).price
        return TrialCounts(
            registry=self.models,
            accounting=self.books_of,
            horizons={price.name: price.horizon},
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
