"""What was foretold in service, and the trials of two versions against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from models.arms import Arm, ArmPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPrediction:
    """One answer, of which model and in which role, and what came of it.

    Attributes
    ----------
    entity, session
        What it is about, and the session whose close it rests on.
    plan_id : str
        The trial that it belongs to; empty outside any.
    outcome : float or None
        What came to pass, in the unit of the prediction; None while it is not known.
    """

    model: str
    version: int
    arm: Arm
    entity: str
    session: date
    value: float
    answered_at: datetime
    plan_id: str = ""
    outcome: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPlan:
    """A trial, who began and ended it and when; `ended_at` is None while it runs."""

    plan: ArmPlan
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


class PredictionLog(Protocol):
    """Keeps the first answer of each version, in each arm, on each entity and session.

    What is appended twice is kept once, so a consumer may repeat itself. Every method raises
    `UnavailableError` when the store does not answer.
    """

    def append(self, rows: Sequence[ServedPrediction]) -> int:
        """Keep the answers that are not there yet; return how many were new."""
        ...

    def rows(
        self, model: str, *, since: date | None = None, plan_id: str | None = None
    ) -> Sequence[ServedPrediction]:
        """Return what was answered from `since` on, by session, entity, version and arm."""
        ...

    def waiting(self, model: str) -> Sequence[tuple[str, date]]:
        """Return each (entity, session) with an answer whose outcome is not known, sorted."""
        ...

    def join(self, model: str, outcomes: Mapping[tuple[str, date], float]) -> int:
        """Write the outcomes on every answer that waits for one; return how many it told."""
        ...

    def prune(self, *, before: date) -> int:
        """Remove the answers on sessions before a day; return how many."""
        ...

    def start(self, standing: StandingPlan) -> None:
        """Begin a trial; `ConflictError` while another of the model runs."""
        ...

    def end(self, model: str, *, by: str, at: datetime) -> StandingPlan:
        """End the model's trial and return it; `MissingDataError` if none runs."""
        ...

    def plan(self, model: str) -> StandingPlan | None:
        """Return the trial of the model that runs, if any."""
        ...

    def plans(self, model: str) -> Sequence[StandingPlan]:
        """Return every trial of the model, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionEvent:
    """What the stream made of one message: the answers on its bars.

    Attributes
    ----------
    key : str
        Names the message by its content: the same bars sent again are the same event.
    sequence : int
        Rises with each event, so that a reader goes on after the last that it saw; 0 before it
        is kept.
    """

    key: str
    model: str
    dataset: str
    session: date
    answers: tuple[ServedPrediction, ...]
    made_at: datetime
    sequence: int = 0


class PredictionEvents(Protocol):
    """Keeps the events of the stream, each once.

    Every method raises `UnavailableError` when the store does not answer.
    """

    def known(self, model: str, key: str) -> bool:
        """Return whether the event of this message is kept."""
        ...

    def commit(self, event: PredictionEvent) -> bool:
        """Keep the event and log its answers in one transaction; False if it was kept before."""
        ...

    def events(self, model: str, *, after: int = 0, limit: int = 100) -> Sequence[PredictionEvent]:
        """Return the events after a sequence number, oldest first."""
        ...
