"""Stored documents, and what follows from them, as ready answers: kept in the cache as bytes."""

from collections.abc import Callable
from datetime import date
from typing import Any

import anyio
import orjson
from anyio.to_thread import run_sync
from fastapi import Response

from basics.errors import MissingDataError
from services.portfolios import chosen_portfolio
from services.ports import Cache, ResultStore, StoredResult

NAMESPACE = "answers"
# The database is asked by few threads at a time; the others wait their turn.
READ_THREADS = 8


class Answers:
    """Answers from the latest document of a kind and scope, for at most `ttl_seconds`."""

    def __init__(self, results: ResultStore, cache: Cache, *, ttl_seconds: float) -> None:
        self._results = results
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._limiter = anyio.CapacityLimiter(READ_THREADS)

    async def respond(
        self,
        view: str,
        kind: str,
        scope: str | None,
        as_of: date | None,
        build: Callable[[StoredResult], dict[str, Any]],
    ) -> Response:
        """Return what `build` makes of the document, from the cache if it is there.

        Parameters
        ----------
        view : str
            Names what `build` makes, for the cache.
        scope : str or None
            None for the only scope there is.
        as_of : date or None
            The document of this desk date or the last before; None for the latest.
        """
        return await self.compute(
            f"{view}|{scope or ''}|{as_of or ''}",
            lambda: build(self._find(kind, scope, as_of)),
        )

    async def compute(self, key: str, make: Callable[[], dict[str, Any]]) -> Response:
        """Return what `make` answers, from the cache if `key` is there; it runs in a thread."""
        (found,) = await self._cache.get_many(NAMESPACE, [key])
        if found is not None:
            return _json(found, cache="hit")
        # What JSON lacks goes out as text: a Decimal digit for digit.
        body = await run_sync(lambda: orjson.dumps(make(), default=str), limiter=self._limiter)
        await self._cache.set_many(NAMESPACE, {key: body}, ttl_seconds=self._ttl_seconds)
        return _json(body, cache="miss")

    def _find(self, kind: str, scope: str | None, as_of: date | None) -> StoredResult:
        name = scope or self._only_scope(kind)
        if as_of is None:
            return self._results.latest(kind, name)
        upto = [r for r in self._results.history(kind, name) if r.desk_date <= as_of]
        if not upto:
            raise MissingDataError(
                f"no {kind!r} for {name!r} is stored on or before {as_of}: take a later date"
            )
        return upto[-1]

    def _only_scope(self, kind: str) -> str:
        scopes = self._results.scopes(kind)
        if not scopes:
            raise MissingDataError(f"no {kind!r} is stored yet: run `quantdesk demo`")
        return chosen_portfolio(scopes, None)


def head(result: StoredResult) -> dict[str, Any]:
    """Return what stands at the head of every answer: of what, of when, from where."""
    return {
        "portfolio": result.scope,
        "desk_date": result.desk_date,
        "computed_at": result.stored_at,
        "lineage": result.lineage,
    }


def _json(body: bytes, *, cache: str) -> Response:
    return Response(body, media_type="application/json", headers={"X-Cache": cache})
