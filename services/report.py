"""The day's report as one typed document: what was measured, before anything is drawn.

It holds the documents of the day as they are (performance, attributions, risk profile, verdict)
and, where a result carries arrays or what belongs to one run only, a section of plain values.
So it has one canonical form in JSON, and the same seed gives the same bytes. Pages are drawn
from it in `infra.report`; `services.report_sections` fills it.

Signs are the house's: pnl > 0 is a gain; value at risk, expected shortfall, drawdown and
stress losses are positive losses. Rates are fractions. `None` means not measured, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from market.quality import Finding as QualityFinding
from models.contest import Verdict
from models.evaluation import YearScore
from models.training import FoldRecord
from pnl.attribution import Attribution
from risk.profile import RiskProfile
from services.currency_attribution import CurrencyAttribution
from services.kind_verdicts import KindVerdict
from services.model_monitoring import VersionMonitor
from services.pnl_explanation import Explanation
from services.pnl_health import PnlHealth
from services.pnl_performance import Performance
from services.replay_hours import ReplayHour, ReplayPoint
from services.report_trading import TradingSection


class Tone(StrEnum):
    """What a reader should make of a figure."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence that the figures support, worth reading first."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reality:
    """What a part of the report rests on: observed or simulated."""

    subject: str
    simulated: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """One dataset of the lake, what in it is simulated, and which rules its rows break.

    Attributes
    ----------
    rows, corrections : int
        Rows in the lake; rows among them that correct earlier ones.
    rules : int
        Data-quality rules that apply.
    findings : tuple of QualityFinding
        Rules that the stored rows break, with counts.
    version : str
        Content hash of every row.
    """

    name: str
    source: str
    notes: str
    first_session: date | None
    last_session: date | None
    symbols: int
    rows: int
    corrections: int
    observed: tuple[str, ...]
    simulated: tuple[str, ...]
    rules: int
    findings: tuple[QualityFinding, ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    """The model that was trained, and the verdict on it.

    Attributes
    ----------
    candidate, champion : str
        The version that was trained, and the one that reigns after the verdict.
    metrics : mapping of str to mapping of str to float
        Figures by contender, on the sessions that the verdict rests on.
    years : mapping of str to tuple of YearScore
        Rank correlation by contender and calendar year, out of sample.
    importances : mapping of str to float
        Share of the total gain by feature.
    kinds : tuple of KindVerdict
        The seven kinds beside their naive baselines.
    """

    candidate: str
    champion: str
    baseline: str
    feature_set: str
    feature_hash: str
    features: tuple[str, ...]
    horizon_sessions: int
    verdict: Verdict
    metrics: Mapping[str, Mapping[str, float]]
    years: Mapping[str, tuple[YearScore, ...]]
    importances: Mapping[str, float]
    folds: tuple[FoldRecord, ...]
    kinds: tuple[KindVerdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReplay:
    """What a trial of two versions in service would have said over the last two years.

    Attributes
    ----------
    mode : str
        `shadow` or `split`.
    days : tuple of date
        The session of each observation.
    low, high : tuple of float or None
        The confidence sequence of control's loss less treatment's; None while it is unbounded.
    """

    mode: str
    control: str
    treatment: str
    loss: str
    days: tuple[date, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    p_value: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSection:
    """Models in service: what a trial would say, and each version as it is watched."""

    replays: tuple[TrialReplay, ...]
    versions: tuple[VersionMonitor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAssetSection:
    """The portfolio of every kind of instrument, whose market is simulated as a whole.

    Attributes
    ----------
    market : str
        `simulated`.
    risk : RiskProfile or None
        Of the same date; None before the night has measured it.
    """

    portfolio: str
    market: str
    performance: Performance
    attributions: tuple[Attribution, ...]
    explanation: Explanation
    currency_attribution: CurrencyAttribution
    risk: RiskProfile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntradaySection:
    """The desk date hour by hour: ticks SIMULATED inside real bars, the portfolio's own fills.

    Attributes
    ----------
    points : tuple of ReplayPoint
        Profit so far, every five minutes.
    total : float
        Sum of the hours; `booked` is the same by the daily books, in whole cents.
    """

    simulated: bool
    ticks: int
    fills: int
    points: tuple[ReplayPoint, ...]
    hours: tuple[ReplayHour, ...]
    total: float
    booked: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What is needed to compute every number again."""

    run_id: str
    seed: int
    code_commit: str
    data_versions: Mapping[str, str]
    feature_hash: str
    model_version: str
    policy_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One desk date of one portfolio, from the data to the risk."""

    desk_date: date
    fund: str
    portfolio: str
    findings: tuple[Finding, ...]
    reality: tuple[Reality, ...]
    datasets: tuple[DatasetRow, ...]
    model: ModelSection
    trading: TradingSection
    performance: Performance
    attributions: tuple[Attribution, ...]
    risk: RiskProfile
    lineage: Lineage
    multi_asset: MultiAssetSection | None = None
    health: PnlHealth | None = None
    intraday: IntradaySection | None = None
    service: ServiceSection = ServiceSection(replays=(), versions=())
