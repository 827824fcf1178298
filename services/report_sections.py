"""Fill the day's report from the results of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.trading import Fill
from market.datasets import SYMBOL
from pnl.attribution import Attribution
from risk.profile import RiskProfile
from services.arm_trials import TrialVerdict
from services.kind_verdicts import KindVerdict
from services.market_data import MarketData
from services.pnl_health import PnlHealth
from services.pnl_performance import Performance
from services.pnl_replay import ReplayReport
from services.ports import OrderRefusal
from services.report import (
    DatasetRow,
    DayReport,
    IntradaySection,
    Lineage,
    ModelSection,
    MultiAssetSection,
    Reality,
    ServiceSection,
    TrialReplay,
)
from services.report_findings import findings_of
from services.report_trading import trading_section
from services.trading import TradingResult
from services.training import TrainingResult

OWN_FILES = "files:"  # How the source of what a user imported begins.


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResults:
    """Everything that a day's batch computed.

    Attributes
    ----------
    fills : sequence of Fill
        Of the whole run, in booking order.
    refusals : sequence of OrderRefusal
        Of the whole run.
    """

    desk_date: date
    fund: str
    portfolio: str
    datasets: Sequence[DatasetRow]
    model: ModelSection
    trading: TradingResult
    fills: Sequence[Fill]
    refusals: Sequence[OrderRefusal]
    performance: Performance
    attributions: Sequence[Attribution]
    risk: RiskProfile
    lineage: Lineage
    multi_asset: MultiAssetSection | None = None
    health: PnlHealth | None = None
    intraday: ReplayReport | None = None
    service: ServiceSection


def day_report(day: DayResults) -> DayReport:
    """Return the day as one document."""
    trading = trading_section(day.trading, day.fills, day.refusals)
    return DayReport(
        desk_date=day.desk_date,
        fund=day.fund,
        portfolio=day.portfolio,
        findings=findings_of(
            day.performance, day.model, trading, day.risk, day.datasets, health=day.health
        ),
        reality=reality_of(day.datasets, day.performance, day.multi_asset),
        datasets=tuple(day.datasets),
        model=day.model,
        trading=trading,
        performance=day.performance,
        attributions=tuple(day.attributions),
        risk=day.risk,
        lineage=day.lineage,
        multi_asset=day.multi_asset,
        health=day.health,
        intraday=None if day.intraday is None else intraday_section(day.intraday),
        service=day.service,
    )


def intraday_section(replay: ReplayReport) -> IntradaySection:
    """Return how the desk date went, without what every tick left of each order."""
    return IntradaySection(
        simulated=replay.simulated,
        ticks=replay.ticks,
        fills=replay.fills,
        points=replay.points,
        hours=replay.hours,
        total=replay.streamed,
        booked=replay.booked,
    )


def dataset_rows(market: MarketData) -> tuple[DatasetRow, ...]:
    """Return every dataset of the lake, its stored rows judged again by the rules.

    What the last import brought is left out on purpose: it differs between a first run and a
    second one, and the report must not.
    """
    rows = []
    for state in market.catalog():
        inspected = market.check(state.dataset.name)
        dataset = state.dataset
        rows.append(
            DatasetRow(
                name=dataset.name,
                source=dataset.source,
                notes=dataset.notes,
                first_session=state.first_session,
                last_session=state.last_session,
                symbols=inspected.passed[SYMBOL].n_unique(),
                rows=state.rows,
                corrections=state.corrections,
                observed=tuple(f for f in dataset.fields if f not in dataset.simulated),
                simulated=tuple(f for f in dataset.fields if f in dataset.simulated),
                rules=sum(rule.reads(dataset) is not None for rule in market.rules),
                findings=inspected.findings,
                version=state.version,
            )
        )
    return tuple(rows)


def model_section(
    result: TrainingResult,
    *,
    features: Sequence[str],
    horizon_sessions: int,
    kinds: Sequence[KindVerdict] = (),
) -> ModelSection:
    """Return the trained model without its arrays, and without what belongs to one run."""
    return ModelSection(
        candidate=result.version.label,
        champion=result.champion.label,
        baseline=result.baseline.label,
        feature_set=result.version.feature_set,
        feature_hash=result.version.feature_hash,
        features=tuple(features),
        horizon_sessions=horizon_sessions,
        verdict=result.verdict,
        metrics=result.metrics,
        years=result.years,
        importances=result.importances,
        folds=result.folds,
        kinds=tuple(kinds),
    )


def trial_replay(verdict: TrialVerdict) -> TrialReplay:
    """Return a replayed verdict in a form that JSON holds: no bound is None, not infinite."""
    test = verdict.test
    return TrialReplay(
        mode=str(verdict.plan.mode),
        control=verdict.control,
        treatment=verdict.treatment,
        loss=verdict.loss,
        days=verdict.days,
        low=tuple(_bounds(test.low if test else ())),
        high=tuple(_bounds(test.high if test else ())),
        p_value=test.p_values[-1] if test else None,
        verdict=verdict.verdict,
    )


def reality_of(
    datasets: Sequence[DatasetRow],
    performance: Performance,
    multi_asset: MultiAssetSection | None = None,
) -> tuple[Reality, ...]:
    """Return what is observed and what is simulated, in words, simulated parts named last."""
    mixed = [row for row in datasets if row.simulated]
    whole = [row for row in datasets if not row.simulated]
    brought = [row.name for row in whole if row.source.startswith(OWN_FILES)]
    real = ", ".join(row.name for row in whole if row.name not in brought)
    stated = [
        Reality(
            subject=f"{row.name}: {', '.join(row.observed)}",
            simulated=False,
            text=f"{row.symbols} symbols from {row.source}. {row.notes}".strip(),
        )
        for row in mixed
    ]
    if real:
        stated.append(
            Reality(subject="Other data", simulated=False, text=f"every column of {real}.")
        )
    if brought:
        stated.append(
            Reality(
                subject="Your files",
                simulated=False,
                text=f"{', '.join(brought)}: as you brought them, taken as real.",
            )
        )
    if performance.benchmark_name:
        stated.append(
            Reality(
                subject="Benchmark",
                simulated=False,
                text=f"{performance.benchmark_name}: made of the traded symbols, so that it "
                "shares whatever flatters them.",
            )
        )
    stated += [
        Reality(
            subject=f"{row.name}: {', '.join(row.simulated)}",
            simulated=True,
            text="drawn from a seed around the real closes; no verdict on a model rests on them.",
        )
        for row in mixed
    ]
    stated.append(
        Reality(
            subject="Orders, fills, venue",
            simulated=True,
            text="orders decided on one real close are filled at the next, with fees, spread and "
            "an impact that rests on the simulated volume; so do days to liquidate.",
        )
    )
    if multi_asset is not None:
        stated.append(
            Reality(
                subject=f"The whole market of portfolio {multi_asset.portfolio}",
                simulated=True,
                text="prices, exchange rates, curves, volatility, dividends and fills are drawn "
                "from a seed, to show every kind of instrument; none of its figures is evidence.",
            )
        )
    return tuple(stated)


def _bounds(values: Sequence[float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]
