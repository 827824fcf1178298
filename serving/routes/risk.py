"""The risk of a portfolio, from the profile that was last stored."""

from dataclasses import dataclass
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, FiniteFloat

from risk.backtests import Backtest
from risk.book_shape import CovarianceView, TailShape
from risk.exposure import Exposure
from risk.groups import GroupRisk
from risk.movement import TailMovement
from risk.profile import BookMeasures, ForecastChart, PositionRisk, RiskProfile, TailEstimate
from risk.stress import StressResult
from risk.weekly import WeeklyRow
from services.ports import StoredResult
from services.risk import PROFILE_KIND
from services.risk_what_if import CandidateOrder, WhatIfReport
from services.weekly_risk import WEEKLY_KIND
from serving.answers import head
from serving.context import answers_of, context_of
from serving.problems import problem_responses
from serving.schemas import AnswerHead, BookQuery, Name, PortfolioQuery
from serving.schemas import Query as QueryParameters

router = APIRouter(
    prefix="/risk", tags=["risk"], responses=problem_responses(401, 403, 404, 422, 503)
)
Asked = Annotated[PortfolioQuery, Query()]
_ADDED: dict[str, list[Any]] = {"decomposition": [], "covariances": []}


class RiskPortfolioAnswer(AnswerHead):
    """Everything that is known of the portfolio's risk."""

    profile: RiskProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedTail(TailEstimate):
    """One estimate, and how that very estimator did at that confidence; null if untested."""

    backtest: Backtest | None = None


class ValueAtRiskAnswer(AnswerHead):
    """Value at risk and expected shortfall, each with the backtest of its estimator.

    Losses are positive, in `currency`.
    """

    currency: str
    equity: float
    tails: list[TestedTail]
    backtests: list[Backtest]
    backtest_basis: str
    forecast: ForecastChart | None
    notes: list[str]


class DecompositionAnswer(AnswerHead):
    """Where the risk comes from: parts that sum to the book's, and what moved it in a day."""

    currency: str
    equity: float
    positions: list[PositionRisk]
    decomposition: list[GroupRisk]
    movement: TailMovement | None
    covariances: list[CovarianceView]
    tail_shape: TailShape | None


class MeasuresAnswer(AnswerHead):
    """Single numbers of the book: betas, drawdown, correlation, concentration, liquidity, tail."""

    currency: str
    equity: float
    measures: BookMeasures
    exposure: Exposure
    tail_shape: TailShape | None
    covariances: list[CovarianceView]


class StressAnswer(AnswerHead):
    """The loss under each stress scenario, positive, and who contributes to it."""

    currency: str
    equity: float
    stresses: list[StressResult]


class WeeklyAnswer(AnswerHead):
    """The estimators and ES tests too slow for every night; `reason` where they failed."""

    weekly: WeeklyRow | None
    reason: str | None


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

    def build(result: StoredResult) -> dict[str, Any]:
        profile = result.payload
        tested = {(b["estimator"], b["confidence"]): b for b in profile["backtests"]}
        tails = [
            {
                **tail,
                "backtest": tested.get((tail["method"], tail["confidence"]))
                if tail["horizon_days"] == 1
                else None,
            }
            for tail in profile["tails"]
        ]
        named = ("currency", "equity", "backtests", "backtest_basis", "forecast", "notes")
        return head(result) | {name: profile[name] for name in named} | {"tails": tails}

    return await answers_of(request).respond(
        "risk.var", PROFILE_KIND, asked.portfolio, asked.as_of, build
    )


@router.get("/decomposition", response_model=DecompositionAnswer)
async def risk_decomposition(request: Request, asked: Asked) -> Response:
    """Show the risk by position, strategy, sector and factor, and why it moved since yesterday."""
    return await _part(request, asked, DecompositionAnswer)


@router.get("/measures", response_model=MeasuresAnswer)
async def risk_measures(request: Request, asked: Asked) -> Response:
    """Show the single numbers of the book, its sizes, its tail, its risk by covariance."""
    return await _part(request, asked, MeasuresAnswer)


@router.get("/weekly", response_model=WeeklyAnswer)
async def risk_weekly(request: Request, asked: Annotated[BookQuery, Query()]) -> Response:
    """Show what the last weekly long run found of a book, Z1 to Z3 included."""

    def build(result: StoredResult) -> dict[str, Any]:
        reason = result.payload.get("reason")
        weekly = None if reason else result.payload
        return head(result) | {"weekly": weekly, "reason": reason}

    return await answers_of(request).respond(
        "risk.weekly", WEEKLY_KIND, asked.portfolio, asked.as_of, build
    )


class WhatIfQuery(QueryParameters):
    """The order that is considered, and the portfolio it is for."""

    symbol: str = Field(pattern=r"^[A-Z0-9.^/-]{1,16}$", examples=["AAPL"])
    quantity: FiniteFloat = Field(description="bought when positive, sold when negative")
    portfolio: Name | None = None


class WhatIfAnswer(BaseModel):
    """The book's risk before and after the order, at the last close."""

    what_if: WhatIfReport


@router.get("/what-if", response_model=WhatIfAnswer)
async def risk_what_if(request: Request, asked: Annotated[WhatIfQuery, Query()]) -> dict[str, Any]:
    """Compute VaR, ES, stress, limits and score before and after a candidate order."""
    desk = context_of(request).desk
    order = CandidateOrder(symbol=asked.symbol, quantity=asked.quantity)
    report = await run_sync(desk.stored_books.what_if, order, asked.portfolio)
    return {"what_if": report}


@router.get("/stress-tests", response_model=StressAnswer)
async def risk_stress_tests(request: Request, asked: Asked) -> Response:
    """Show the loss under each stress scenario."""
    return await _part(request, asked, StressAnswer)


async def _part(request: Request, asked: PortfolioQuery, answer: type[AnswerHead]) -> Response:
    """Answer with those fields of the stored profile that `answer` adds to its head."""
    names = [name for name in answer.model_fields if name not in AnswerHead.model_fields]

    def build(result: StoredResult) -> dict[str, Any]:
        # A document of an earlier version lacks what was added since.
        return head(result) | {name: result.payload.get(name, _ADDED.get(name)) for name in names}

    return await answers_of(request).respond(
        answer.__name__, PROFILE_KIND, asked.portfolio, asked.as_of, build
    )
