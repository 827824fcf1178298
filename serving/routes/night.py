"""The books of the last night, each with the tests that it carries."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.night_view import NightBook, NightList, night_book, night_list
from serving.context import answers_of, context_of
from serving.problems import problem_responses
from serving.schemas import BookName
from serving.schemas import Query as QueryParameters

router = APIRouter(
    prefix="/risk", tags=["risk"], responses=problem_responses(401, 403, 404, 422, 503)
)


class NightAnswer(BaseModel):
    """Every book of the last night in a line, the riskiest first."""

    night: NightList


class NightBookQuery(QueryParameters):
    """Which book of the night."""

    book: BookName = Field(description="a portfolio, or one of its strategies")


class NightBookAnswer(BaseModel):
    """One book of the last night: its row in full, or the reason why there is none."""

    night: NightBook


@router.get("/night", response_model=NightAnswer)
async def risk_night(request: Request) -> Response:
    """List the books of the last night, each with the tests it carries and its weekly stamp."""
    desk = context_of(request).desk

    def make() -> dict[str, Any]:
        return {"night": asdict(night_list(desk.results))}

    return await answers_of(request).compute("risk.night", make)


@router.get("/night/book", response_model=NightBookAnswer)
async def risk_night_book(request: Request, asked: Annotated[NightBookQuery, Query()]) -> Response:
    """Show one book of the last night: estimators, evidence, components, stresses, level."""
    desk = context_of(request).desk

    def make() -> dict[str, Any]:
        return {"night": asdict(night_book(desk.results, asked.book))}

    return await answers_of(request).compute(f"risk.night|{asked.book}", make)
