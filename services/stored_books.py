"""The risk of a stored portfolio, for whoever asks between two nights."""

from dataclasses import dataclass, replace

from basics.errors import RefusedError
from services.market_data import MarketData
from services.pnl_days import PnlDays
from services.portfolio_review import PortfolioReview
from services.portfolios import ON_SIMULATED_MARKETS
from services.risk import RiskService
from services.risk_inputs import RiskInputs
from services.risk_what_if import CandidateOrder, WhatIfReport, what_if


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBooks:
    """Gathers what a portfolio's risk is computed from, out of the books that are kept."""

    pnl_days: PnlDays
    market: MarketData
    review: PortfolioReview
    risk: RiskService

    def inputs(self, portfolio: str | None = None) -> RiskInputs:
        """Return the inputs at the last session of the portfolio's kept books.

        Parameters
        ----------
        portfolio : str, optional
            May be left out where one trades on an observed market.

        Raises
        ------
        MissingDataError
            If no books are kept.
        RefusedError
            If the portfolio is of instruments whose risk is not linear.
        """
        if portfolio in ON_SIMULATED_MARKETS:
            raise RefusedError(
                f"{portfolio!r} holds bonds and options on a simulated market: this answers for "
                "books of equities"
            )
        kept = self.pnl_days.books(portfolio)
        last = kept.books.daily.sessions[-1].item()
        return self.review.risk_inputs(
            scope=kept.portfolio,
            daily=kept.books.daily,
            prices=self.market.panel(kept.dataset, fields=("close", "volume"), end=last),
            previous=self.risk.previous(kept.portfolio, before=last),
        )

    def what_if(self, order: CandidateOrder, portfolio: str | None = None) -> WhatIfReport:
        """Return what the order would do, by the limits that are in force now."""
        register = self.risk.register
        limits = self.risk.limits if register is None else register.in_force()
        return what_if(self.inputs(portfolio), order, risk=replace(self.risk, limits=limits))
