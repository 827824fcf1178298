"""Asks the desk's own API from another process of this machine."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from basics.errors import (
    ConflictError,
    InvalidInputError,
    MissingDataError,
    QuantDeskError,
    RefusedError,
    UnavailableError,
)
from infra.api_key import api_key
from infra.settings import Settings

ERRORS: dict[int, type[QuantDeskError]] = {
    403: RefusedError,
    404: MissingDataError,
    409: ConflictError,
    422: InvalidInputError,
}
TIMEOUT_SECONDS = 10.0
Parameters = Mapping[str, str | None]


class DeskClient:
    """Asks a running desk; its errors are raised as they were there.

    Parameters
    ----------
    port : int, optional
        Where the API listens; the port of the settings when left out.
    """

    def __init__(self, settings: Settings, *, port: int | None = None) -> None:
        host = f"[{settings.api.host}]" if ":" in settings.api.host else settings.api.host
        self._base = f"http://{host}:{port or settings.api.port}"
        self._headers = {"X-API-Key": api_key(settings)}

    def get(self, path: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a question."""
        with self._connected() as client:
            return _answer(client.get(path, params=_given(parameters)))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a request."""
        with self._connected() as client:
            return _answer(client.post(path, json=body))

    def events(self, path: str, parameters: Parameters | None = None) -> Iterator[Any]:
        """Yield the data of each event of a stream until it ends."""
        with (
            self._connected() as client,
            client.stream("GET", path, params=_given(parameters), timeout=None) as answer,
        ):
            if answer.status_code != 200:
                answer.read()
                _answer(answer)
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[len("data: ") :])

    @contextmanager
    def _connected(self) -> Iterator[httpx.Client]:
        try:
            with httpx.Client(
                base_url=self._base, headers=self._headers, timeout=TIMEOUT_SECONDS
            ) as client:
                yield client
        except httpx.TransportError as error:
            raise UnavailableError(
                f"no desk answers at {self._base} ({type(error).__name__}): start one by "
                "`quantdesk up` or `quantdesk serve`, or name its --port"
            ) from error


def _answer(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """Return the document, or raise what the desk raised."""
    if answer.is_success:
        return answer.json()
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError):
        detail = f"the desk answered {answer.status_code}"
    raise ERRORS.get(answer.status_code, UnavailableError)(detail)


def _given(parameters: Parameters | None) -> dict[str, str]:
    return {name: value for name, value in (parameters or {}).items() if value is not None}
