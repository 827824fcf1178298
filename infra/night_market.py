"""What the night believes of the market of the orders' dataset, read from the lake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from basics.arrays import DateArray
from basics.errors import MissingDataError
from infra.policy import load_stress
from infra.settings import Settings
from market.panel import Panel
from risk.joint import draws_from
from services.market_data import MarketData
from services.night_market import NightMarket, night_market_of
from services.portfolio_review import PortfolioReview
from services.risk import LOOKBACK
from services.risk_inputs import History, RiskInputs


@dataclass(slots=True)
class LakeNightMarket:
    """The market's estimates for every symbol that may be held, made again when the data changes.

    Orders, live risk and the nightly profile rest on the same estimates, so that they agree.
    """

    settings: Settings
    market_data: MarketData
    review: PortfolioReview
    _version: str = ""
    _known: NightMarket | None = field(default=None)

    def __call__(self) -> NightMarket:
        """Return the estimates of now.

        Raises
        ------
        MissingDataError
            If the lake has no bars of the dataset, or too few.
        """
        version = self.market_data.version(self.settings.orders.dataset)
        if self._known is None or version != self._version:
            self._known = self._estimate()
            self._version = version
        return self._known

    def _estimate(self) -> NightMarket:
        dataset = self.settings.orders.dataset
        known = {state.dataset.name: state.last_session for state in self.market_data.catalog()}
        last = known.get(dataset)
        if last is None:
            raise MissingDataError(
                f"the lake has no session of {dataset}: run `quantdesk demo` or import data"
            )
        # All of history: rates are estimated on it, and past windows replayed from it.
        panel = self.market_data.panel(dataset, fields=("close", "volume"), end=last)
        return night_market_of(
            RiskInputs(
                scope="every symbol",
                as_of=panel.sessions[-1].item(),
                holdings={},
                prices=panel,
                equity=History(panel.sessions[-1:], np.ones(1)),
                sectors=self.market_data.sectors,
                yields=self._yields(last),
                daily_notional=_traded(panel),
                factors=self._factors(panel.sessions[-LOOKBACK:]),
            ),
            load_stress(self.settings.policy_dir),
            lookback=LOOKBACK,
            draws=draws_from(np.random.default_rng(self.settings.seed)),
        )

    def _yields(self, as_of: date) -> Mapping[str, History]:
        try:
            return self.review.yields(as_of)
        except MissingDataError:
            return {}  # Without them the rate shock moves nothing, as in the profile.

    def _factors(self, sessions: DateArray) -> Mapping[str, History]:
        try:
            found = self.review.factor_returns(sessions)
        except MissingDataError:
            return {}  # Without them risk is not split by factor.
        known = {name: np.isfinite(values) for name, values in found.items()}
        return {n: History(sessions[known[n]], values[known[n]]) for n, values in found.items()}


def _traded(panel: Panel) -> dict[str, float]:
    """Return the money traded a day over the last month, where known."""
    recent = panel["close"][:, -21:] * panel["volume"][:, -21:]
    known = np.isfinite(recent)
    mean = np.where(known, recent, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return {s: float(m) for s, m in zip(panel.symbols, mean, strict=True) if m > 0}
