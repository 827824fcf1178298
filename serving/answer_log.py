"""Keeps what models answered without holding an answer up: noted in memory, written in batches.

A note is one append to a bounded list; a task writes them beside the answering, on a thread, and
asks the shadow there too. What exceeds the bound is dropped and counted, and a store that does
not answer is tried again: an answer never waits for either.
"""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from anyio.to_thread import run_sync

from basics.clock import Clock
from basics.errors import QuantDeskError, UnavailableError
from infra.setting_groups import PredictionLogSettings
from models.arms import Arm
from services.ports import PredictionLog, ServedPrediction
from services.predictions import FeatureRow, ServedModel

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a row is about: an entity, and the session whose close it rests on."""

    entity: str
    session: date


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows that one version answered in one role; without values it is yet to be asked."""

    model: ServedModel
    arm: Arm
    plan_id: str
    at: datetime
    subjects: Sequence[Subject]
    values: Sequence[float] = ()
    rows: Sequence[FeatureRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLogStatus:
    """How the log of this process is doing, in rows since it started.

    Attributes
    ----------
    written : int
        Rows that were new; the same answer given again is kept once.
    dropped : int
        Rows beyond the bound.
    shadow_failed : int
        Rows that the shadow could not answer, for example for want of a feature.
    detail : str
        Why the store does not take them; empty while it does.
    """

    waiting: int
    written: int
    dropped: int
    shadow_failed: int
    detail: str


class AnswerLog:
    """Takes notes of answers, and writes them while `run` runs."""

    def __init__(self, store: PredictionLog, clock: Clock, settings: PredictionLogSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._waiting: deque[Answered] = deque()
        self._rows = 0
        self._written = 0
        self._dropped = 0
        self._shadow_failed = 0
        self._detail = ""

    def note(
        self,
        model: ServedModel,
        arm: Arm,
        subjects: Sequence[Subject],
        *,
        values: Sequence[float] = (),
        rows: Sequence[FeatureRow] = (),
        plan_id: str = "",
    ) -> None:
        """Remember to write what `model` answered, or to ask it by `rows` and write that."""
        if self._rows + len(subjects) > self._settings.max_waiting:
            self._dropped += len(subjects)
            return
        self._rows += len(subjects)
        self._waiting.append(
            Answered(model, arm, plan_id, self._clock.now(), subjects, values, rows)
        )

    @property
    def status(self) -> AnswerLogStatus:
        """How the log is doing."""
        return AnswerLogStatus(
            waiting=self._rows,
            written=self._written,
            dropped=self._dropped,
            shadow_failed=self._shadow_failed,
            detail=self._detail,
        )

    async def run(self) -> None:
        """Write what waits, again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.flush_seconds)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits now; what the store does not take goes on waiting."""
        while self._waiting:
            taken = self._take()
            try:
                self._written += await run_sync(self._write, taken)
            except UnavailableError as error:
                self._waiting.extendleft(reversed(taken))
                if not self._detail:
                    log.warning("answers are not written", cause=str(error), waiting=self._rows)
                self._detail = str(error)
                return
            except QuantDeskError:
                # What the store can never hold must not keep the rest from it.
                self._dropped += sum(len(item.subjects) for item in taken)
                log.exception("answers were refused")
            self._detail = ""
            self._rows -= sum(len(item.subjects) for item in taken)

    def _take(self) -> list[Answered]:
        taken: list[Answered] = []
        count = 0
        while self._waiting and count < self._settings.batch:
            item = self._waiting.popleft()
            taken.append(item)
            count += len(item.subjects)
        return taken

    def _write(self, taken: Sequence[Answered]) -> int:
        rows = [row for item in taken for row in self._rows_of(item)]
        return self._store.append(rows)

    def _rows_of(self, item: Answered) -> list[ServedPrediction]:
        values = item.values
        if not values:
            try:
                values = item.model.values(item.model.matrix(item.rows)).tolist()
            except QuantDeskError as error:
                self._shadow_failed += len(item.subjects)
                log.debug("the shadow could not answer", cause=str(error))
                return []
        version = item.model.version
        return [
            ServedPrediction(
                model=version.name,
                version=version.version,
                arm=item.arm,
                entity=subject.entity,
                session=subject.session,
                value=float(value),
                answered_at=item.at,
                plan_id=item.plan_id,
            )
            for subject, value in zip(item.subjects, values, strict=True)
            if math.isfinite(value)  # A row with a missing feature may have no answer.
        ]
