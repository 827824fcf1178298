"""The live desk: profit and risk as they are now, their stream, and marks from outside."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field

from basics.errors import InvalidInputError
from risk.exposure import Exposure
from risk.limits import LimitCheck
from risk.score import Level
from services.live_profile import LiveProfile
from services.live_state import LiveState, Mark
from services.live_views import SHOWN_KEYS, pnl_view, risk_view
from services.pnl_live import nanoseconds
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, Name, body_of, read_body
from serving.schemas import Query as QueryParameters
from serving.streams import EventStream

router = APIRouter(tags=["live"], responses=problem_responses(401, 404, 422, 503))
Key = Literal[
    "symbol", "strategy", "sector", "currency", "model_version", "arm", "order", "side", "hour"
]  # fmt: skip


class LiveQuery(QueryParameters):
    """Which portfolio."""

    portfolio: Name | None = Field(default=None, description="left out: the only one that is live")


class LivePnlQuery(LiveQuery):
    """Which portfolio, split by what."""

    by: Key | None = Field(default=None, description="left out: every key but the order")


class PartAnswer(BaseModel):
    """One part of the profit, in the base currency. Fills have fees; positions have sizes."""

    name: str
    pnl: float = Field(description="after fees")
    realised: float | None = None
    unrealised: float | None = None
    net: float | None = Field(default=None, description="market value, signed")
    gross: float | None = None
    fees: float | None = None


class LivePnlAnswer(BaseModel):
    """The profit of a portfolio at one moment, whole; floats, reconciled to the Decimal books."""

    portfolio: str
    run_id: str
    sequence: int = Field(description="grows with each state, over restarts too")
    desk_date: date = Field(description="the session whose closes the day began with")
    as_of: datetime
    equity: float
    peak: float
    day_pnl: float = Field(description="since those closes")
    fx_on_cash: dict[str, float] = Field(
        description="part of the day's profit: what rates made of the cash of other currencies"
    )
    exchanges: float = Field(
        description="part of the day's profit: what conversions gave over the rates of now"
    )
    cash_booked: float = Field(
        description="part of the day's profit: interest, fees, adjustments of no instrument"
    )
    market: str = Field(description="observed, or simulated: then it is evidence of nothing")
    total: PartAnswer
    beside_fills: float = Field(description="dividends and financing, which belong to no fill")
    ledger_difference: float | None = Field(description="total less the books' own, in money")
    ticks: dict[str, int] = Field(description="what became of the marks")
    stale: list[str] = Field(description="held symbols that are silent for too long")
    by: dict[str, list[PartAnswer]]


class LiveRiskPart(BaseModel):
    """Losses are positive, in the base currency."""

    market_of: date = Field(description="the night whose estimates are used")
    equity: float
    drawdown: float
    score: float
    level: Level
    level_reason: str = Field(description="what made the score, and why the level is what it is")
    limit_state: str
    exposure: Exposure
    value_at_risk: dict[str, float]
    expected_shortfall: dict[str, float]
    value_at_risk_with_orders: float
    component_var: dict[str, float]
    stresses: dict[str, float]
    working: dict[str, tuple[float, float]] = Field(description="to buy, to sell")
    limits: list[LimitCheck] = Field(description="of positions plus working orders")
    left_out: list[str]


class LiveRiskAnswer(BaseModel):
    """The risk of a portfolio at one moment, of the same state as the profit.

    `risk` is read with each state; `profile`, the full one, is taken at an interval
    (`live.profile_seconds`) and names the state and moment that it is of.
    """

    portfolio: str
    sequence: int
    desk_date: date
    as_of: datetime
    market: str = Field(description="observed, or simulated: then it is evidence of nothing")
    risk: LiveRiskPart | None = Field(description="null while equity is not positive")
    profile: LiveProfile | None = Field(
        description="every estimator, decomposition, stress and single number; null before the "
        "first is taken"
    )


class MarkRequest(Body):
    """A price from a source."""

    symbol: str = Field(pattern=r"^[A-Z0-9.^/-]{1,16}$", examples=["AAPL"])
    price: float = Field(examples=[130.25])
    event_time: datetime = Field(strict=False, description="with its time zone")
    sequence: int | None = Field(
        default=None, ge=0, lt=2**62,
        description="the source's, for this symbol; left out: microseconds of the event time",
    )  # fmt: skip


class MarksRequest(Body):
    """Prices in the order in which they were seen."""

    marks: list[MarkRequest] = Field(min_length=1, max_length=1000)


class MarksAnswer(BaseModel):
    """How many marks were taken in, and how many wait to be applied."""

    accepted: int
    waiting: int


@router.get("/pnl/live", response_model=LivePnlAnswer)
async def pnl_live(request: Request, asked: Annotated[LivePnlQuery, Query()]) -> Response:
    """Show the profit of a portfolio as it is now, by every key."""
    by = SHOWN_KEYS if asked.by is None else (asked.by,)
    return _json(pnl_view(_state(request, asked.portfolio), by=by))


@router.get("/risk/live", response_model=LiveRiskAnswer)
async def risk_live(request: Request, asked: Annotated[LiveQuery, Query()]) -> Response:
    """Show the risk of a portfolio as it is now, limits on positions plus working orders."""
    return _json(risk_view(_state(request, asked.portfolio)))


@router.get(
    "/pnl/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def pnl_stream(
    request: Request,
    asked: Annotated[LiveQuery, Query()],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """Stream the profit of a portfolio: the whole first, then what changes."""
    context = context_of(request)
    state = _state(request, asked.portfolio)
    stream = context.live.stream(state.portfolio)
    client = stream.join(state, last_event_id)
    return EventStream(
        stream, client, heartbeat_seconds=context.desk.settings.live.heartbeat_seconds
    )


@router.post(
    "/marks",
    response_model=MarksAnswer,
    status_code=202,
    responses=problem_responses(413),
    openapi_extra=body_of(MarksRequest),
)
async def post_marks(request: Request) -> MarksAnswer:
    """Take in prices; late, duplicate and wrong ones are counted, not applied."""
    asked = await read_body(request, MarksRequest)
    marks = [_mark(one) for one in asked.marks]
    return MarksAnswer(accepted=len(marks), waiting=context_of(request).live.desk.offer(marks))


def _mark(asked: MarkRequest) -> Mark:
    if asked.event_time.tzinfo is None:
        raise InvalidInputError(
            f"the event time of {asked.symbol}, {asked.event_time}, has no time zone: add it"
        )
    at = nanoseconds(asked.event_time.astimezone(UTC))
    if not abs(at) < 2**62:
        raise InvalidInputError(f"{asked.symbol}: no market was open at {asked.event_time}")
    sequence = at // 1000 if asked.sequence is None else asked.sequence
    return Mark(asked.symbol, asked.price, at, sequence)


def _state(request: Request, portfolio: str | None) -> LiveState:
    return context_of(request).live.desk.state(portfolio)


def _json(document: Any) -> Response:  # noqa: ANN401 - a document of plain values
    return Response(orjson.dumps(document), media_type="application/json")
