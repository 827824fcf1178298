"""Trade the last sessions out of sample on paper: forecasts in, booked fills out.

Two strategies share the portfolio. `model` follows the reigning champion; while that is the
naive baseline, which has no opinion, it follows the challenger, so that evidence about it
gathers, and every order says so in its arm. `momentum` follows the plain twelve-month momentum
that the model is held against.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.identifiers import short_id
from basics.trading import Book, Lineage, rule_lineage
from market.panel import Panel
from pnl.events import CashKind, CashMovement, LedgerEvent
from services.accounting import Accounting
from services.experiment import TradingParameters
from services.ports import OrderJournal
from services.strategy_book import StrategyPlan
from services.trading import TradingRequest, TradingResult, TradingSimulation

MODEL, MOMENTUM = "model", "momentum"
STRATEGIES = (MODEL, MOMENTUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """What the strategies follow.

    Attributes
    ----------
    model, momentum : ndarray of shape (n_symbols, n_sessions)
        Scores on the panel's grid; NaN where there is none.
    model_version : str
        The version that made `model`.
    momentum_rule : str
        The feature that `momentum` is.
    arm : str
        `champion`, or `challenger` while the champion is the naive baseline.
    """

    model: FloatArray
    momentum: FloatArray
    model_version: str
    arm: str
    momentum_rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrading:
    """Simulates a portfolio and books it.

    Attributes
    ----------
    rules : str
        Version of the control policy and the venue's charges: other rules are another run.
    """

    simulation: TradingSimulation
    journal: OrderJournal
    accounting: Accounting
    rules: str

    async def trade(
        self,
        parameters: TradingParameters,
        panel: Panel,
        forecasts: Forecasts,
        *,
        on_session: Callable[[date], None] | None = None,
    ) -> TradingResult:
        """Trade the last `parameters.sessions` of `panel`; what is booked already stands.

        Raises
        ------
        MissingDataError
            If the panel is shorter than the span to trade.
        """
        first = first_traded_session(parameters, panel)
        request = TradingRequest(
            run_id=self.run_id(parameters, panel, forecasts),
            panel=panel,
            strategies=_plans(parameters, forecasts),
            start=first,
            end=panel.sessions[-1].item(),
            instruments=self.accounting.instruments,
        )
        result = await self.simulation.run(request, on_session=on_session)
        self._book(parameters, request)
        return result

    def run_id(self, parameters: TradingParameters, panel: Panel, forecasts: Forecasts) -> str:
        """Return the name of the run that these inputs make: equal inputs, equal run."""
        return short_id(
            parameters,
            panel.symbols,
            panel["close"],
            panel["volume"],
            forecasts.model,
            forecasts.momentum,
            forecasts.arm,
            _followed_rule(parameters, forecasts),
            self.rules,
            prefix="run",
        )

    def _book(self, parameters: TradingParameters, request: TradingRequest) -> None:
        """Book the capital and every fill of the run in one transaction; once."""
        capital = [
            CashMovement(
                event_id=f"capital|{plan.book.account}|{plan.book.strategy}|{request.start}|USD",
                book=plan.book,
                day=request.start,
                kind=CashKind.CAPITAL,
                amount=parameters.capital_money,
                currency="USD",
            )
            for plan in request.strategies
        ]
        events: list[LedgerEvent] = [*capital, *self.journal.fills(request.run_id)]
        self.accounting.book_events(request.run_id, events)


def first_traded_session(parameters: TradingParameters, panel: Panel) -> date:
    """Return the first session of the span that is traded.

    Raises
    ------
    MissingDataError
        If the panel has no session before it to decide on.
    """
    if len(panel.sessions) <= parameters.sessions:
        raise MissingDataError(
            f"{len(panel.sessions)} sessions cannot hold {parameters.sessions} to trade and one "
            "before: load more history or lower trading.sessions"
        )
    first: date = panel.sessions[-parameters.sessions].item()
    return first


def _followed_rule(parameters: TradingParameters, forecasts: Forecasts) -> Lineage:
    """Return what the orders of momentum say that they followed."""
    terms = (
        parameters.hold_sessions, parameters.volatility_target, parameters.cap, parameters.band,
    )  # fmt: skip
    return rule_lineage(MOMENTUM, forecasts.momentum_rule, *terms)


def _plans(parameters: TradingParameters, forecasts: Forecasts) -> list[StrategyPlan]:
    scores: Mapping[str, tuple[FloatArray, Lineage]] = {
        MODEL: (
            forecasts.model,
            Lineage(model_version=forecasts.model_version, arm=forecasts.arm),
        ),
        MOMENTUM: (forecasts.momentum, _followed_rule(parameters, forecasts)),
    }
    return [
        StrategyPlan(
            book=Book(
                fund=parameters.fund,
                portfolio=parameters.portfolio,
                strategy=name,
                account=parameters.account,
            ),
            capital=parameters.capital_money,
            scores=values,
            hold_sessions=parameters.hold_sessions,
            volatility_target=parameters.volatility_target,
            cap=parameters.cap,
            band=parameters.band,
            lineage=lineage,
        )
        for name, (values, lineage) in scores.items()
    ]
