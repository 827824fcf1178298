"""Market data, features and what a portfolio is measured against."""

from functools import cached_property
from typing import TYPE_CHECKING

from infra.desk.foundation import Foundation
from services.ports import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from basics.arrays import DateArray, FloatArray
    from services.factor_series import FactorSeries
    from services.feature_store import FeatureStore
    from services.market_data import MarketData
    from services.online_store import OnlineStore
    from services.portfolio_review import PortfolioReview


class MarketDesk(Foundation):
    """Market data and features."""

    @cached_property
    def market_data(self) -> "MarketData":
        """Market data: in through the gate, out as it was known."""
        from infra.market_data import build_market_data

        return build_market_data(self.settings, self.clock)

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
    def review(self) -> "PortfolioReview":
        """Gathers what a portfolio's profit and risk are measured against."""
        from services.portfolio_review import PortfolioReview

        return PortfolioReview(market=self.market_data)

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
