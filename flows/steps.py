"""The steps of the day's batch as plain functions on a desk.

Flows wrap them for schedules and the Prefect UI; DVC stages call the same ones. Each step can
run alone: what it needs from earlier steps it asks of the desk, where it is stored, and what it
does a second time on unchanged inputs adds nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np

from basics.errors import RefusedError
from features.labels import forward_return
from features.panel import FeaturePanel
from features.sets import feature_set
from infra.bootstrap import Desk
from infra.report import write_report
from infra.report.json_file import write_json
from market.panel import Panel
from pnl.attribution import Attribution
from pnl.daily import DailyBooks
from risk.profile import RiskProfile
from services.experiment import Experiment
from services.market_data import IngestReport
from services.paper_trading import Forecasts, PaperTrading, first_traded_session, run_id
from services.pnl_performance import Performance
from services.portfolio_review import BENCHMARK, universe_returns
from services.report import DayReport, Lineage
from services.report_sections import DayResults, dataset_rows, day_report, model_section
from services.trading import TradingResult
from services.training import TrainingInputs, TrainingResult
from services.universe import equities

PERFORMANCE_KIND = "pnl.performance"
ATTRIBUTION_KIND = "pnl.attribution"
REPORT_PAGE, REPORT_FIGURES = "report.html", "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlReview:
    """What a portfolio earned, and where it came from."""

    daily: DailyBooks
    performance: Performance
    attributions: tuple[Attribution, ...]


def desk_date(desk: Desk, experiment: Experiment) -> date:
    """Return the last session that is complete in the lake: the day the desk processes."""
    last = desk.market_data.lake.state(experiment.data.dataset).last_session
    assert last is not None  # A dataset in the lake has rows.
    return last


def ingest(desk: Desk, experiment: Experiment) -> IngestReport:
    """Bring the source's data through the gate into the lake.

    Raises
    ------
    RefusedError
        If a stop rule is broken: nothing downstream may run on such data.
    """
    report = desk.market_data.ingest(experiment.data.source)
    if report.stopped:
        raise RefusedError(f"market data did not pass: {report.reason}")
    return report


def build_features(desk: Desk, experiment: Experiment) -> FeaturePanel:
    """Compute the feature set over the dataset, or read it back."""
    return desk.features.panel(experiment.feature_set, experiment.data.dataset)


def train(desk: Desk, experiment: Experiment, *, retrain: bool = False) -> TrainingResult:
    """Train the price model, hold it against its rivals and let evidence decide."""
    closes = prices(desk, experiment, fields=("close",))
    inputs = TrainingInputs(
        features=build_features(desk, experiment),
        outcome=forward_return(
            closes, horizon=experiment.price.horizon, entry_lag=experiment.price.entry_lag
        ),
        data_version=desk.market_data.version(experiment.data.dataset),
        spec=experiment.price,
        gate_until=first_traded_session(experiment.trading, closes),
    )
    return desk.training.train(inputs, retrain=retrain)


def trade(desk: Desk, experiment: Experiment, *, again: bool = False) -> TradingResult:
    """Trade the last sessions on paper and book them; what is booked already stands.

    Parameters
    ----------
    again : bool
        Take the run's books away first, so that every session is traded anew.
    """
    panel = prices(desk, experiment)
    followed = forecasts(desk, experiment, panel)
    if again:
        desk.discard_run(run_id(experiment.trading, panel, followed))
    return desk.run(paper_trading(desk, panel).trade(experiment.trading, panel, followed))


def attribute_pnl(desk: Desk, experiment: Experiment) -> PnlReview:
    """Value the run's books each day, measure what they earned, explain it, and keep both."""
    panel = prices(desk, experiment)
    accounting = paper_trading(desk, panel).accounting
    run = run_id(experiment.trading, panel, forecasts(desk, experiment, panel))
    start = first_traded_session(experiment.trading, panel)
    first = int(np.searchsorted(panel.sessions, np.datetime64(start)))
    daily = accounting.daily_books(
        run, panel.window(first, len(panel.sessions)), portfolio=experiment.trading.portfolio
    )
    performance = accounting.performance(
        daily, benchmark=universe_returns(panel, daily.sessions), benchmark_name=BENCHMARK
    )
    attributions = accounting.attributions(
        daily, factors=desk.review.factor_returns(daily.sessions)
    )
    _keep(desk, experiment, PERFORMANCE_KIND, performance)
    _keep(desk, experiment, ATTRIBUTION_KIND, {"attributions": attributions})
    return PnlReview(daily=daily, performance=performance, attributions=attributions)


def measure_risk(desk: Desk, experiment: Experiment, review: PnlReview) -> RiskProfile:
    """Profile the book at the desk date against the policy in force, and keep the profile."""
    scope = experiment.trading.portfolio
    as_of = review.daily.sessions[-1].item()
    inputs = desk.review.risk_inputs(
        scope=scope,
        daily=review.daily,
        prices=prices(desk, experiment),
        previous_level=desk.risk.previous_level(scope, before=as_of),
    )
    profile = desk.risk.profile(inputs)
    desk.risk.store(profile, lineage=msgspec.to_builtins(lineage(desk, experiment)))
    return profile


def report(
    desk: Desk,
    experiment: Experiment,
    *,
    traded: TradingResult,
    review: PnlReview,
    profile: RiskProfile,
) -> DayReport:
    """Put the day together, and write it into the state folder as figures and as a page."""
    features = build_features(desk, experiment)
    day = day_report(
        DayResults(
            desk_date=desk_date(desk, experiment),
            fund=experiment.trading.fund,
            portfolio=experiment.trading.portfolio,
            datasets=dataset_rows(desk.market_data),
            model=model_section(
                train(desk, experiment),
                features=features.names,
                horizon_sessions=experiment.price.horizon,
            ),
            trading=traded,
            fills=desk.order_journal.fills(traded.run_id),
            performance=review.performance,
            attributions=review.attributions,
            risk=profile,
            lineage=lineage(desk, experiment),
        )
    )
    write_json(day, desk.settings.state_dir / REPORT_FIGURES)
    write_report(day, desk.settings.state_dir / REPORT_PAGE)
    return day


def lineage(desk: Desk, experiment: Experiment) -> Lineage:
    """Return what is needed to compute every number of the day again."""
    panel = prices(desk, experiment)
    followed = forecasts(desk, experiment, panel)
    return Lineage(
        run_id=run_id(experiment.trading, panel, followed),
        seed=desk.settings.seed,
        code_commit=desk.code_commit,
        data_versions={state.dataset.name: state.version for state in desk.market_data.catalog()},
        feature_hash=feature_set(experiment.feature_set).content_hash,
        model_version=followed.model_version,
        policy_version=desk.risk.policy_version,
    )


def prices(
    desk: Desk, experiment: Experiment, *, fields: tuple[str, ...] = ("close", "volume")
) -> Panel:
    """Return the traded universe's panel."""
    return desk.market_data.panel(experiment.data.dataset, fields=fields)


def paper_trading(desk: Desk, panel: Panel) -> PaperTrading:
    """Return the use case that trades the symbols of `panel`."""
    return desk.paper_trading(equities(panel.symbols, desk.market_data.sectors))


def forecasts(desk: Desk, experiment: Experiment, panel: Panel) -> Forecasts:
    """Return what the strategies follow; a model that stands is not trained again."""
    trained = train(desk, experiment)
    features = build_features(desk, experiment)
    # Scores lie on the panel's grid because both come from the same dataset.
    assert features.symbols == panel.symbols
    baseline_reigns = trained.champion.version == trained.baseline.version
    return Forecasts(
        model=trained.predictions if baseline_reigns else trained.champion_predictions,
        momentum=features[experiment.price.momentum_feature],
        model_version=(trained.version if baseline_reigns else trained.champion).label,
        arm="challenger" if baseline_reigns else "champion",
    )


def _keep(desk: Desk, experiment: Experiment, kind: str, document: Any) -> None:  # noqa: ANN401 - any document of plain values
    desk.results.put(
        kind,
        experiment.trading.portfolio,
        desk_date(desk, experiment),
        msgspec.to_builtins(document, enc_hook=str),
        msgspec.to_builtins(lineage(desk, experiment)),
    )
