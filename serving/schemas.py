"""What goes in and out over HTTP.

Requests are strict: an unknown field, a wrong type or a number that is not finite is refused.
Answers are typed by the services' own records, so that a field exists once.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", examples=["core"])]

BookName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$", examples=["core/model"])
]


class Query(BaseModel):
    """Parameters of a query; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class Body(BaseModel):
    """The body of a request: no field too many, no type converted, no number without value."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


BodyT = TypeVar("BodyT", bound=Body)


async def read_body(request: Request, form: type[BodyT]) -> BodyT:
    """Return the body as `form`, parsed and checked in one pass over its bytes.

    Raises
    ------
    RequestValidationError
        Naming each field at fault.
    """
    try:
        return form.model_validate_json(await request.body())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError(
            [{**fault, "loc": ("body", *fault["loc"])} for fault in faults]
        ) from None


BODIES: list[type[Body]] = []  # Every form that a route reads, in the order of the routes.


def body_of(form: type[Body]) -> dict[str, Any]:
    """Return what the OpenAPI document says of a body that `read_body` reads.

    The form joins `BODIES`, whose schemas the document holds: FastAPI does not see them.
    """
    if form not in BODIES:
        BODIES.append(form)
    schema = {"$ref": f"#/components/schemas/{form.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


class PortfolioQuery(Query):
    """Which portfolio, and on which desk date."""

    portfolio: Name | None = Field(
        default=None, description="left out: the only portfolio on an observed market"
    )
    as_of: date | None = Field(
        default=None,
        description="the desk date, or the last one before; left out: the latest",
        examples=["2022-12-28"],
    )


class BookQuery(PortfolioQuery):
    """Which portfolio, or strategy of one, and on which desk date."""

    portfolio: BookName | None = Field(
        default=None,
        description="a strategy as portfolio/strategy; left out: the only portfolio on an "
        "observed market",
    )


class AnswerHead(BaseModel):
    """Of what, of when, from where."""

    portfolio: str = Field(examples=["core"])
    desk_date: date = Field(description="the date that the numbers describe")
    computed_at: datetime = Field(description="when they were computed, UTC")
    lineage: dict[str, Any] = Field(description="what is needed to compute them again")


class ComponentAnswer(BaseModel):
    """One component as it stands."""

    name: str = Field(examples=["database"])
    mode: Literal["waiting", "embedded", "real", "degraded", "failed"]
    ready: bool
    detail: str
    milliseconds: float = Field(description="time to come up", examples=[3.2])


class ReadyAnswer(BaseModel):
    """Whether the desk answers, and how far each component has come, in order."""

    ready: bool
    components: list[ComponentAnswer]


class HealthAnswer(BaseModel):
    """That the process lives."""

    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])
    uptime_seconds: float
