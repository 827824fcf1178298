"""Alerts that were stored, and their acknowledgement."""

from datetime import datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from services.ports import Severity, StoredAlert
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, body_of, read_body
from serving.schemas import Query as QueryParameters

router = APIRouter(
    prefix="/alerts", tags=["alerts"], responses=problem_responses(401, 404, 409, 422, 503)
)
AlertId = Annotated[str, Path(pattern=r"^alr-[0-9a-f]{16}$", examples=["alr-0123456789abcdef"])]


class AlertAnswer(BaseModel):
    """One alert; it is open until it is acknowledged."""

    alert_id: str = Field(examples=["alr-0123456789abcdef"])
    kind: str = Field(examples=["risk.limit_breached"])
    severity: Severity
    scope: str = Field(description="a portfolio, a model", examples=["core"])
    message: str
    figures: dict[str, float | int | str | None]
    raised_at: datetime = Field(description="by the clock of what is watched, UTC")
    stored_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None


class AlertsAnswer(BaseModel):
    """Alerts, the last stored first."""

    alerts: list[AlertAnswer]


class AlertsQuery(QueryParameters):
    """Which alerts."""

    open_only: bool = Field(default=False, description="only those nobody acknowledged")
    kind: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_.]{0,63}$",
        description="one kind; ending in a dot, every kind that begins so",
        examples=["risk."],
    )
    limit: int = Field(default=100, ge=1, le=1000)


class Acknowledgement(Body):
    """Who dealt with it, and how."""

    by: str = Field(pattern=r"\S", max_length=64, examples=["ann"])
    note: str = Field(pattern=r"\S", max_length=1000, examples=["sold half"])


@router.get("", response_model=AlertsAnswer)
async def list_alerts(request: Request, asked: Annotated[AlertsQuery, Query()]) -> AlertsAnswer:
    """List the alerts that were stored last."""
    log = context_of(request).desk.alerts
    found = await run_sync(
        lambda: log.alerts(open_only=asked.open_only, kind=asked.kind, limit=asked.limit)
    )
    return AlertsAnswer(alerts=[_answer(stored) for stored in found])


@router.get("/{alert_id}", response_model=AlertAnswer)
async def show_alert(request: Request, alert_id: AlertId) -> AlertAnswer:
    """Show one alert."""
    return _answer(await run_sync(context_of(request).desk.alerts.alert, alert_id))


@router.post(
    "/{alert_id}/acknowledge",
    response_model=AlertAnswer,
    responses=problem_responses(413),
    openapi_extra=body_of(Acknowledgement),
)
async def acknowledge_alert(request: Request, alert_id: AlertId) -> AlertAnswer:
    """Close an alert with a word on what was done."""
    said = await read_body(request, Acknowledgement)
    log = context_of(request).desk.alerts
    return _answer(await run_sync(lambda: log.acknowledge(alert_id, by=said.by, note=said.note)))


def _answer(stored: StoredAlert) -> AlertAnswer:
    alert = stored.alert
    return AlertAnswer(
        alert_id=stored.alert_id,
        kind=alert.kind,
        severity=alert.severity,
        scope=alert.scope,
        message=alert.message,
        figures=dict(alert.figures),
        raised_at=alert.raised_at,
        stored_at=stored.stored_at,
        acknowledged_at=stored.acknowledged_at,
        acknowledged_by=stored.acknowledged_by,
        note=stored.note,
    )
