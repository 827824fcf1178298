"""A whole trading day's batch: one flow of subflows, in order."""

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.daily import (
    attribute_pnl,
    attribute_pnl_intraday,
    build_features,
    day_report,
    document_market_data,
    ingest_market_data,
    trade_on_paper,
    train_models,
)
from flows.day import one_day
from flows.monitoring import monitor_models
from flows.multi_asset import multi_asset
from flows.nightly import nightly_risk, nightly_stress_tests
from flows.outcome import Outcome, done


@flow(name="demo")
def demo(*, fresh: bool = False) -> Outcome:
    """Run a whole trading day's batch.

    Parameters
    ----------
    fresh : bool
        Compute everything again, also what stands.
    """
    # A subflow's heartbeat thread is joined while it sleeps, a second each; the parent keeps its.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        # Pages for people take seconds, and nothing that follows reads them.
        ingest_market_data(again=fresh, beside=True)
        build_features(again=fresh)
        train_models(retrain=fresh)
        monitor_models()
        with one_day():
            trade_on_paper(again=fresh)
            attribute_pnl(again=fresh)
            attribute_pnl_intraday(again=fresh)
            multi_asset(again=fresh)
            # Three books are measured sooner than a process is started.
            nightly_risk(engine="here", again=fresh)
            nightly_stress_tests(engine="here", again=fresh)
            day_report()
        document_market_data()
    return done("the day is done")
