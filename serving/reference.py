"""`/docs`: the API's reference page, drawn from the OpenAPI document without a network."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

PAGES = Path(__file__).parent / "pages"
# The page may load and ask nothing but this server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
async def front() -> Response:
    """Lead whoever types the bare address to the reference page."""
    return RedirectResponse("docs")


@router.get("/docs")
async def page() -> Response:
    """Show every operation, its parameters, examples and answers, and let one try it."""
    return _file("reference.html", "text/html; charset=utf-8")


@router.get("/docs/reference.js")
async def script() -> Response:
    """Return the page's script."""
    return _file("reference.js", "text/javascript; charset=utf-8")


@router.get("/docs/reference.css")
async def style() -> Response:
    """Return the page's style."""
    return _file("reference.css", "text/css; charset=utf-8")


def _file(name: str, media_type: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(_read(name), media_type=media_type, headers=headers)


@cache
def _read(name: str) -> bytes:
    return (PAGES / name).read_bytes()
