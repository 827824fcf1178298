"""The risk profile of one book: a frozen document of plain values, ready to store and show.

`services.risk` fills it. Every number carries what it rests on: the method, the quantile rule,
the horizon, the backtest of the very estimator, and the positions that were left out.
"""

from dataclasses import dataclass
from datetime import date

from risk.backtests import Backtest
from risk.book_shape import CovarianceView, TailShape
from risk.exposure import Exposure
from risk.groups import GroupRisk
from risk.instruments import InstrumentRisk
from risk.limits import LimitCheck
from risk.movement import TailMovement
from risk.score import Calibration, Level
from risk.stress import StressResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TailEstimate:
    """VaR and ES by one method at one confidence.

    Attributes
    ----------
    value_at_risk, expected_shortfall : float
        Positive losses in the base currency over `horizon_days`.
    var_fraction, es_fraction : float
        The same over equity.
    quantile_rule : str
        How a quantile between two scenarios was read; `closed_form` for a fitted law.
    best : bool
        The lowest Fissler-Ziegel loss of all methods at this confidence on the book's history.
    sampling_error : float or None
        Standard error of the value at risk where it was simulated, in currency; an upper bound
        for antithetic and quasi-random draws.
    """

    method: str
    confidence: float
    horizon_days: int
    value_at_risk: float
    expected_shortfall: float
    var_fraction: float
    es_fraction: float
    quantile_rule: str
    best: bool = False
    in_confidence_set: bool = False
    sampling_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRisk:
    """One holding and its share of the book's risk.

    Attributes
    ----------
    component_var, component_es : float or None
        Euler contributions at 99%: normal VaR, historical ES; each column sums to the total.
    incremental_var : float or None
        How much historical 99% VaR would fall without the position.
    days_to_liquidate : float or None
        At the participation cap; None where the traded volume is unknown.
    """

    symbol: str
    sector: str
    quantity: float
    market_value: float
    weight: float
    component_var: float | None
    component_es: float | None
    marginal_var: float | None
    incremental_var: float | None
    beta: float | None
    days_to_liquidate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastChart:
    """Daily realised P&L beside the VaR forecast made the day before.

    Attributes
    ----------
    realised : tuple of float
        A gain when positive.
    value_at_risk : tuple of float
        A loss when positive.
    """

    method: str
    confidence: float
    sessions: tuple[date, ...]
    realised: tuple[float, ...]
    value_at_risk: tuple[float, ...]
    kupiec_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A position that some numbers do not cover, and why."""

    symbol: str
    market_value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMeasures:
    """Single numbers about the book; None where there was nothing to measure.

    Attributes
    ----------
    beta, shrunk_beta, downside_beta : float or None
        On the benchmark; of the book's value, so cash lowers it.
    drawdown, max_drawdown : float
        Of the equity curve, fractions, positive.
    volatility : float or None
        Yearly, of the P&L of today's book over the lookback / equity (252 sessions, ddof 1).
    liquidity_adjusted_var : float or None
        99% historical VaR plus the cost of liquidating at the participation cap.
    spread_cost : float
        The part of `liquidation_cost` that is half the spread.
    sharpe, sortino, calmar : float or None
        Of the book's own equity, yearly, over a risk-free rate of zero; None for a short life.
    drawdown_at_risk, conditional_drawdown_at_risk : float or None
        Of the book's own equity at 95%: what 19 in 20 sessions stayed within, and the mean of
        the rest.
    """

    beta: float | None
    shrunk_beta: float | None
    downside_beta: float | None
    drawdown: float
    max_drawdown: float
    volatility: float | None
    average_correlation: float | None
    absorption_ratio: float | None
    correlation_break_p: float | None
    effective_bets: float | None
    liquidation_cost: float
    liquidity_adjusted_var: float | None
    longest_days_to_liquidate: float | None
    breach_probability: float | None
    spread_cost: float = 0.0
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    drawdown_at_risk: float | None = None
    conditional_drawdown_at_risk: float | None = None


@dataclass(frozen=True, slots=True)
class AdvisedTrade:
    """A trade of a remedy: quantity signed, value and expected cost in money."""

    symbol: str
    quantity: float
    value: float
    expected_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The cheapest trades that restore the limits, and what they would leave.

    Attributes
    ----------
    after : tuple of LimitCheck
        The limits as they would stand.
    not_solved : tuple of str
        Breached limits that no trade addresses.
    """

    trades: tuple[AdvisedTrade, ...]
    expected_cost: float
    after: tuple[LimitCheck, ...]
    not_solved: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskProfile:
    """Everything that is known of the risk of one book on one date.

    Attributes
    ----------
    score, chance_score : float
        0 to 100, and what the chance of a drawdown breach scores alone, see `risk.verdict`.
    level_reason : str
        One sentence: what made the score, and why the level is what it is.
    backtest_basis : str
        Whether the book's own history or today's book held constant was tested.
    components_by_sector : mapping
        Sum of `component_var` by sector.
    decomposition : tuple of GroupRisk
        The risk by strategy, sector and factor; each split sums to the book's.
    movement : TailMovement or None
        Why the 99% VaR behind the limits moved since the session before; None on the first day.
    instruments : InstrumentRisk or None
        Greeks, rates and currencies; None for a book of linear positions in one currency.
    tail_shape, covariances
        How heavy the tail is; the normal VaR under each estimate of the covariance.
    left_out : tuple of LeftOut
        What the numbers do not cover.
    notes : tuple of str
        Conventions and data caveats that belong beside the numbers.
    """

    scope: str
    as_of: date
    currency: str
    equity: float
    score: float
    level: Level
    limit_state: str
    exposure: Exposure
    measures: BookMeasures
    tails: tuple[TailEstimate, ...]
    backtests: tuple[Backtest, ...]
    backtest_basis: str
    forecast: ForecastChart | None
    positions: tuple[PositionRisk, ...]
    components_by_sector: dict[str, float]
    stresses: tuple[StressResult, ...]
    limits: tuple[LimitCheck, ...]
    calibration: Calibration
    recommendations: tuple[str, ...]
    advice: Advice | None = None
    decomposition: tuple[GroupRisk, ...] = ()
    movement: TailMovement | None = None
    tail_shape: TailShape | None = None
    covariances: tuple[CovarianceView, ...] = ()
    instruments: InstrumentRisk | None = None
    chance_score: float | None = None
    level_reason: str = ""
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
