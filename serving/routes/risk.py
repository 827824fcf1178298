"""The risk of a portfolio, from the profile that was last stored."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from risk.backtests import Backtest
from risk.profile import ForecastChart, RiskProfile, TailEstimate
from risk.stress import StressResult
from services.ports import StoredResult
from services.risk import PROFILE_KIND
from serving.answers import head
from serving.context import answers_of
from serving.problems import problem_responses
from serving.schemas import AnswerHead, PortfolioQuery

router = APIRouter(prefix="/risk", tags=["risk"], responses=problem_responses(401, 404, 422, 503))
Asked = Annotated[PortfolioQuery, Query()]


class RiskPortfolioAnswer(AnswerHead):
    """Everything that is known of the portfolio's risk."""

    profile: RiskProfile


class ValueAtRiskAnswer(AnswerHead):
    """Value at risk and expected shortfall, each with the backtest of its estimator.

    Losses are positive, in `currency`.
    """

    currency: str
    equity: float
    tails: list[TailEstimate]
    backtests: list[Backtest]
    backtest_basis: str
    forecast: ForecastChart | None
    notes: list[str]


class StressAnswer(AnswerHead):
    """The loss under each stress scenario, positive, and who contributes to it."""

    currency: str
    equity: float
    stresses: list[StressResult]


@router.get("/portfolio", response_model=RiskPortfolioAnswer)
async def risk_portfolio(request: Request, asked: Asked) -> Response:
    """Show score, level, exposure, limits, positions and everything below."""

    def build(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"profile": result.payload}

    return await answers_of(request).respond(
        "risk.portfolio", PROFILE_KIND, asked.portfolio, asked.as_of, build
    )


@router.get("/var", response_model=ValueAtRiskAnswer)
async def risk_var(request: Request, asked: Asked) -> Response:
    """Show value at risk and expected shortfall by method and confidence, with the evidence."""
    return await _part(request, asked, ValueAtRiskAnswer)


@router.get("/stress-tests", response_model=StressAnswer)
async def risk_stress_tests(request: Request, asked: Asked) -> Response:
    """Show the loss under each stress scenario."""
    return await _part(request, asked, StressAnswer)


async def _part(request: Request, asked: PortfolioQuery, answer: type[AnswerHead]) -> Response:
    """Answer with those fields of the stored profile that `answer` adds to its head."""
    names = [name for name in answer.model_fields if name not in AnswerHead.model_fields]

    def build(result: StoredResult) -> dict[str, Any]:
        return head(result) | {name: result.payload[name] for name in names}

    return await answers_of(request).respond(
        answer.__name__, PROFILE_KIND, asked.portfolio, asked.as_of, build
    )
