"""What the routes answer from: the desk, its cache and queue, and how start-up went."""

from functools import cached_property

from fastapi import Request

from basics.errors import UnavailableError
from infra.bootstrap import Desk
from services.online_store import OnlineStore
from services.ports import Cache, MessageQueue
from services.predictions import Predictions
from serving.answer_log import AnswerLog
from serving.answers import Answers
from serving.live import Live
from serving.predicting import CachedPredictor
from serving.startup import StartUp


class Context:
    """One for each application, kept in its state."""

    def __init__(
        self,
        *,
        desk: Desk,
        cache: Cache,
        queue: MessageQueue,
        predictions: Predictions,
        start_up: StartUp,
        live: Live,
    ) -> None:
        self.desk = desk
        self.cache = cache
        self.queue = queue
        self._predictions = predictions
        self.start_up = start_up
        self.live = live

    @cached_property
    def answers(self) -> Answers:
        """Answers from the documents that the flows stored."""
        return Answers(
            self.desk.results, self.cache, ttl_seconds=self.desk.settings.cache.ttl_risk_seconds
        )

    @cached_property
    def predictor(self) -> CachedPredictor:
        """The registry's versions, with the cache before them."""
        return CachedPredictor(
            self._predictions,
            self.cache,
            ttl_seconds=self.desk.settings.cache.ttl_predictions_seconds,
            store=self.desk.prediction_log,
            answers=self.answer_log,
        )

    @cached_property
    def online_store(self) -> OnlineStore:
        """Newest features of each symbol, over the application's own cache."""
        return self.desk.online_store_on(self.cache)

    @cached_property
    def answer_log(self) -> AnswerLog:
        """What models answered, on its way into the database."""
        desk = self.desk
        return AnswerLog(desk.prediction_log, desk.clock, desk.settings.prediction_log)


def context_of(request: Request) -> Context:
    """Return the application's context."""
    context: Context = request.app.state.context
    return context


def answers_of(request: Request) -> Answers:
    """Return the answers from stored documents."""
    return context_of(request).answers


async def require_ready(request: Request) -> None:
    """Raise `UnavailableError` while the components are coming up."""
    start_up = context_of(request).start_up
    if not start_up.ready:
        name = next(state.name for state in start_up.states if not state.ready)
        raise UnavailableError(f"the desk is starting, {name} is not up: ask /ready")
