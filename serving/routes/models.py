"""The registered models, and their predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Literal, Self

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from pydantic.config import JsonDict

from models import assurance
from models.arms import Arm
from services.ports import ModelVersion
from serving.answer_log import Subject
from serving.context import context_of
from serving.problems import problem_responses
from serving.schemas import Body, Name, body_of, read_body

MAX_ROWS = 1000
MAX_FEATURES = 2000
EXAMPLE: JsonDict = {
    "model": "price",
    "version": "champion",
    "rows": [{"features": {"momentum_21": 0.012, "volatility_21": None}}],
}

_TOLD = tuple(field.name for field in fields(assurance.Prediction))

router = APIRouter(prefix="/ml", tags=["models"])


class VersionAnswer(BaseModel):
    """One version of a model."""

    version: int
    estimator: str = Field(examples=["lightgbm"])
    feature_set: str
    feature_hash: str
    data_version: str
    sha256: dict[str, str] = Field(description="digest of each file that serving reads")
    run_id: str = Field(description="the MLflow run that made it")
    created_at: datetime
    aliases: list[str] = Field(examples=[["champion"]])


class ModelAnswer(BaseModel):
    """A model: its aliases, and its versions, newest first."""

    name: str = Field(examples=["price"])
    aliases: dict[str, int] = Field(examples=[{"champion": 3}])
    versions: list[VersionAnswer]


class ModelsAnswer(BaseModel):
    """Every registered model."""

    models: list[ModelAnswer]


FeatureName = Annotated[str, Field(min_length=1, max_length=128)]


class PredictRow(Body):
    """The features of one row; null is a missing value."""

    features: dict[FeatureName, FiniteFloat | None] = Field(max_length=MAX_FEATURES)
    entity: Name | None = Field(
        default=None, description="what the row is about, such as a symbol", examples=["AAPL"]
    )
    session: date | None = Field(
        default=None,
        description="the session whose close it rests on; with an entity the answer is logged, "
        "its outcome joined when known, and a trial may choose the version",
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.entity is None) is not (self.session is None):
            raise ValueError("entity and session go together: give both or neither")
        return self

    @property
    def subject(self) -> Subject | None:
        """What the row is about."""
        if self.entity is None or self.session is None:
            return None
        return Subject(self.entity, self.session)


class PredictRequest(Body):
    """What to predict, by which model."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    model: Name = Field(examples=["price"])
    version: Name | Annotated[int, Field(ge=1)] = Field(
        default="champion", description="an alias or a version's number"
    )
    rows: list[PredictRow] = Field(min_length=1, max_length=MAX_ROWS)


class Prediction(BaseModel):
    """What the model says of one row, how far to trust it, and who answered."""

    value: float | None = Field(description="null where a feature is missing and nothing is told")
    low: float | None = Field(description="lower end of the interval; null where there is none")
    high: float | None
    coverage: float = Field(description="share of outcomes that the interval shall hold")
    confidence: float = Field(description="how sure the outcome lies on the value's side, 0 to 1")
    regime: str | None = Field(description="the market's state, where the kind tells it")
    ood_score: float = Field(description="share of the training rows that were less strange")
    abstain: bool = Field(description="true where the row lies beyond what was trained on")
    model_version: str = Field(examples=["price v2 lightgbm"])
    feature_hash: str
    cache: Literal["hit", "miss"]
    version: int = Field(description="the version that answered: under a trial not always one")
    arm: Arm | None = Field(description="its role; null when a version was asked for by name")


class PredictAnswer(BaseModel):
    """One prediction for each row, in order, and what made it."""

    model: str
    version: int
    estimator: str
    feature_set: str
    feature_hash: str
    predictions: list[Prediction]


@router.get("/models", response_model=ModelsAnswer, responses=problem_responses(401, 503))
async def ml_models(request: Request) -> ModelsAnswer:
    """List the registered models with their versions and aliases."""
    registry = context_of(request).desk.models

    def read() -> ModelsAnswer:
        return ModelsAnswer(
            models=[
                _model(name, registry.aliases(name), registry.versions(name))
                for name in registry.names()
            ]
        )

    return await run_sync(read)


@router.post(
    "/predict",
    response_model=PredictAnswer,
    responses=problem_responses(401, 403, 404, 413, 422, 503),
    openapi_extra=body_of(PredictRequest),
)
async def ml_predict(request: Request) -> Response:
    """Predict one value for each row; equal rows to the same version are told from the cache."""
    asked = await read_body(request, PredictRequest)
    rows = [row.features for row in asked.rows]
    subjects = [row.subject for row in asked.rows]
    predictor = context_of(request).predictor
    model, found = await predictor.predict(
        asked.model, asked.version, rows, subjects if any(subjects) else ()
    )
    version = model.version
    # Written as bytes here: to check our own answer again would cost more than to predict it.
    answer = {
        "model": version.name,
        "version": version.version,
        "estimator": version.estimator,
        "feature_set": version.feature_set,
        "feature_hash": version.feature_hash,
        "predictions": [
            {
                **{name: getattr(answer.told, name) for name in _TOLD},
                "cache": "hit" if answer.cached else "miss",
                "version": answer.version,
                "arm": answer.arm,
            }
            for answer in found
        ],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


def _model(name: str, aliases: Mapping[str, int], versions: Sequence[ModelVersion]) -> ModelAnswer:
    return ModelAnswer(
        name=name,
        aliases=dict(aliases),
        versions=[
            VersionAnswer(
                version=v.version,
                estimator=v.estimator,
                feature_set=v.feature_set,
                feature_hash=v.feature_hash,
                data_version=v.data_version,
                sha256=dict(v.sha256),
                run_id=v.run_id,
                created_at=v.created_at,
                aliases=sorted(alias for alias, number in aliases.items() if number == v.version),
            )
            for v in reversed(versions)
        ],
    )
