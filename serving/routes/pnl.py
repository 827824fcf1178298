"""What a portfolio earned: the documents last stored, and any range of the days that are kept."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from basics.errors import InvalidInputError
from pnl.attribution import Attribution
from services.benchmark_attribution import BenchmarkAttribution, brinson_terms
from services.currency_attribution import CurrencyAttribution
from services.pnl_days import ATTRIBUTION_KIND, CURRENCY_KIND, PERFORMANCE_KIND, days_lineage
from services.pnl_explanation import Explanation
from services.pnl_health import HEALTH_KIND, PnlHealth
from services.pnl_performance import Performance
from services.pnl_replay import INTRADAY_KIND, ReplayReport
from services.ports import KeptBooks, StoredResult
from serving.answers import head
from serving.context import answers_of, context_of
from serving.problems import problem_responses
from serving.schemas import AnswerHead, Name, PortfolioQuery

router = APIRouter(prefix="/pnl", tags=["pnl"], responses=problem_responses(401, 404, 422, 503))


class RangeQuery(PortfolioQuery):
    """Which portfolio, over which sessions, both ends included."""

    start: date | None = Field(
        default=None,
        alias="from",
        description="first day; left out: the first that is kept",
        examples=["2022-06-01"],
    )
    end: date | None = Field(
        default=None,
        alias="to",
        description="last day; left out: the last that is kept",
        examples=["2022-06-30"],
    )

    @property
    def ranged(self) -> bool:
        """Whether a range is asked for, not the document last stored."""
        return self.start is not None or self.end is not None


class AttributionQuery(RangeQuery):
    """Which portfolio, over which sessions, split by what."""

    by: Name | None = Field(
        default=None,
        description="reason, symbol, strategy, sector, asset_class, currency, day, week, month, "
        "year, hour, side, order, model_version, arm, factor or factor_timing; left out: every "
        "split that is stored",
        examples=["strategy"],
    )


class PerformanceQuery(RangeQuery):
    """Which portfolio, over which sessions, out of how many tries."""

    trials: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="configurations that were tried, for the deflated Sharpe ratio; left out: "
        "those that the model registry counts",
    )


class PerformanceAnswer(AnswerHead):
    """Returns, equity, drawdown and every measure beside the benchmark's.

    A measure that so few sessions do not define is null, with its reason.
    """

    performance: Performance


class AttributionAnswer(AnswerHead):
    """Splits of one profit: in each, parts plus residual equal the total.

    Money is text, digit for digit as it is booked.
    """

    attributions: list[Attribution]


class ExplanationAnswer(AnswerHead):
    """Why equity changed, session by session: the parts sum to the total exactly."""

    explanation: Explanation


class CurrencyAnswer(AnswerHead):
    """The excess return over the benchmark by currency: effects plus residual sum to it."""

    currency_attribution: CurrencyAttribution


@router.get("/currency-attribution", response_model=CurrencyAnswer)
async def pnl_currency_attribution(
    request: Request, asked: Annotated[PortfolioQuery, Query()]
) -> Response:
    """Show what allocation, selection and currencies did against the benchmark.

    Stored for portfolios in several currencies.
    """

    def stored(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"currency_attribution": result.payload}

    return await answers_of(request).respond(
        "pnl.currency-attribution", CURRENCY_KIND, asked.portfolio, asked.as_of, stored
    )


class BenchmarkQuery(RangeQuery):
    """Which portfolio, over which sessions, split and linked how."""

    model: Literal["bf", "bhb"] = Field(
        default="bf", description="allocation after Brinson and Fachler, or of 1986"
    )
    link: Literal["carino", "menchero", "grap", "frongello"] = Field(
        default="carino", description="how the sessions' effects are put together"
    )
    level: Literal["sector", "symbol", "sector,symbol"] = Field(
        default="sector", description="groups, from the top down"
    )
    interaction: Literal["within", "apart"] = Field(
        default="within", description="whether interaction is part of selection"
    )


class BenchmarkAnswer(AnswerHead):
    """The excess return over the benchmark: effects, trading and residual sum to it."""

    benchmark_attribution: BenchmarkAttribution


@router.get("/benchmark-attribution", response_model=BenchmarkAnswer)
async def pnl_benchmark(request: Request, asked: Annotated[BenchmarkQuery, Query()]) -> Response:
    """Show what allocation, selection and trading did against the benchmark, linked over time."""
    terms = brinson_terms(
        asked.model, asked.link, asked.level.split(","), interaction=asked.interaction == "apart"
    )

    def ranged(kept: KeptBooks) -> dict[str, Any]:
        days = context_of(request).desk.pnl_days
        return {"benchmark_attribution": days.against_benchmark(kept, terms, start=asked.start)}

    # The books from their beginning: the first session's weights rest on the one before it.
    view = f"pnl.benchmark|{asked.model}|{asked.link}|{asked.level}|{asked.interaction}"
    since = asked.model_copy(update={"start": None})
    return await _of_range(request, since, f"{view}|{asked.start or ''}", ranged)


@router.get("/performance", response_model=PerformanceAnswer)
async def pnl_performance(
    request: Request, asked: Annotated[PerformanceQuery, Query()]
) -> Response:
    """Show Sharpe, Sortino, Calmar, drawdown and the rest, with the curves behind them."""

    def stored(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"performance": result.payload}

    def ranged(kept: KeptBooks) -> dict[str, Any]:
        days = context_of(request).desk.pnl_days
        return {"performance": days.performance(kept, trials=asked.trials)}

    if asked.ranged or asked.trials is not None:
        return await _of_range(request, asked, f"pnl.performance|{asked.trials or ''}", ranged)
    return await answers_of(request).respond(
        "pnl.performance", PERFORMANCE_KIND, asked.portfolio, asked.as_of, stored
    )


@router.get("/attribution", response_model=AttributionAnswer)
async def pnl_attribution(
    request: Request, asked: Annotated[AttributionQuery, Query()]
) -> Response:
    """Show where the profit of any range came from, by each key stored or by the one asked for."""

    def stored(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"attributions": result.payload["attributions"]}

    def ranged(kept: KeptBooks) -> dict[str, Any]:
        days = context_of(request).desk.pnl_days
        keys = days.splits_of(kept) if asked.by is None else (asked.by,)
        return {"attributions": [days.attribution(kept, by=key) for key in keys]}

    if asked.ranged or asked.by is not None:
        return await _of_range(request, asked, f"pnl.attribution.{asked.by or 'all'}", ranged)
    return await answers_of(request).respond(
        "pnl.attribution", ATTRIBUTION_KIND, asked.portfolio, asked.as_of, stored
    )


@router.get("/explain", response_model=ExplanationAnswer)
async def pnl_explain(request: Request, asked: Annotated[RangeQuery, Query()]) -> Response:
    """Show every cent of every session of a range under one of thirteen names."""

    def ranged(kept: KeptBooks) -> dict[str, Any]:
        return {"explanation": context_of(request).desk.pnl_days.explanation(kept)}

    return await _of_range(request, asked, "pnl.explain", ranged)


class IntradayAnswer(AnswerHead):
    """The desk date tick by tick: SIMULATED ticks inside real bars, the portfolio's own fills."""

    intraday: ReplayReport


@router.get("/intraday", response_model=IntradayAnswer)
async def pnl_intraday(request: Request, asked: Annotated[PortfolioQuery, Query()]) -> Response:
    """Show how the last session went hour by hour, by strategy and symbol."""

    def stored(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"intraday": result.payload}

    return await answers_of(request).respond(
        "pnl.intraday", INTRADAY_KIND, asked.portfolio, asked.as_of, stored
    )


class PnlHealthAnswer(AnswerHead):
    """Whether the risk models see the profit that the books see, with green, amber or red zone."""

    health: PnlHealth


@router.get("/health", response_model=PnlHealthAnswer)
async def pnl_health(request: Request, asked: Annotated[PortfolioQuery, Query()]) -> Response:
    """Show the P&L attribution test (Spearman, Kolmogorov-Smirnov) of the desk date."""

    def stored(result: StoredResult) -> dict[str, Any]:
        return head(result) | {"health": result.payload}

    return await answers_of(request).respond(
        "pnl.health", HEALTH_KIND, asked.portfolio, asked.as_of, stored
    )


async def _of_range(
    request: Request,
    asked: RangeQuery,
    view: str,
    build: Callable[[KeptBooks], dict[str, Any]],
) -> Response:
    """Answer from the days that are kept; `as_of` is the last of them unless `to` says another."""
    desk = context_of(request).desk
    if asked.as_of is not None and asked.end is not None:
        raise InvalidInputError("as_of and to both say where the range ends: give one of them")
    end = asked.end or asked.as_of

    def make() -> dict[str, Any]:
        kept = desk.pnl_days.books(asked.portfolio, start=asked.start, end=end)
        return {
            "portfolio": kept.portfolio,
            "desk_date": kept.books.daily.sessions[-1].item(),
            "computed_at": desk.clock.now(),
            "lineage": days_lineage(kept),
        } | build(kept)

    key = f"{view}|{asked.portfolio or ''}|{asked.start or ''}|{end or ''}"
    return await answers_of(request).compute(key, make)
