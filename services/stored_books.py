"""The risk of a stored portfolio, for whoever asks between two nights."""

from dataclasses import dataclass, replace

from basics.arrays import FloatArray
from basics.errors import RefusedError
from pnl.ledger import Ledger
from services.accounting import Accounting
from services.books_abroad import cash_by_currency, enough_rates, in_base_currency, with_cash
from services.exchange_rates import rates_on
from services.market_data import MarketData
from services.pnl_days import PnlDays
from services.portfolio_review import PortfolioReview
from services.portfolios import ON_SIMULATED_MARKETS
from services.ports import KeptBooks
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
            If no books are kept, or a currency of the book has too few rates.
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
        prices = self.market.panel(kept.dataset, fields=("close", "volume"), end=last)
        accounting = self.pnl_days.accounting(kept.dataset)
        base = kept.books.daily.currency
        quoted = {s: i.currency for s, i in accounting.instruments.items() if i.currency != base}
        rates = rates_on(self.market, prices.sessions)
        inputs = self.review.risk_inputs(
            scope=kept.portfolio,
            daily=kept.books.daily,
            prices=in_base_currency(prices, quoted, rates),
            previous=self.risk.previous(kept.portfolio, before=last),
        )
        cash = self._cash_abroad(kept, accounting, base)
        held = {*cash, *(quoted[symbol] for symbol in inputs.holdings if symbol in quoted)}
        enough_rates(rates, sorted(held), prices.sessions[-self.risk.lookback - 1 :])
        return with_cash(inputs, cash, rates)

    @staticmethod
    def _cash_abroad(kept: KeptBooks, accounting: Accounting, base: str) -> dict[str, FloatArray]:
        """Return what is held in each other currency at the books' closes, units of it."""
        cash = cash_by_currency(
            Ledger(accounting.instruments, method=accounting.method),
            accounting.events(kept.run_id, portfolio=kept.portfolio),
            kept.books.daily.sessions.tolist(),
        )
        return {name: units for name, units in cash.items() if name != base and units.any()}

    def what_if(self, order: CandidateOrder, portfolio: str | None = None) -> WhatIfReport:
        """Return what the order would do, by the limits that are in force now."""
        register = self.risk.register
        limits = self.risk.limits if register is None else register.in_force()
        return what_if(self.inputs(portfolio), order, risk=replace(self.risk, limits=limits))
