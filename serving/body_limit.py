"""A limit on the size of a request: counted as it arrives, whatever it claims."""

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import MEDIA_TYPE, problem_body


class _TooLargeError(Exception):
    """The body grew past the limit."""


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `max_bytes`."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _claimed_length(scope) > self._max_bytes:
            await self._refuse(send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived, answering = 0, False

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._max_bytes:
                raise _TooLargeError
            return message

        async def unless_too_large(message: Message) -> None:
            # The application may have made an answer of its own from the error above.
            nonlocal answering
            if arrived > self._max_bytes and not answering:
                raise _TooLargeError
            answering = True
            await send(message)

        try:
            await self._app(scope, counted, unless_too_large)
        except _TooLargeError:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        detail = f"the body is larger than {self._max_bytes} bytes"
        body = orjson.dumps(problem_body(413, "too-large", detail))
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _claimed_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
