"""Predictions with a cache before the model: by version, and by the hash of the feature vector.

Where a row says what it is about, the answer is noted in the log, and a trial that runs decides
which version answers it. A trial can only add to what the champion does: a version on trial that
cannot answer leaves the row to the champion.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from anyio.to_thread import run_sync

from basics.arrays import FloatArray
from basics.errors import QuantDeskError, UnavailableError
from infra.cache.typed import TypedCache
from models.arms import Arm, ArmPlan, Mode
from models.assurance import Prediction
from services.in_service import InService, in_service
from services.ports import Cache, PredictionLog
from services.predictions import FeatureRow, Predictions, ServedModel
from services.promotion import CHAMPION
from serving.answer_log import AnswerLog, Subject

NAMESPACE = "predictions"
# How long an alias is believed without asking the registry: a promotion is seen after at most
# this time.
ALIAS_SECONDS = 1.0
# More rows than this are predicted beside the event loop.
ROWS_AT_ONCE = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one row is told: the answer, whether the cache had it, which version in which role."""

    told: Prediction
    cached: bool
    version: int
    arm: Arm | None

    @property
    def value(self) -> float:
        """What is foretold."""
        return self.told.value


class CachedPredictor:
    """Predicts, telling equal rows to the same version from the cache."""

    def __init__(
        self,
        predictions: Predictions,
        cache: Cache,
        *,
        ttl_seconds: float,
        store: PredictionLog,
        answers: AnswerLog,
    ) -> None:
        self._predictions = predictions
        self._values = TypedCache(cache, NAMESPACE, float, ttl_seconds=ttl_seconds)
        self._serving: dict[tuple[str, str | int], tuple[float, InService]] = {}
        self._store = store
        self._answers = answers

    async def predict(
        self,
        name: str,
        alias_or_version: str | int,
        rows: Sequence[FeatureRow],
        subjects: Sequence[Subject | None] = (),
    ) -> tuple[ServedModel, list[Answer]]:
        """Return the model that was asked for, and the answer to each row.

        Parameters
        ----------
        subjects : sequence of Subject or None
            What each row is about; rows about nothing are answered and not logged.

        Raises
        ------
        MissingDataError, RefusedError, InvalidInputError
            As `services.predictions` says.
        """
        serving = await self._model(name, alias_or_version)
        arm = Arm.CHAMPION if alias_or_version == CHAMPION else None
        plan = serving.plan
        if plan is not None and serving.splits and any(subjects):
            found = await self._split(serving, plan, rows, subjects)
        else:
            found = await self._ask(serving.model, rows, arm)
        if arm is not None and subjects:
            self._note(serving, rows, subjects, found)
        return serving.model, found

    async def asked(self, name: str, alias_or_version: str | int) -> ServedModel:
        """Return the version that `predict` would ask, as it is served."""
        return (await self._model(name, alias_or_version)).model

    async def _ask(
        self, model: ServedModel, rows: Sequence[FeatureRow], arm: Arm | None
    ) -> list[Answer]:
        x = model.matrix(rows)
        keys = [_key(model, row) for row in x]
        found = await self._values.get_many(keys)
        absent = [i for i, value in enumerate(found) if value is None]
        fresh = await self._compute(model, x[absent]) if absent else []
        made = dict(zip(absent, fresh, strict=True))
        await self._values.set_many({keys[i]: value for i, value in made.items()})
        values = [made[i] if value is None else value for i, value in enumerate(found)]
        # The value is what costs; interval, confidence and distance are told anew each time.
        told = model.assess(x, np.array(values))
        number = model.version.version
        return [
            Answer(answer, cached=value is not None, version=number, arm=arm)
            for answer, value in zip(told, found, strict=True)
        ]

    async def _split(
        self,
        serving: InService,
        plan: ArmPlan,
        rows: Sequence[FeatureRow],
        subjects: Sequence[Subject | None],
    ) -> list[Answer]:
        """Ask each row's own arm."""
        second = [
            i
            for i, about in enumerate(subjects)
            if about is not None and plan.arm_of(about.entity, about.session) is Arm.CHALLENGER
        ]
        told: dict[int, Answer] = {}
        if second and serving.treatment is not None:
            try:
                answers = await self._ask(
                    serving.treatment, [rows[i] for i in second], Arm.CHALLENGER
                )
                told = dict(zip(second, answers, strict=True))
            except QuantDeskError as error:
                # For example other features than the champion's: it answers these rows too.
                log.debug("the challenger could not answer", cause=str(error))
        rest = [i for i in range(len(rows)) if i not in told]
        if rest:
            answers = await self._ask(serving.model, [rows[i] for i in rest], Arm.CHAMPION)
            told |= dict(zip(rest, answers, strict=True))
        return [told[i] for i in range(len(rows))]

    def _note(
        self,
        serving: InService,
        rows: Sequence[FeatureRow],
        subjects: Sequence[Subject | None],
        found: Sequence[Answer],
    ) -> None:
        plan = serving.plan
        plan_id = plan.plan_id if plan else ""
        for arm, model in ((Arm.CHAMPION, serving.model), (Arm.CHALLENGER, serving.treatment)):
            own = [
                (about, answer.value)
                for about, answer in zip(subjects, found, strict=True)
                if about is not None and answer.arm is arm
            ]
            if own and model is not None:
                abouts, values = zip(*own, strict=True)
                self._answers.note(model, arm, abouts, values=values, plan_id=plan_id)
        if plan is not None and plan.mode is Mode.SHADOW and serving.treatment is not None:
            pairs = [(s, r) for s, r in zip(subjects, rows, strict=True) if s is not None]
            if pairs:
                abouts, asked = zip(*pairs, strict=True)
                self._answers.note(
                    serving.treatment, Arm.SHADOW, abouts, rows=asked, plan_id=plan_id
                )

    async def _model(self, name: str, alias_or_version: str | int) -> InService:
        asked = (name, alias_or_version)
        now = time.monotonic()
        known = self._serving.get(asked)
        if known is not None and now < known[0]:
            return known[1]
        try:
            serving = await run_sync(self._resolve, name, alias_or_version)
        except UnavailableError as error:
            if known is None:
                raise
            # The registry is gone: who answered until now goes on answering.
            log.warning("the registry is gone", model=name, cause=str(error))
            serving = known[1]
        if known is not None and known[1].model.version.version != serving.model.version.version:
            # Another version was promoted: what the former said is of no use any more.
            await self._values.drop()
        self._serving[asked] = (now + ALIAS_SECONDS, serving)
        return serving

    def _resolve(self, name: str, alias_or_version: str | int) -> InService:
        if alias_or_version != CHAMPION:
            return InService(self._predictions.served(name, alias_or_version))
        serving = in_service(self._predictions, self._store, name)
        if serving.hindrance:
            log.warning("a trial takes no part", model=name, cause=serving.hindrance)
        return serving

    async def _compute(self, model: ServedModel, x: FloatArray) -> list[float]:
        if len(x) <= ROWS_AT_ONCE:
            values = model.values(x)
        else:
            values = await run_sync(model.values, x)
        return [float(value) for value in values]


def _key(model: ServedModel, row: FloatArray) -> str:
    version = model.version
    # One NaN is as good as another, and -0.0 equals 0.0: equal vectors get equal keys.
    vector = np.where(np.isnan(row), np.nan, row) + 0.0
    digest = hashlib.blake2b(vector.tobytes(), digest_size=16).hexdigest()
    return f"{version.name}:{version.version}:{version.feature_hash[:16]}:{digest}"
