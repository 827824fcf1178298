"""When each flow runs on its own: after the New York close, in the order of the day.

One process serves them all (`quantdesk flows serve`); a team that wants workers on several
machines uses `prefect.yaml`.
"""

from collections.abc import Mapping
from typing import Any

from prefect import Flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from flows.daily import (
    attribute_pnl,
    attribute_pnl_intraday,
    build_features,
    day_report,
    document_market_data,
    ingest_market_data,
    trade_on_paper,
    train_models,
    tune_models,
)
from flows.demo import demo
from flows.monitoring import monitor_models
from flows.multi_asset import multi_asset
from flows.nightly import nightly_risk, nightly_stress_tests, weekly_risk

TIMEZONE = "America/New_York"

FLOWS: Mapping[str, Flow[..., Any]] = {
    "ingest": ingest_market_data,
    "data-docs": document_market_data,
    "features": build_features,
    "training": train_models,
    "tuning": tune_models,
    "models": monitor_models,
    "trading": trade_on_paper,
    "pnl": attribute_pnl,
    "multi-asset": multi_asset,
    "pnl-intraday": attribute_pnl_intraday,
    "risk": nightly_risk,
    "stress": nightly_stress_tests,
    "weekly": weekly_risk,
    "report": day_report,
    "demo": demo,
}

# Each starts when the one before is long done; a flow without new data ends as NoNewData.
CRONS: Mapping[str, str] = {
    "ingest": "30 17 * * 1-5",
    "features": "0 18 * * 1-5",
    "training": "15 18 * * 5",
    "models": "45 18 * * 1-5",
    "trading": "0 19 * * 1-5",
    "pnl": "30 19 * * 1-5",
    "multi-asset": "45 19 * * 1-5",
    "pnl-intraday": "0,30 10-16 * * 1-5",
    "risk": "0 20 * * 1-5",
    "stress": "30 20 * * 1-5",
    "weekly": "0 6 * * 6",
    "report": "0 21 * * 1-5",
}


# What a schedule asks for beyond the flow's defaults: once a week every kind is trained.
PARAMETERS: Mapping[str, Mapping[str, Any]] = {"training": {"kinds": ["all"]}}


def serve_deployments(crons: Mapping[str, str] = CRONS) -> None:
    """Serve a deployment of each flow in `crons` until the process is stopped."""
    deployments = [_deployment(name, cron) for name, cron in crons.items()]
    # Without this every stop of the process would pause all schedules.
    serve(*deployments, pause_on_shutdown=False)


def _deployment(name: str, cron: str) -> RunnerDeployment:
    made = FLOWS[name].to_deployment(
        name=name,
        parameters=dict(PARAMETERS.get(name, {})),
        schedules=[Cron(cron, timezone=TIMEZONE)],
        # A run that is late does not pile up behind one that is still at work.
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
    )
    assert isinstance(made, RunnerDeployment)  # Outside an event loop it is no coroutine.
    return made
