"""Errors as problem details (RFC 9457): the one place where an error meets an HTTP status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from basics.errors import (
    ConflictError,
    InvalidInputError,
    MissingDataError,
    QuantDeskError,
    RefusedError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[QuantDeskError], tuple[int, str]] = {
    InvalidInputError: (422, "invalid-input"),
    MissingDataError: (404, "missing-data"),
    RefusedError: (403, "refused"),
    ConflictError: (409, "conflict"),
    UnavailableError: (503, "unavailable"),
}


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    loc: list[str | int] = Field(description="where it stands", examples=[["body", "rows", 0]])
    type: str = Field(examples=["finite_number"])
    msg: str = Field(examples=["Input should be a finite number"])


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=["urn:quantdesk:problem:missing-data"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        examples=["no 'risk.profile' for 'core' is stored: run the flow that computes it"]
    )
    errors: list[FieldProblem] | None = Field(default=None, description="fields at fault")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the entries of the OpenAPI document for problems with these statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def answer_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(QuantDeskError, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unforeseen)


def problem_body(status: int, name: str | None, detail: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the document
    """Return the document; without a name its type is the status alone."""
    return {
        "type": f"urn:quantdesk:problem:{name}" if name else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }


def _answer(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body, body["status"], headers, media_type=MEDIA_TYPE)


async def _answer_own(_: Request, error: Exception) -> JSONResponse:
    status, name = next(found for kind, found in STATUS.items() if isinstance(error, kind))
    return _answer(problem_body(status, name, str(error)))


async def _answer_validation(_: Request, error: Exception) -> JSONResponse:
    # Never the input itself: it may hold NaN, which JSON cannot, or a secret.
    faults = [
        {"loc": list(item["loc"]), "type": item["type"], "msg": item["msg"]}
        for item in getattr(error, "errors", list)()
    ]
    detail = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults[:3]
    )
    return _answer(problem_body(422, "invalid-input", detail, errors=faults))


async def _answer_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer(problem_body(error.status_code, None, str(error.detail)), error.headers)


async def _answer_unforeseen(request: Request, error: Exception) -> JSONResponse:
    structlog.get_logger(__name__).error("request failed", path=request.url.path, exc_info=error)
    return _answer(problem_body(500, None, "an error in the program: see its log"))
