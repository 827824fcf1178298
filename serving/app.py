"""The HTTP face of the desk: an application made from a desk, which answers what it holds."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from infra.api_key import api_key
from infra.bootstrap import Desk
from infra.cache import open_cache
from infra.messaging import open_queue
from services.alerts import AlertConsumer
from services.predictions import Predictions
from serving import reference
from serving.background import keep_running
from serving.body_limit import BodyLimit
from serving.components import components
from serving.context import Context, require_ready
from serving.live import Live
from serving.problems import Problem, answer_problems
from serving.routes import (
    alerts,
    features,
    health,
    limits,
    live,
    manual_entries,
    models,
    night,
    orders,
    performance,
    pnl,
    remedy,
    risk,
    trials,
)
from serving.schemas import BODIES
from serving.security import LoopbackNames, key_check
from serving.startup import ComponentState, StartUp

DESCRIPTION = """
The desk's analytics over what its flows left: risk, profit and loss, alerts, models, orders.

Signs: quantity > 0 is long, P&L > 0 is gain; value at risk, shortfall and drawdown are positive
losses. Rates are fractions. Times are UTC; `desk_date` is the date that the numbers describe.
Errors are problem documents (RFC 9457).
"""


def create_app(
    desk: Desk,
    *,
    on_started: Callable[[ComponentState], None] = lambda _: None,
    on_failed: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Return an application that answers from `desk`.

    The components come up in order once the application runs; until then `/ready` answers 503.

    Parameters
    ----------
    on_started : callable
        Told of each component as it has come up.
    on_failed : callable
        Told once if a component that the desk cannot do without has failed.
    """
    settings = desk.settings
    cache = open_cache(settings.cache)
    queue = open_queue(settings.queue, state_dir=settings.state_dir)
    predictions = Predictions(desk.models)
    live_desk = Live(desk, queue)
    start_up = StartUp(components(desk, cache, queue, predictions), on_started=on_started)

    context = Context(
        desk=desk,
        cache=cache,
        queue=queue,
        predictions=predictions,
        start_up=start_up,
        live=live_desk,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async def come_up() -> None:
            await start_up.run()
            if start_up.error is not None:
                on_failed()
            # What start-up made stays: a collection that walks it would hold up requests.
            gc.collect()
            gc.freeze()
            if start_up.ready:
                consumer = AlertConsumer(queue, desk.alert_store, desk.clock)
                await asyncio.gather(
                    keep_running("alerts", consumer.run),
                    keep_running("live desk", live_desk.run),
                    keep_running("answer log", context.answer_log.run),
                )

        task = asyncio.create_task(come_up())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if start_up.ready:
                await context.answer_log.flush()
            await live_desk.close()
            await cache.close()
            await queue.close()

    app = FastAPI(
        title="quantdesk",
        version=version("quantdesk"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load their code from elsewhere.
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
    )
    app.state.context = context
    _mount(app, api_key(settings))
    answer_problems(app)
    app.add_middleware(BodyLimit, max_bytes=settings.api.max_body_bytes)
    app.add_middleware(LoopbackNames)
    return app


def _mount(app: FastAPI, key: str) -> None:
    app.include_router(health.router)
    app.include_router(reference.router)
    guarded = [Depends(key_check(key)), Depends(require_ready)]
    # The live routes come first: /pnl/live is no name that another route may take.
    routers = (
        live, risk, night, remedy, limits, pnl, manual_entries, alerts, features, models, trials,
        orders, performance,
    )  # fmt: skip
    for router in (module.router for module in routers):
        app.include_router(router, dependencies=guarded)
    for module in (health, *routers):
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                # The first line of the docstring says more than the function's name.
                route.summary = (route.endpoint.__doc__ or "").partition("\n")[0].rstrip(".")
    _complete_document(app)


def _complete_document(app: FastAPI) -> None:
    """Add the schemas that routes refer to by name alone to the OpenAPI document."""
    made = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schemas = made().setdefault("components", {}).setdefault("schemas", {})
            forms: list[type[BaseModel]] = [Problem, *BODIES]
            for form in forms:
                schema = form.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {}) | {form.__name__: schema}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _operation_id(route: APIRoute) -> str:
    return route.name
