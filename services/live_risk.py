"""Live risk of one portfolio: its positions, and its positions plus working orders.

The night estimated the market (covariances, scenarios, sensitivities); a mark or a fill changes
one row of the book kept measured (`risk.live`). Limits are held against the worse of two books:
what is held, and what would be held if in every symbol the working orders that enlarge the
position were filled. Observations and evaluator are those of the nightly profile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from risk.book import Holding, align_book
from risk.exposure import Exposure, exposure_of
from risk.limits import Limit, LimitCheck, Observation, evaluate, worst_state
from risk.live import CONFIDENCES, LiveBook
from risk.profile import BookMeasures, LeftOut, PositionRisk, TailEstimate
from risk.score import UNCALIBRATED, Calibration
from risk.shocks import MarketState
from risk.stress import StressResult, StressScenario, days_to_liquidate
from services.risk_inputs import RiskInputs
from services.risk_judgement import drawdown_limit, observations
from services.risk_measures import HEADLINE_METHOD, is_measurable, measure_book


@dataclass(frozen=True, slots=True, kw_only=True)
class NightMarket:
    """What the night believed of the market, for every symbol that may be held.

    Attributes
    ----------
    returns : ndarray of shape (n_symbols, n_sessions)
    left_out : tuple of LeftOut
        Symbols without history enough.
    """

    as_of: date
    state: MarketState
    returns: FloatArray
    scenarios: Sequence[StressScenario]
    sectors: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    calibration: Calibration = UNCALIBRATED


def night_market_of(
    inputs: RiskInputs,
    scenarios: Sequence[StressScenario],
    *,
    lookback: int,
) -> NightMarket:
    """Estimate the market for every symbol of `inputs.prices`, held or not.

    Raises
    ------
    MissingDataError
        If no symbol has history enough.
    """
    every = {symbol: Holding(1.0, 0.0) for symbol in inputs.prices.symbols}
    book = align_book(every, inputs.prices, lookback=lookback)
    if not is_measurable(book):
        raise MissingDataError("no symbol has history enough for live risk: load more sessions")
    measured = measure_book(inputs, book, float(inputs.equity.values[-1]))
    return NightMarket(
        as_of=inputs.as_of,
        state=measured.state,
        returns=book.returns,
        scenarios=scenarios,
        sectors=inputs.sectors,
        left_out=book.left_out,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRiskReading:
    """The risk of a portfolio at one moment; losses are positive, in the base currency.

    Attributes
    ----------
    value_at_risk, expected_shortfall : mapping of confidence to loss
        Historical, one day, of the positions: the estimate behind the limits.
    value_at_risk_with_orders : float
        At 99%, with the working orders that enlarge positions filled.
    component_var : mapping of str to float
        Euler components of normal 99% VaR by symbol.
    working : mapping of str to (to_buy, to_sell)
        Quantities that orders may still buy and sell.
    limits : tuple of LimitCheck
        Of positions plus working orders, worst first.
    left_out : tuple of str
        Held symbols that value at risk and stresses do not cover.
    """

    market_of: date
    equity: float
    drawdown: float
    score: float
    limit_state: str
    exposure: Exposure
    value_at_risk: dict[str, float]
    expected_shortfall: dict[str, float]
    value_at_risk_with_orders: float
    component_var: dict[str, float]
    stresses: dict[str, float]
    working: dict[str, tuple[float, float]]
    limits: tuple[LimitCheck, ...]
    left_out: tuple[str, ...]


class LiveRisk:
    """Keeps one portfolio measured, with and without its working orders."""

    def __init__(self, portfolio: str, market: NightMarket) -> None:
        self.portfolio = portfolio
        self.market = market
        flat = np.zeros(len(market.state.symbols))
        books = [
            LiveBook(market.state, market.returns, flat, scenarios=market.scenarios)
            for _ in range(2)
        ]
        self._held, self._worst = books
        self._scenarios = [s for s in market.scenarios if s.name in self._held.stress_losses()]
        self._values: dict[str, float] = {}
        self._reach: dict[str, float] = {}
        self._working: dict[str, tuple[float, float]] = {}

    def update(
        self,
        values: Mapping[str, float],
        working: Mapping[str, tuple[float, float]],
        worth: Mapping[str, float],
    ) -> int:
        """Move to new market values and working orders; return how many symbols moved.

        Parameters
        ----------
        values : mapping of str to float
            Signed market value of what is held.
        working : mapping of str to (to_buy, to_sell)
            Quantities, both positive.
        worth : mapping of str to float
            Market value of one unit of each symbol with working orders.
        """
        self._working = dict(working)
        moved = 0
        for symbol in {*self._values, *values, *working}:
            value = values.get(symbol, 0.0)
            to_buy, to_sell = working.get(symbol, (0.0, 0.0))
            unit = worth.get(symbol, 0.0)
            reach = max((value, value + to_buy * unit, value - to_sell * unit), key=abs)
            changed = _move(self._held, self._values, symbol, value)
            moved += _move(self._worst, self._reach, symbol, reach) or changed
        return moved

    def read(
        self, *, equity: float, drawdown: float, limits: Sequence[Limit], as_of: date
    ) -> LiveRiskReading:
        """Return the risk as it stands, held against `limits`.

        Raises
        ------
        InvalidInputError
            If equity is not positive.
        """
        held, reach = (
            self._observe(self._held, self._values, equity, drawdown),
            self._observe(self._worst, self._reach, equity, drawdown),
        )
        checks = evaluate(limits, _worse(held.observed, reach.observed), as_of=as_of)
        return LiveRiskReading(
            market_of=self.market.as_of,
            equity=equity,
            drawdown=drawdown,
            score=self._held.score(
                equity=equity,
                drawdown=drawdown,
                drawdown_limit=drawdown_limit(self.portfolio, as_of, limits),
                utilisations=np.array([check.utilisation for check in checks]),
                calibration=self.market.calibration,
            ),
            limit_state=worst_state(checks).value,
            exposure=held.exposure,
            value_at_risk={str(c): v for c, v in zip(CONFIDENCES, held.tails[0], strict=True)},
            expected_shortfall={str(c): v for c, v in zip(CONFIDENCES, held.tails[1], strict=True)},
            value_at_risk_with_orders=reach.tails[0][CONFIDENCES.index(0.99)],
            component_var=self._components(),
            stresses=held.stresses,
            working=self._working,
            limits=checks,
            left_out=tuple(
                s for s, v in sorted(self._values.items()) if v and not self._held.covers(s)
            ),
        )

    def _components(self) -> dict[str, float]:
        parts = self._held.normal_components()
        return {
            symbol: float(part)
            for symbol, part in zip(self.market.state.symbols, parts, strict=True)
            if self._values.get(symbol)
        }

    def _observe(
        self, book: LiveBook, values: Mapping[str, float], equity: float, drawdown: float
    ) -> "_Observed":
        symbols = sorted(symbol for symbol, value in values.items() if value)
        amounts = np.array([values[symbol] for symbol in symbols])
        exposure = exposure_of(symbols, amounts, equity=equity, sectors=self.market.sectors)
        # Plus zero: an empty book loses nothing, not minus nothing.
        value, shortfall = ((tail + 0.0).tolist() for tail in book.headline())
        stresses = book.stress_losses()
        observed = observations(
            self.portfolio,
            exposure,
            _single_numbers(book, self.market.state, equity, drawdown),
            _tails(value, shortfall, equity),
            [_stress(scenario, stresses[scenario.name], equity) for scenario in self._scenarios],
            [_position(s, v, equity) for s, v in zip(symbols, amounts.tolist(), strict=True)],
        )
        return _Observed(exposure, (value, shortfall), stresses, observed)


@dataclass(frozen=True, slots=True)
class _Observed:
    exposure: Exposure
    tails: tuple[list[float], list[float]]
    stresses: dict[str, float]
    observed: list[Observation]


def _move(book: LiveBook, known: dict[str, float], symbol: str, value: float) -> bool:
    """Note the value and tell the book; one without scenarios counts in exposures alone."""
    if known.get(symbol, 0.0) == value:
        return False
    known[symbol] = value
    if book.covers(symbol):
        book.set_exposure(symbol, value)
    return True


def _worse(held: Sequence[Observation], reach: Sequence[Observation]) -> list[Observation]:
    """Return each observation at the larger of its two sizes."""
    found = {(o.metric, o.scope, o.name): o for o in held}
    for other in reach:
        key = (other.metric, other.scope, other.name)
        if key not in found or abs(other.value) > abs(found[key].value):
            found[key] = other
    return list(found.values())


def _single_numbers(
    book: LiveBook, state: MarketState, equity: float, drawdown: float
) -> BookMeasures:
    exposures = book.exposures
    days = days_to_liquidate(exposures, state.daily_notional)
    return BookMeasures(
        **dict.fromkeys(_NIGHTLY),
        beta=float(exposures @ state.market_betas) / equity,
        longest_days_to_liquidate=float(np.nanmax(days)) if np.isfinite(days).any() else None,
        drawdown=drawdown,
        max_drawdown=drawdown,
        liquidation_cost=0.0,
        spread_cost=0.0,
    )


_NIGHTLY = (
    "shrunk_beta",
    "downside_beta",
    "volatility",
    "average_correlation",
    "absorption_ratio",
    "correlation_break_p",
    "effective_bets",
    "liquidity_adjusted_var",
    "breach_probability",
)


def _tails(
    value: Sequence[float], shortfall: Sequence[float], equity: float
) -> tuple[TailEstimate, ...]:
    return tuple(
        TailEstimate(
            method=HEADLINE_METHOD,
            confidence=confidence,
            horizon_days=1,
            value_at_risk=v,
            expected_shortfall=s,
            var_fraction=v / equity,
            es_fraction=s / equity,
            quantile_rule="acerbi_tasche",
        )
        for confidence, v, s in zip(CONFIDENCES, value, shortfall, strict=True)
    )


def _stress(scenario: StressScenario, loss: float, equity: float) -> StressResult:
    return StressResult(
        name=scenario.name,
        title=scenario.title,
        description=scenario.description,
        basis=scenario.basis,
        loss=loss,
        loss_fraction=loss / equity,
        contributions={},
        limited=scenario.is_limited,
    )


def _position(symbol: str, value: float, equity: float) -> PositionRisk:
    return PositionRisk(
        symbol=symbol, sector="", quantity=0.0, market_value=value, weight=value / equity,
        component_var=None, component_es=None, marginal_var=None, incremental_var=None,
        beta=None, days_to_liquidate=None,
    )  # fmt: skip
