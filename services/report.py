"""The day's report as one typed document: what was measured, before anything is drawn.

Each section holds plain values (numbers, text, dates, tuples), so that the document has one
canonical form in JSON and the same seed gives the same bytes. Pages are drawn from it in
`infra.report`; `services.report_assembly` fills it from the results of the day.

Signs are the house's: pnl > 0 is a gain; value at risk, expected shortfall, drawdown and
stress losses are positive losses. Rates are fractions. `None` means not measured, never zero.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Tone(StrEnum):
    """What a reader should feel about a figure."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    PLAIN = "plain"


class Unit(StrEnum):
    """What a measure is counted in; a rate is a fraction."""

    RATE = "rate"
    RATIO = "ratio"
    MONEY = "money"
    COUNT = "count"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence that the figures support, worth reading first."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A value for each session; both tuples have one length, sessions ascend."""

    sessions: tuple[date, ...] = ()
    values: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """One dataset of the lake, what in it is simulated, and how validation went.

    Attributes
    ----------
    rows, symbols : int
        Rows in the lake, and how many symbols they belong to.
    rejected_rows : int
        Rows that the gate refused at the last import.
    rules_passed, rules_failed : int
        Data-quality rules that held, and that did not.
    simulated_fields : tuple of str
        Columns that are simulated, not observed.
    """

    name: str
    description: str
    first_session: date
    last_session: date
    symbols: int
    rows: int
    rejected_rows: int
    rules_passed: int
    rules_failed: int
    observed_fields: tuple[str, ...]
    simulated_fields: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSection:
    """The data of the day."""

    datasets: tuple[DatasetRow, ...]
    universe_note: str
    benchmark_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YearScore:
    """The rank correlation of prediction and outcome, averaged over one calendar year.

    Attributes
    ----------
    information_coefficient : float
        Mean over the year's sessions of the cross-sectional rank correlation.
    standard_error : float or None
        Of that mean.
    """

    year: int
    information_coefficient: float | None
    standard_error: float | None
    baseline: float | None
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """A candidate held against a rival on the same rows out of sample.

    Attributes
    ----------
    difference : float or None
        Mean of candidate minus rival in `metric`.
    p_value : float or None
        Probability of so large a difference if the two were equally good.
    """

    rival: str
    metric: str
    candidate: float | None
    rival_value: float | None
    difference: float | None
    statistic: float | None
    p_value: float | None
    candidate_wins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A name and its number, such as the gain of a feature."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    """The model that was trained, and what the evidence says of it.

    Attributes
    ----------
    verdict : str
        The outcome in plain words.
    baseline_wins : bool
        True when the candidate did not beat the naive baseline on the evidence.
    """

    kind: str
    candidate: str
    champion: str
    promoted: bool
    baseline: str
    baseline_wins: bool
    verdict: str
    feature_set: str
    feature_hash: str
    n_features: int
    first_session: date
    last_session: date
    n_folds: int
    metrics: tuple[Contribution, ...]
    comparisons: tuple[ComparisonRow, ...]
    years: tuple[YearScore, ...]
    importances: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRow:
    """One layer of the pre-trade controls: how many orders it saw and refused."""

    layer: int
    name: str
    checked: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSample:
    """One order, to follow from decision to fill."""

    session: date
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    status: str
    cl_ord_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSection:
    """Orders, controls, fills and what trading cost.

    Attributes
    ----------
    turnover : float or None
        Traded notional a year over average equity, one-sided.
    costs : tuple of Contribution
        Money paid by kind (fees, spread, impact), positive when paid.
    """

    first_session: date
    last_session: date
    sessions: int
    orders: int
    filled: int
    refused: int
    fills: int
    traded_notional: Decimal
    turnover: float | None
    costs: tuple[Contribution, ...]
    controls: tuple[ControlRow, ...]
    refusals: tuple[Contribution, ...]
    last_orders: tuple[OrderSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One measure of the portfolio beside the benchmark's."""

    name: str
    unit: Unit
    value: float | None
    benchmark: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionPart:
    """One part of the profit.

    Attributes
    ----------
    pnl : Decimal
        In the base currency, after costs.
    standard_error : float or None
        Of an estimated part, in the base currency.
    """

    name: str
    pnl: Decimal
    standard_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Profit split by one key: parts plus residual equal the total.

    Attributes
    ----------
    exact : bool
        True where the parts are booked (the residual is zero to the cent), False where
        they are estimated (factors).
    """

    by: str
    parts: tuple[AttributionPart, ...]
    residual: Decimal
    total: Decimal
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthReturn:
    """The compounded return of one calendar month."""

    year: int
    month: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlSection:
    """What was earned, and where it came from.

    Attributes
    ----------
    equity, benchmark : Series
        Value of the portfolio in the base currency; the benchmark starts at the same value.
    drawdown, benchmark_drawdown : Series
        Fraction below the highest value so far, positive.
    """

    currency: str
    initial_equity: Decimal
    final_equity: Decimal
    total_pnl: Decimal
    equity: Series
    benchmark: Series
    drawdown: Series
    benchmark_drawdown: Series
    months: tuple[MonthReturn, ...]
    statistics: tuple[Statistic, ...]
    attributions: tuple[Attribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRow:
    """Value at risk and expected shortfall by one method at one confidence.

    Attributes
    ----------
    value_at_risk, expected_shortfall : float
        In the base currency, positive for a loss, over one session unless `horizon` says else.
    """

    method: str
    confidence: float
    horizon: int
    value_at_risk: float
    expected_shortfall: float
    quantile_rule: str
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow:
    """How an estimator's forecasts held against what happened."""

    method: str
    confidence: float
    observations: int
    expected: float
    exceedances: int
    kupiec_p_value: float | None
    christoffersen_p_value: float | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSeries:
    """Realised P&L beside the loss that had been forecast for the same session.

    Attributes
    ----------
    realised, value_at_risk : tuple of float
        Base currency; realised > 0 is a gain, value_at_risk > 0 a loss.
    """

    method: str
    confidence: float
    sessions: tuple[date, ...]
    realised: tuple[float, ...]
    value_at_risk: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRow:
    """The loss of the book under one scenario; positive is a loss."""

    name: str
    description: str
    loss: float
    share_of_equity: float | None
    worst_part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """Market value held in one sector, base currency; short is positive in `short`."""

    sector: str
    long: float
    short: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One holding and its share of the risk; the components sum to the total."""

    symbol: str
    sector: str
    quantity: Decimal
    market_value: float
    weight: float
    component_var: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """A limit and how much of it is used.

    Attributes
    ----------
    utilisation : float or None
        Value over the hard limit, as a fraction.
    state : str
        `ok`, `warn`, `soft` or `hard`: the highest threshold that was passed.
    """

    metric: str
    scope: str
    value: float | None
    unit: Unit
    warn: float | None
    hard: float | None
    utilisation: float | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSection:
    """The risk of the final book, with the evidence for its numbers."""

    as_of: date
    currency: str
    equity: float
    score: float
    level: str
    measures: tuple[Statistic, ...]
    tails: tuple[TailRow, ...]
    backtests: tuple[BacktestRow, ...]
    forecast: ForecastSeries | None
    stresses: tuple[StressRow, ...]
    exposures: tuple[ExposureRow, ...]
    positions: tuple[PositionRow, ...]
    limits: tuple[LimitRow, ...]
    recommendations: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageSection:
    """What is needed to compute every number again."""

    run_id: str
    seed: int
    code_commit: str
    data_versions: tuple[tuple[str, str], ...]
    feature_set: str
    feature_hash: str
    model_version: str
    settings_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reality:
    """What a part of the report rests on: observed, simulated or both."""

    subject: str
    simulated: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One desk date of one portfolio, from the data to the risk."""

    desk_date: date
    fund: str
    portfolio: str
    strategy: str
    findings: tuple[Finding, ...]
    reality: tuple[Reality, ...]
    market: MarketSection
    model: ModelSection
    trading: TradingSection
    pnl: PnlSection
    risk: RiskSection
    lineage: LineageSection
