"""What a portfolio earned, from the documents that were last stored."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from basics.errors import MissingDataError
from pnl.attribution import Attribution
from services.pnl_performance import Performance
from services.ports import StoredResult
from serving.answers import head
from serving.context import answers_of
from serving.problems import problem_responses
from serving.schemas import AnswerHead, Name, PortfolioQuery

PERFORMANCE_KIND = "pnl.performance"
ATTRIBUTION_KIND = "pnl.attribution"

router = APIRouter(prefix="/pnl", tags=["pnl"], responses=problem_responses(401, 404, 422, 503))


class AttributionQuery(PortfolioQuery):
    """Which portfolio, on which desk date, split by what."""

    by: Name | None = Field(
        default=None,
        description="symbol, strategy, sector, month or factor; left out: every one stored",
        examples=["strategy"],
    )


class PerformanceAnswer(AnswerHead):
    """Returns, equity, drawdown and every measure beside the benchmark's."""

    performance: Performance


class AttributionAnswer(AnswerHead):
    """Splits of one profit: in each, parts plus residual equal the total.

    Money is text, digit for digit as it is booked.
    """

    attributions: list[Attribution]


@router.get("/performance", response_model=PerformanceAnswer)
async def pnl_performance(request: Request, asked: Annotated[PortfolioQuery, Query()]) -> Response:
    """Show Sharpe, Sortino, Calmar, drawdown and the rest, with the curves behind them."""

    def build(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"performance": result.payload}

    return await answers_of(request).respond(
        "pnl.performance", PERFORMANCE_KIND, asked.portfolio, asked.as_of, build
    )


@router.get("/attribution", response_model=AttributionAnswer)
async def pnl_attribution(
    request: Request, asked: Annotated[AttributionQuery, Query()]
) -> Response:
    """Show where the profit came from, by each key or by the one asked for."""

    def build(result: StoredResult) -> dict[str, Any]:
        found = result.payload["attributions"]
        if asked.by is not None:
            known = [split["by"] for split in found]
            found = [split for split in found if split["by"] == asked.by]
            if not found:
                raise MissingDataError(f"no attribution by {asked.by!r}: there is {known}")
        return head(result) | {"attributions": found}

    return await answers_of(request).respond(
        f"pnl.attribution.{asked.by or 'all'}",
        ATTRIBUTION_KIND,
        asked.portfolio,
        asked.as_of,
        build,
    )
