"""The flows of the day: ingest, features, training, trading, profit and loss, risk, report.

Each can be scheduled alone; `demo` runs them in order as subflows, so that a whole day shows in
the Prefect UI as one run. Nothing here computes: a flow opens a desk, calls its step, tells how
far it has come and says in one line what came out.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows import steps
from flows.day import open_day
from flows.progress import step

if TYPE_CHECKING:
    from services.report import DayReport


@flow(name="ingest-market-data")
def ingest_market_data() -> str:
    """Bring the source's data through the gate into the lake."""
    with open_day() as day, step("Market data") as summarise:
        report = steps.ingest(day)
        new = sum(item.new for item in report.datasets)
        aside = sum(item.quarantined for item in report.datasets)
        summary = (
            f"{len(report.datasets)} datasets, {new:,} new rows, {aside:,} set aside, "
            f"until {day.desk_date}"
        )
        summarise(summary)
    return summary


@flow(name="build-features")
def build_features() -> str:
    """Compute the feature set over the lake."""
    with open_day() as day, step("Features") as summarise:
        panel = day.features
        summary = (
            f"{panel.feature_set}: {len(panel.names)} features, {len(panel.symbols)} symbols, "
            f"{len(panel.sessions):,} sessions"
        )
        summarise(summary)
    return summary


@flow(name="train-models")
def train_models(*, retrain: bool = False) -> str:
    """Train the price model; the champion changes only on evidence."""
    with open_day() as day, step("Models") as summarise:
        trained = day.train(retrain=retrain)
        verb = "stands" if trained.reused else "trained"
        outcome = "the baseline wins" if trained.verdict.baseline_wins else "the baseline is beaten"
        summary = f"{trained.version.label} {verb}, {trained.champion.label} reigns: {outcome}"
        summarise(summary)
    return summary


@flow(name="trade-on-paper")
def trade_on_paper(*, again: bool = False) -> str:
    """Trade the last sessions out of sample through controls and simulated venue."""
    with open_day() as day, step("Trading") as summarise:
        traded = steps.trade(day, again=again)
        summary = (
            f"{len(traded.sessions)} sessions, {traded.orders:,} orders, "
            f"{traded.refused:,} refused, {traded.fills:,} fills"
        )
        summarise(summary)
    return summary


@flow(name="attribute-pnl")
def attribute_pnl() -> str:
    """Value the books, measure what they earned and explain it."""
    with open_day() as day, step("Profit and loss") as summarise:
        performance = steps.attribute_pnl(day)
        summary = f"{performance.total_pnl:,.2f} {performance.currency} after costs"
        summarise(summary)
    return summary


@flow(name="nightly-risk")
def nightly_risk() -> str:
    """Profile the book against the policy in force."""
    with open_day() as day, step("Risk") as summarise:
        profile = steps.measure_risk(day)
        summary = f"score {profile.score:.0f} of 100, {profile.level}"
        summarise(summary)
    return summary


@flow(name="day-report")
def day_report() -> "DayReport":
    """Write the day's report."""
    with open_day() as day, step("Report") as summarise:
        report = steps.report(day)
        summarise(str(Path(day.desk.settings.state_dir, steps.REPORT_PAGE)))
    return report


@flow(name="demo")
def demo(*, fresh: bool = False) -> "DayReport":
    """Run a whole trading day's batch.

    Parameters
    ----------
    fresh : bool
        Compute everything again, also what stands.
    """
    # A subflow's heartbeat thread is joined while it sleeps, a second each; the parent keeps its.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        ingest_market_data()
        build_features()
        train_models(retrain=fresh)
        trade_on_paper(again=fresh)
        attribute_pnl()
        nightly_risk()
        return day_report()
