"""The limit register: limits in force, overrides, and the breach log with its acknowledgement."""

from datetime import date, datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, FiniteFloat

from risk.limits import Limit, Override, Scope
from services.limit_register import Breach, GrantedOverride
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, body_of, read_body
from serving.schemas import Query as QueryParameters

router = APIRouter(
    prefix="/risk", tags=["risk"], responses=problem_responses(401, 403, 404, 409, 422, 503)
)
BreachId = Annotated[str, Path(pattern=r"^brc-[0-9a-f]{16}$", examples=["brc-0123456789abcdef"])]
Person = Annotated[str, Field(pattern=r"\S", max_length=64, examples=["ann"])]
Words = Annotated[str, Field(pattern=r"\S", max_length=1000, examples=["index event"])]


class LimitsQuery(QueryParameters):
    """Which version of the limits."""

    version: int | None = Field(default=None, ge=1, description="the one in force without it")


class LimitsAnswer(BaseModel):
    """The limits of a version; those in force carry the override last granted to each."""

    version: int
    in_force: bool
    limits: list[Limit]


class BreachesQuery(QueryParameters):
    """Which breaches."""

    open_only: bool = Field(default=True, description="only those nobody acknowledged")


class BreachesAnswer(BaseModel):
    """Breaches, the oldest first."""

    breaches: list[Breach]


class Acknowledged(Body):
    """Who dealt with it, and how."""

    by: Person
    note: Words


class OverrideRequest(Body):
    """A hard threshold raised until a day."""

    metric: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["weight"])
    scope: Scope = Field(strict=False, examples=["symbol"])
    name: str = Field(default="*", pattern=r"\S", max_length=64, description="as in the register")
    hard: FiniteFloat = Field(gt=0, examples=[0.2])
    until: date = Field(strict=False, description="last day on which it holds")
    reason: Words
    by: Person


class OverrideAnswer(BaseModel):
    """An override as it was granted."""

    override: GrantedOverride
    granted_at: datetime


@router.get("/limits", response_model=LimitsAnswer)
async def list_limits(request: Request, asked: Annotated[LimitsQuery, Query()]) -> LimitsAnswer:
    """List the limits in force, or those of an earlier version."""
    register = context_of(request).desk.limit_register

    def read() -> LimitsAnswer:
        newest = register.version()
        if asked.version in (None, newest):
            return LimitsAnswer(version=newest, in_force=True, limits=list(register.in_force()))
        rows = list(register.store.limits(asked.version))
        return LimitsAnswer(version=asked.version, in_force=False, limits=rows)

    return await run_sync(read)


@router.post(
    "/limits/overrides",
    response_model=OverrideAnswer,
    status_code=201,
    responses=problem_responses(413),
    openapi_extra=body_of(OverrideRequest),
)
async def grant_override(request: Request) -> OverrideAnswer:
    """Raise a limit until a day, with a reason and who grants it; it expires by itself."""
    asked = await read_body(request, OverrideRequest)
    desk = context_of(request).desk
    override = Override(
        hard=asked.hard, reason=asked.reason, granted_by=asked.by, expires=asked.until
    )

    def grant() -> GrantedOverride:
        return desk.limit_register.grant(
            asked.metric, asked.scope, asked.name, override=override, as_of=desk.limits_date()
        )

    granted = await run_sync(grant)
    return OverrideAnswer(override=granted, granted_at=granted.granted_at)


@router.get("/breaches", response_model=BreachesAnswer)
async def list_breaches(
    request: Request, asked: Annotated[BreachesQuery, Query()]
) -> BreachesAnswer:
    """List the breach log."""
    store = context_of(request).desk.limit_register.store
    found = await run_sync(lambda: store.breaches(open_only=asked.open_only))
    return BreachesAnswer(breaches=list(found))


@router.post(
    "/breaches/{breach_id}/acknowledge",
    response_model=Breach,
    responses=problem_responses(413),
    openapi_extra=body_of(Acknowledged),
)
async def acknowledge_breach(request: Request, breach_id: BreachId) -> Breach:
    """Close a breach with a word on what was done."""
    said = await read_body(request, Acknowledged)
    register = context_of(request).desk.limit_register

    def close() -> Breach:
        register.acknowledge(breach_id, by=said.by, note=said.note)
        rows = register.store.breaches(open_only=False)
        return next(row for row in rows if row.breach_id == breach_id)

    return await run_sync(close)
