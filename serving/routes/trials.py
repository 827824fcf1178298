"""Two versions of a model side by side: compared on history, tried in service, promoted."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request
from fastapi import Query as QueryParameters
from pydantic import BaseModel, Field

from models.arms import Mode, Unit
from services.arm_trials import TrialState, TrialVerdict
from services.comparison import Comparison, ModelComparison
from services.model_monitoring import MONITOR_KIND
from services.ports import PredictionEvent, StandingPlan, StoredResult
from services.promotion import History, history_of
from serving.answer_log import AnswerLogStatus
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, Name, Query, body_of, read_body

router = APIRouter(prefix="/ml/models", tags=["models"])
ModelName = Annotated[Name, Path(description="which model", examples=["price"])]


class TrialRequest(Body):
    """Which version is tried beside the champion, and how."""

    mode: Mode = Field(strict=False, description="split the rows, or answer unseen")
    treatment: Name | Annotated[int, Field(ge=1)] = Field(
        default="challenger", description="an alias or a version's number"
    )
    share: float = Field(default=0.5, gt=0, lt=1, description="share of the units under a split")
    unit: Unit = Field(default=Unit.ENTITY, strict=False, description="what a split hands out")


class CompareQuery(Query):
    """Which two versions: aliases or numbers."""

    first: Name = Field(examples=["champion"])
    second: Name = Field(examples=["challenger"])


class MonitorAnswer(BaseModel):
    """What was measured of each version, by desk date."""

    versions: dict[str, list[StoredResult]] = Field(examples=[{"price v2": []}])


class EventsQuery(Query):
    """Where a reader goes on, and how many events it takes."""

    after: int = Field(default=0, ge=0, le=2**31 - 1, description="the last sequence number seen")
    limit: int = Field(default=100, ge=1, le=1000)


class EventsAnswer(BaseModel):
    """Events of the stream, oldest first."""

    events: list[PredictionEvent]


class TrialAnswer(BaseModel):
    """The trial that runs, what was logged, and every earlier trial."""

    running: TrialState | None
    log: AnswerLogStatus = Field(description="the log of this process")
    trials: list[StandingPlan]


class ReplayAnswer(BaseModel):
    """What a trial would have said over the sample's last two years."""

    shadow: TrialVerdict
    split: TrialVerdict


@router.get(
    "/{model}/compare",
    response_model=ModelComparison,
    responses=problem_responses(401, 404, 422, 503),
)
async def ml_compare(
    request: Request, model: ModelName, query: Annotated[CompareQuery, QueryParameters()]
) -> ModelComparison:
    """Compare two versions on the same rows out of sample, with block-bootstrap intervals."""
    desk = context_of(request).desk
    comparison = Comparison(desk.models, seed=desk.settings.seed)
    return await run_sync(lambda: comparison.compare(model, query.first, query.second))


@router.get(
    "/{model}/history", response_model=History, responses=problem_responses(401, 404, 422, 503)
)
async def ml_history(request: Request, model: ModelName) -> History:
    """Show every move of the model's aliases, and every verdict with its evidence."""
    desk = context_of(request).desk
    return await run_sync(lambda: history_of(desk.models, desk.results, model))


@router.get(
    "/{model}/monitor",
    response_model=MonitorAnswer,
    responses=problem_responses(401, 404, 422, 503),
)
async def ml_monitor(request: Request, model: ModelName) -> MonitorAnswer:
    """Show the stored measurements of each version in service, by desk date, newest last."""
    results = context_of(request).desk.results

    def read() -> MonitorAnswer:
        context_of(request).desk.models.resolve(model, "champion")
        scopes = [s for s in results.scopes(MONITOR_KIND) if s.startswith(f"{model} v")]
        return MonitorAnswer(
            versions={scope: list(results.history(MONITOR_KIND, scope)) for scope in scopes}
        )

    return await run_sync(read)


@router.get(
    "/{model}/events", response_model=EventsAnswer, responses=problem_responses(401, 422, 503)
)
async def ml_events(
    request: Request, model: ModelName, query: Annotated[EventsQuery, QueryParameters()]
) -> EventsAnswer:
    """Show what the stream made of each message of bars after a sequence number."""
    kept = context_of(request).desk.prediction_events
    found = await run_sync(lambda: kept.events(model, after=query.after, limit=query.limit))
    return EventsAnswer(events=list(found))


@router.get(
    "/{model}/ab", response_model=TrialAnswer, responses=problem_responses(401, 404, 422, 503)
)
async def ml_trial(request: Request, model: ModelName) -> TrialAnswer:
    """Show the trial of a model and what the outcomes known so far say."""
    context = context_of(request)
    desk = context.desk

    def read() -> TrialAnswer:
        desk.models.resolve(model, "champion")
        return TrialAnswer(
            running=desk.arm_trials.state(model),
            log=context.answer_log.status,
            trials=list(desk.prediction_log.plans(model)),
        )

    return await run_sync(read)


@router.get(
    "/{model}/ab/replay",
    response_model=ReplayAnswer,
    responses=problem_responses(401, 404, 422, 503),
)
async def ml_trial_replay(
    request: Request, model: ModelName, treatment: Name = "challenger"
) -> ReplayAnswer:
    """Replay a trial of `treatment` against the champion over the last two years."""
    desk = context_of(request).desk
    shadow, split = await run_sync(lambda: desk.arm_trials.replay(model, treatment=treatment))
    return ReplayAnswer(shadow=shadow, split=split)


@router.post(
    "/{model}/ab",
    status_code=201,
    response_model=StandingPlan,
    responses=problem_responses(401, 404, 409, 413, 422, 503),
    openapi_extra=body_of(TrialRequest),
)
async def ml_trial_start(request: Request, model: ModelName) -> StandingPlan:
    """Begin a trial; within a second every answer for the champion takes part."""
    asked = await read_body(request, TrialRequest)
    trials = context_of(request).desk.arm_trials
    return await run_sync(
        lambda: trials.start(
            model,
            mode=asked.mode,
            treatment=asked.treatment,
            share=asked.share,
            unit=asked.unit,
            by="api",
        )
    )


@router.delete(
    "/{model}/ab", response_model=StandingPlan, responses=problem_responses(401, 404, 422, 503)
)
async def ml_trial_end(request: Request, model: ModelName) -> StandingPlan:
    """End the trial that runs; what was logged stays."""
    trials = context_of(request).desk.arm_trials
    return await run_sync(lambda: trials.end(model, by="api"))
