"""The flows of the day: ingest, features, training, trading, profit and loss, report.

Each can be scheduled alone; `flows.demo` runs them in order. Nothing here computes: a flow opens
the day, calls its step, tells how far it has come and says in one line what came out.
"""

from collections.abc import Sequence

from msgspec import to_builtins
from prefect import flow
from prefect.artifacts import create_table_artifact

from basics.errors import MissingDataError
from flows import pnl_steps, steps
from flows.day import open_day
from flows.outcome import Outcome, done, no_new_data
from flows.progress import step
from flows.promotion import in_transaction
from services.ingest_report import IngestReport
from services.kind_training import KindOutcome
from services.pnl_keeping import PnlOutcome


@flow(name="ingest-market-data")
def ingest_market_data(*, again: bool = False, beside: bool = False) -> Outcome:
    """Bring the source's data through the gate into the lake.

    Parameters
    ----------
    again : bool
        Read and judge also what is unchanged.
    beside : bool
        Leave the Data Docs to a process beside; `document_market_data` waits for it.
    """
    with open_day() as day, step("Market data") as summarise:
        report = steps.ingest(day, again=again, beside=beside, tell=_show_quality)
        new = sum(item.new for item in report.datasets)
        aside = sum(item.quarantined for item in report.datasets)
        summary = (
            f"{len(report.datasets)} datasets, {new:,} new rows, {aside:,} set aside, "
            f"until {day.desk_date}"
        )
        summarise(summary)
    return done(summary) if new or aside else no_new_data(day.desk_date)


def _show_quality(report: IngestReport) -> None:
    """Leave what the gate found in the Prefect UI, also when it stops the day."""
    rows = [
        {
            "dataset": item.dataset,
            "status": item.status,
            "new": item.new,
            "corrected": item.corrected,
            "set aside": item.quarantined,
            "findings": "; ".join(f"{f.rule} ({f.severity}): {f.count}" for f in item.findings),
        }
        for item in report.datasets
    ]
    create_table_artifact(key="data-quality", table=rows, description=report.reason or "passed")


@flow(name="document-market-data")
def document_market_data() -> Outcome:
    """Wait until the Data Docs of what landed stand; draw those that nobody has drawn."""
    with open_day() as day, step("Data docs") as summarise:
        drawn = steps.document(day)
        rows = [{"dataset": name} | to_builtins(document) for name, document in drawn.items()]
        create_table_artifact(key="data-docs", table=rows, description="last validation of each")
        unmet = sum(document.unmet for document in drawn.values())
        asked = sum(document.expectations for document in drawn.values())
        summary = f"{len(drawn)} datasets, {unmet} of {asked:,} expectations unmet"
        summarise(summary)
    return done(summary)


@flow(name="build-features")
def build_features(*, again: bool = False) -> Outcome:
    """Compute the feature set over the lake.

    Parameters
    ----------
    again : bool
        Compute what is kept already.
    """
    with open_day() as day, step("Features") as summarise:
        panel = day.compute_features(again=again)
        summary = (
            f"{panel.feature_set}: {len(panel.names)} features, {len(panel.symbols)} symbols, "
            f"{len(panel.sessions):,} sessions"
        )
        summarise(summary)
    return done(summary)


@flow(name="train-models")
def train_models(*, retrain: bool = False, kinds: Sequence[str] = ()) -> Outcome:
    """Train the price model, and other kinds if asked; a champion changes only on evidence.

    Parameters
    ----------
    retrain : bool
        Train even if the model of these inputs stands, and check that it comes out the same.
    kinds : sequence of str
        Further kinds to train on what the lake holds: `all`, or names.
    """
    with open_day() as day, step("Models") as summarise:
        trained = steps.train(day, retrain=retrain, settle=in_transaction)
        verb = "stands" if trained.reused else "trained"
        outcome = "the baseline wins" if trained.verdict.baseline_wins else "the baseline is beaten"
        summary = f"{trained.version.label} {verb}, {trained.champion.label} reigns: {outcome}"
        others = steps.train_kinds(day, kinds, settle=in_transaction) if kinds else []
        if others:
            _show_kinds(others)
            failed = [outcome.kind for outcome in others if outcome.result is None]
            summary += f"; {len(others) - len(failed)} of {len(others)} kinds stand"
            summary += f", failed: {', '.join(failed)}" if failed else ""
        summarise(summary)
    fresh = any(other.result is not None and not other.result.reused for other in others)
    return no_new_data(day.desk_date) if trained.reused and not fresh else done(summary)


@flow(name="tune-models")
def tune_models(*, kinds: Sequence[str] = ("price",), trials: int = 20) -> Outcome:
    """Search the settings of kinds made of trees, train the best of each, let the gate decide.

    Parameters
    ----------
    kinds : sequence of str
        Of price, volatility and signal.
    trials : int
        Configurations to try for each; every one counts in the gate.
    """
    with open_day() as day, step("Tuning") as summarise:
        told = []
        for kind in kinds:
            tuned, result = day.desk.kinds.tune(
                kind, trials=trials, seed=day.desk.settings.seed, settle=in_transaction
            )
            told.append(
                f"{result.version.label}: trial {tuned.best.number} of {len(tuned.trials)}, "
                f"{result.champion.label} reigns"
            )
        summarise("; ".join(told))
    return done("; ".join(told))


def _show_kinds(outcomes: Sequence[KindOutcome]) -> None:
    """Leave each kind's verdict, or why it has none, in the Prefect UI."""
    rows = [
        {
            "kind": outcome.kind,
            "version": "" if outcome.result is None else outcome.result.version.label,
            "champion": "" if outcome.result is None else outcome.result.champion.label,
            "verdict": outcome.result.verdict.summary if outcome.result else outcome.error,
        }
        for outcome in outcomes
    ]
    create_table_artifact(key="model-kinds", table=rows, description="each against its baseline")


@flow(name="trade-on-paper")
def trade_on_paper(*, again: bool = False) -> Outcome:
    """Trade the last sessions out of sample through controls and simulated venue.

    Parameters
    ----------
    again : bool
        Take the run's books away first, so that every session is traded anew.
    """
    with open_day() as day, step("Trading") as summarise:
        traded = steps.trade(day, again=again)
        summary = (
            f"{len(traded.sessions)} sessions, {traded.orders:,} orders, "
            f"{traded.refused:,} refused, {traded.fills:,} fills"
        )
        summarise(summary)
        whole = traded.resumed_after == traded.sessions[-1]
    return no_new_data(day.desk_date) if whole else done(summary)


@flow(name="attribute-pnl")
def attribute_pnl(*, again: bool = False) -> Outcome:
    """Value the books, explain each session, measure what was earned; run twice, same rows.

    Parameters
    ----------
    again : bool
        Compute even if the day's document stands.
    """
    with open_day() as day, step("Profit and loss") as summarise:
        fresh = again or not pnl_steps.pnl_up_to_date(day)
        outcomes = [pnl_steps.attribute_pnl(day)] if fresh else []
        own = pnl_steps.attribute_desk_pnl(day)
        outcomes += [one for one in own if fresh or one.sessions_changed]
        if not outcomes:
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        summary = "; ".join(_earned(one) for one in outcomes)
        summarise(summary)
    return done(summary)


def _earned(outcome: PnlOutcome) -> str:
    earned = outcome.performance
    return (
        f"{outcome.portfolio}: {earned.total_pnl:,.2f} {earned.currency} after costs, "
        f"{outcome.sessions_changed} of {len(earned.sessions)} sessions new"
    )


@flow(name="attribute-pnl-intraday")
def attribute_pnl_intraday(*, again: bool = False) -> Outcome:
    """Book the desk's own fills so far, and replay the desk date through the live engine.

    Run as often as you like: the same fills leave the same rows and the same documents.

    Parameters
    ----------
    again : bool
        Replay even if the day's documents stand.
    """
    with open_day() as day, step("Intraday profit") as summarise:
        pnl_steps.attribute_desk_pnl(day)
        if not any(
            span.last_session == day.desk_date for span in day.desk.pnl_days.spans().values()
        ):
            raise MissingDataError(
                f"no portfolio is valued until {day.desk_date}: run `quantdesk flows run pnl`"
            )
        reports = pnl_steps.replay_pnl(day, again=again)
        if not reports:
            summarise("stands as computed before")
            return no_new_data(day.desk_date)
        summary = "; ".join(
            f"{one.portfolio}: {one.streamed:,.2f} in {one.ticks:,} simulated ticks and "
            f"{one.fills} fills"
            for one in reports
        )
        summarise(summary)
    return done(summary)


@flow(name="day-report")
def day_report() -> Outcome:
    """Write the day's report."""
    with open_day() as day, step("Report") as summarise:
        steps.report(day)
        page = day.desk.settings.state_dir / steps.REPORT_PAGE
        summarise(str(page))
    return done(f"written to {page}")
