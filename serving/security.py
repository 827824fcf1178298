"""Who may ask: the holder of the key, under this machine's own names."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.problems import MEDIA_TYPE, problem_body

HEADER = "X-API-Key"
LOOPBACK_NAMES = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
_header = APIKeyHeader(
    name=HEADER, auto_error=False, description="The key in `<state>/api-key`, see docs/api.md."
)


def key_check(key: str) -> Callable[[str | None], Awaitable[None]]:
    """Return a dependency that answers 401 to a request without `key`."""
    expected = key.encode()

    async def require_key(given: Annotated[str | None, Security(_header)]) -> None:
        if given is None or not hmac.compare_digest(given.encode(), expected):
            raise HTTPException(
                401,
                f"the header {HEADER} is missing or wrong: the key stands in <state>/api-key",
                {"WWW-Authenticate": f'ApiKey header="{HEADER}"'},
            )

    return require_key


class LoopbackNames:
    """ASGI middleware that answers 400 to a request for another host than this machine.

    A page from elsewhere whose name was made to resolve to this machine is turned away.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its Host is one of this machine's names."""
        if scope["type"] == "http" and _host_name(scope) not in LOOPBACK_NAMES:
            body = problem_body(400, None, "the API answers on 127.0.0.1 and localhost alone")
            await JSONResponse(body, 400, media_type=MEDIA_TYPE)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _host_name(scope: Scope) -> bytes:
    """Return the Host header without its port."""
    host: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return host[: host.find(b"]") + 1] if host.startswith(b"[") else host.partition(b":")[0]
