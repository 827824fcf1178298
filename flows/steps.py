"""The steps of the day's batch as plain functions on a day.

Flows wrap them for schedules and the Prefect UI; DVC stages call the same ones. Each step can
run alone: what it needs from earlier steps it reads where it is stored, and what it does a
second time on unchanged inputs adds nothing.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

import msgspec
import numpy as np

from basics.errors import MissingDataError, RefusedError
from features.leakage import prove_features, prove_labels
from features.sets import feature_set
from flows.day import Day
from infra.data_quality.drawing import reporter_of
from infra.data_quality.owed import OwedDocuments
from infra.lake.maintenance import tidy
from infra.market_data import documented_beside, open_lake
from infra.report import write_report
from infra.report.json_file import write_json
from risk.profile import RiskProfile
from services.currency_attribution import CurrencyAttribution
from services.ingest_report import IngestReport
from services.kind_training import TRAINABLE, KindOutcome
from services.kind_verdicts import kind_verdicts
from services.model_monitoring import MONITOR_KIND, VersionMonitor
from services.morning import profile_beside
from services.multi_asset import SIMULATED_MARKET
from services.pnl_days import (
    ATTRIBUTION_KIND,
    CURRENCY_KIND,
    PERFORMANCE_KIND,
)
from services.pnl_explanation import Explanation
from services.pnl_health import HEALTH_KIND, PnlHealth
from services.pnl_keeping import Attributions
from services.pnl_performance import Performance
from services.pnl_replay import INTRADAY_KIND, ReplayReport
from services.portfolios import MULTI_ASSET
from services.ports import DataQualityDocument, JsonDocument
from services.report import DayReport, MultiAssetSection, ServiceSection
from services.report_sections import (
    DayResults,
    dataset_rows,
    day_report,
    model_section,
    trial_replay,
)
from services.risk import PROFILE_KIND
from services.settlement import CarryOut, carry_out
from services.trading import TradingResult
from services.training import TrainingResult

EXPLANATION_KIND = "pnl.explanation"
REPORT_PAGE, REPORT_FIGURES = "report.html", "report.json"

T = TypeVar("T")


def ingest(
    day: Day,
    *,
    again: bool = False,
    beside: bool = False,
    tell: Callable[[IngestReport], None] = lambda _: None,
) -> IngestReport:
    """Bring the source's data through the gate into the lake.

    Parameters
    ----------
    again : bool
        Read and judge also what is unchanged.
    beside : bool
        Leave the Data Docs to a process beside: `document` waits for it.
    tell : callable
        Is shown the report before a broken stop rule ends the step.

    Raises
    ------
    RefusedError
        If a stop rule is broken: nothing downstream may run on such data.
    """
    market = day.desk.market_data
    if beside:
        market = documented_beside(market, day.desk.settings)
    report = market.ingest(day.experiment.data.source, again=again)
    tell(report)
    if report.stopped:
        document(day)  # The day ends here, and this is when somebody reads them.
        raise RefusedError(f"market data did not pass: {report.reason}")
    lake = open_lake(day.desk.settings, day.desk.clock)
    for item in report.datasets:
        if item.partitions:  # Where rows came in, files may have become many.
            tidy(lake, item.dataset)
    return report


def document(day: Day) -> dict[str, DataQualityDocument]:
    """Wait until the Data Docs of what landed stand, and return what each dataset's last say."""
    reporter = reporter_of(day.desk.settings)
    OwedDocuments(reporter.docs_dir).draw(reporter)
    return reporter.drawn()


def train(day: Day, *, retrain: bool = False, settle: CarryOut = carry_out) -> TrainingResult:
    """Prove that features and label do not know the future, then train and judge the model.

    Parameters
    ----------
    settle : callable
        Carries the verdict out, whole or not at all.

    Raises
    ------
    RefusedError
        If a feature or the label leaks; nothing is trained then.
    """
    rng = np.random.default_rng(day.desk.settings.seed)
    features = feature_set(day.experiment.feature_set)
    bars = day.desk.features.bars(features, day.experiment.data.dataset)
    prove_features(features, bars, rng=rng).require_clean()
    prove_labels(day.outcome, day.panel, rng=rng).require_clean()
    return day.train(retrain=retrain, settle=settle)


def train_kinds(
    day: Day, kinds: Sequence[str], *, settle: CarryOut = carry_out
) -> list[KindOutcome]:
    """Train kinds beside the day's price model, `all` for every other; failures stand beside."""
    others = tuple(kind for kind in TRAINABLE if kind != day.experiment.price.name)
    return day.desk.kinds.train_all(others if "all" in kinds else tuple(kinds), settle=settle)


def trade(day: Day, *, again: bool = False) -> TradingResult:
    """Trade the last sessions on paper and book them; what is booked already stands.

    Parameters
    ----------
    again : bool
        Take the run's books away first, so that every session is traded anew.
    """
    if again:
        day.desk.discard_run(day.run_id)
    return day.desk.run(day.paper_trading.trade(day.experiment.trading, day.panel, day.forecasts))


def up_to_date(
    day: Day,
    kind: str,
    scope: str | None = None,
    lineage: JsonDocument | None = None,
    *,
    on: date | None = None,
) -> bool:
    """Return whether the document of `kind` stands, computed from the same inputs.

    Parameters
    ----------
    scope, lineage : optional
        Of another portfolio than the one that the day trades.
    on : date, optional
        Of this session; of the desk date by default.
    """
    name = scope or day.experiment.trading.portfolio
    same = dict(lineage or msgspec.to_builtins(day.lineage))
    return any(
        stored.scope == name and same.items() <= dict(stored.lineage).items()
        for stored in day.desk.results.of_day(kind, on or day.desk_date)
    )


def report(day: Day) -> DayReport:
    """Put the day together, and write it into the state folder as figures and as a page."""
    traded = trade(day)
    document = day_report(
        DayResults(
            desk_date=day.desk_date,
            fund=day.experiment.trading.fund,
            portfolio=day.experiment.trading.portfolio,
            datasets=dataset_rows(day.desk.market_data),
            model=model_section(
                day.trained,
                features=day.features.names,
                horizon_sessions=day.experiment.price.horizon,
                kinds=kind_verdicts(day.desk.models),
            ),
            trading=traded,
            fills=day.desk.order_journal.fills(traded.run_id),
            refusals=day.desk.order_journal.refusals(traded.run_id),
            performance=_kept(day, PERFORMANCE_KIND, Performance),
            attributions=_kept(day, ATTRIBUTION_KIND, Attributions).attributions,
            risk=_kept(day, PROFILE_KIND, RiskProfile),
            lineage=day.lineage,
            multi_asset=multi_asset_section(day),
            health=_kept(day, HEALTH_KIND, PnlHealth),
            intraday=replayed(day),
            service=service_section(day),
        )
    )
    folder = day.desk.settings.state_dir
    write_json(document, folder / REPORT_FIGURES)
    write_report(document, folder / REPORT_PAGE)
    return document


def multi_asset_section(day: Day) -> MultiAssetSection | None:
    """Return what is kept of the multi-asset portfolio today, None if it is not of the day."""
    scope, results = MULTI_ASSET, day.desk.results
    if scope not in results.scopes(EXPLANATION_KIND):
        return None
    if results.latest(EXPLANATION_KIND, scope).desk_date != day.desk_date:
        return None
    return MultiAssetSection(
        portfolio=scope,
        market=SIMULATED_MARKET,
        performance=_kept(day, PERFORMANCE_KIND, Performance, scope),
        attributions=_kept(day, ATTRIBUTION_KIND, Attributions, scope).attributions,
        explanation=_kept(day, EXPLANATION_KIND, Explanation, scope),
        currency_attribution=_kept(day, CURRENCY_KIND, CurrencyAttribution, scope),
        risk=profile_beside(results, as_of=day.desk_date),
    )


def replayed(day: Day) -> ReplayReport | None:
    """Return the desk date tick by tick as it was kept; None before it is replayed."""
    scope, results = day.experiment.trading.portfolio, day.desk.results
    of_today = (one.scope for one in results.of_day(INTRADAY_KIND, day.desk_date))
    return _kept(day, INTRADAY_KIND, ReplayReport) if scope in of_today else None


def service_section(day: Day) -> ServiceSection:
    """Return the trial of the price model replayed, and every version that is watched."""
    desk, name = day.desk, day.experiment.price.name
    try:
        replays = tuple(map(trial_replay, desk.arm_trials.replay(name)))
    except MissingDataError:
        replays = ()  # Nothing asked for the throne yet: there are no two versions.
    return ServiceSection(replays=replays, versions=_watched(day))


def _watched(day: Day) -> tuple[VersionMonitor, ...]:
    """Return the desk date's measurements of every version in service, as they were kept."""
    results, models = day.desk.results, day.desk.models
    serving = {f"{name} v{v}" for name in models.names() for v in models.aliases(name).values()}
    scopes = sorted(serving.intersection(results.scopes(MONITOR_KIND)))
    kept = (results.latest(MONITOR_KIND, scope) for scope in scopes)
    return tuple(
        msgspec.convert(stored.payload, VersionMonitor, strict=False)
        for stored in kept
        if stored.desk_date == day.desk_date
    )


def _kept(day: Day, kind: str, form: type[T], scope: str | None = None) -> T:
    """Return the day's document of `kind` as it was kept."""
    stored = day.desk.results.latest(kind, scope or day.experiment.trading.portfolio)
    return msgspec.convert(stored.payload, form, strict=False)
