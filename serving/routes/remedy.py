"""The remedy of a portfolio's breaches: applied in simulation, and what came of the last one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, FiniteFloat

from services.ports import StoredResult
from services.remedy_run import REMEDY_KIND, AppliedRemedy
from serving.answers import head
from serving.context import answers_of, context_of
from serving.problems import problem_responses
from serving.routes.limits import Person, Words
from serving.schemas import AnswerHead, Body, Name, PortfolioQuery, body_of, read_body

router = APIRouter(
    prefix="/risk", tags=["risk"], responses=problem_responses(401, 403, 404, 422, 503)
)


class RemedyRequest(Body):
    """Who applies the remedy of a portfolio, why, and who else approves it."""

    portfolio: Name | None = None
    reason: Words
    by: Person
    approved_by: Person = Field(description="another person")
    limits_scale: FiniteFloat = Field(default=1.0, gt=0, description="factor on every threshold")


class RemedyAnswer(BaseModel):
    """What was done in simulation: orders, cost, every limit before and after."""

    remedy: AppliedRemedy


class StoredRemedyAnswer(AnswerHead):
    """The remedy that was last applied to a portfolio, in simulation."""

    remedy: AppliedRemedy


@router.post(
    "/remedy",
    response_model=RemedyAnswer,
    status_code=201,
    responses=problem_responses(413),
    openapi_extra=body_of(RemedyRequest),
)
async def apply_remedy(request: Request) -> RemedyAnswer:
    """Trade the cheapest list that restores the limits, in simulation; twice sends once."""
    asked = await read_body(request, RemedyRequest)
    done = await context_of(request).desk.remedy_room.apply(
        asked.portfolio,
        reason=asked.reason,
        by=asked.by,
        approved_by=asked.approved_by,
        scale=asked.limits_scale,
    )
    return RemedyAnswer(remedy=done)


@router.get("/remedy", response_model=StoredRemedyAnswer)
async def show_remedy(request: Request, asked: Annotated[PortfolioQuery, Query()]) -> Response:
    """Show the remedy that was last applied."""

    def build(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"remedy": result.payload}

    return await answers_of(request).respond(
        "risk.remedy", REMEDY_KIND, asked.portfolio, asked.as_of, build
    )
