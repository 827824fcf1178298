"""Whether the process lives, and whether it is ready: both without a key."""

import time
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from serving.context import context_of
from serving.schemas import ComponentAnswer, HealthAnswer, ReadyAnswer

router = APIRouter(tags=["health"])
_BEGAN = time.monotonic()


@router.get("/health", response_model=HealthAnswer)
async def health() -> HealthAnswer:
    """Tell that the process lives."""
    return HealthAnswer(
        status="ok", version=version("quantdesk"), uptime_seconds=time.monotonic() - _BEGAN
    )


@router.get("/ready", response_model=ReadyAnswer, responses={503: {"model": ReadyAnswer}})
async def ready(request: Request, response: Response) -> ReadyAnswer:
    """Tell whether every component has come up, and how database, cache and queue are now."""
    start_up = context_of(request).start_up
    await start_up.look_again()
    response.status_code = 200 if start_up.ready else 503
    return ReadyAnswer(
        ready=start_up.ready,
        components=[
            ComponentAnswer(
                name=state.name,
                mode=state.mode,
                ready=state.ready,
                detail=state.detail,
                milliseconds=state.seconds * 1000,
            )
            for state in start_up.states
        ],
    )
