"""Orders of the desk's manual book: submitted to the simulated venue, listed, cancelled."""

import uuid
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from basics.trading import Side
from oms.orders import Order
from oms.states import OrderType, TimeInForce
from services.order_tickets import OrderTicket
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, body_of, read_body
from serving.schemas import Query as QueryParameters

EXAMPLE: JsonDict = {
    "cl_ord_id": "manual-1",
    "symbol": "AAPL",
    "side": "buy",
    "quantity": "100",
    "order_type": "limit",
    "limit_price": "130.25",
}

router = APIRouter(
    prefix="/orders", tags=["orders"], responses=problem_responses(401, 403, 404, 409, 422, 503)
)


def _exact(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a number or its text as a Decimal, digit for digit as it was written."""
    number = isinstance(value, int | float | str) and not isinstance(value, bool)
    try:
        return Decimal(str(value)) if number else Decimal("NaN")
    except InvalidOperation:
        return Decimal("NaN")  # Refused by the field as no finite number.


Exact = Annotated[
    Decimal,
    BeforeValidator(_exact, json_schema_input_type=str | float),
    Field(gt=0, max_digits=20, decimal_places=8, allow_inf_nan=False, examples=["130.25"]),
]
OrderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
SideName = Literal["buy", "sell", "sell_short", "sell_short_exempt"]
TypeName = Literal["market", "limit", "stop", "stop_limit"]
LifeName = Literal[
    "day",
    "good_till_cancel",
    "at_the_opening",
    "immediate_or_cancel",
    "fill_or_kill",
    "good_till_date",
    "at_the_close",
]


class OrderRequest(Body):
    """What to trade. Numbers may be text, so that no digit is lost."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    cl_ord_id: OrderId | None = Field(
        default=None, description="asking again with the same changes nothing; left out: made"
    )
    symbol: str = Field(pattern=r"^[A-Z0-9.^/-]{1,16}$", examples=["AAPL"])
    side: SideName
    quantity: Exact
    order_type: TypeName = "market"
    limit_price: Exact | None = None
    stop_price: Exact | None = None
    time_in_force: LifeName = "day"
    expires_on: date | None = Field(
        default=None, strict=False, description="for good_till_date alone"
    )


class OrderAnswer(BaseModel):
    """An order as it stands. Numbers are text, digit for digit as they are booked."""

    cl_ord_id: str
    portfolio: str
    strategy: str
    symbol: str
    side: str = Field(examples=["buy"])
    order_type: str = Field(examples=["limit"])
    time_in_force: str = Field(examples=["day"])
    status: str = Field(examples=["filled"])
    quantity: Decimal
    cum_quantity: Decimal
    leaves_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    fees: Decimal
    warnings: list[str] = Field(
        description="warn and soft limits that the order passed, working orders at their worst"
    )
    created_at: datetime


class OrdersAnswer(BaseModel):
    """Orders, newest first."""

    orders: list[OrderAnswer]


class OrdersQuery(QueryParameters):
    """Which orders."""

    open_only: bool = Field(default=False, description="only orders that can still trade")
    limit: int = Field(default=100, ge=1, le=1000)


@router.post(
    "",
    response_model=OrderAnswer,
    status_code=201,
    responses=problem_responses(413),
    openapi_extra=body_of(OrderRequest),
)
async def submit_order(request: Request) -> OrderAnswer:
    """Check an order against the nine layers of controls and send it to the simulated venue."""
    asked = await read_body(request, OrderRequest)
    context = context_of(request)
    order = await context.desk.order_entry.place(_ticket(asked))
    context.live.wake()
    return _answer(order)


@router.get("", response_model=OrdersAnswer)
async def list_orders(request: Request, asked: Annotated[OrdersQuery, Query()]) -> OrdersAnswer:
    """List the latest orders."""
    entry = context_of(request).desk.order_entry
    found = await entry.orders(open_only=asked.open_only, limit=asked.limit)
    return OrdersAnswer(orders=[_answer(order) for order in found])


@router.get("/{cl_ord_id}", response_model=OrderAnswer)
async def show_order(request: Request, cl_ord_id: Annotated[OrderId, Path()]) -> OrderAnswer:
    """Show one order as it stands."""
    return _answer(await context_of(request).desk.order_entry.order(cl_ord_id))


@router.delete("/{cl_ord_id}", response_model=OrderAnswer)
async def cancel_order(request: Request, cl_ord_id: Annotated[OrderId, Path()]) -> OrderAnswer:
    """Cancel what is left of an order."""
    context = context_of(request)
    order = await context.desk.order_entry.cancel(cl_ord_id)
    context.live.wake()
    return _answer(order)


def _ticket(asked: OrderRequest) -> OrderTicket:
    return OrderTicket(
        cl_ord_id=asked.cl_ord_id or f"api-{uuid.uuid4().hex}",
        symbol=asked.symbol,
        side=Side[asked.side.upper()],
        quantity=asked.quantity,
        order_type=OrderType[asked.order_type.upper()],
        limit_price=asked.limit_price,
        stop_price=asked.stop_price,
        time_in_force=TimeInForce[asked.time_in_force.upper()],
        expires_on=asked.expires_on,
    )


def _answer(order: Order) -> OrderAnswer:
    return OrderAnswer(
        cl_ord_id=order.cl_ord_id,
        portfolio=order.book.portfolio,
        strategy=order.book.strategy,
        symbol=order.symbol,
        side=order.side.name.lower(),
        order_type=order.order_type.name.lower(),
        time_in_force=order.time_in_force.name.lower(),
        status=order.status.name.lower(),
        quantity=order.quantity,
        cum_quantity=order.cum_quantity,
        leaves_quantity=order.leaves_quantity,
        average_price=order.average_price,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        fees=sum((e.fee for e in order.executions), Decimal(0)),
        warnings=list(order.warnings),
        created_at=order.created_at,
    )
