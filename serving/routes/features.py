"""The online store: bars and trades in, each symbol's newest features and predictions out."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from pydantic.config import JsonDict

from basics.errors import ConflictError, InvalidInputError
from features.sets import FeatureSet, feature_set
from services.live_features import FeatureVector
from services.online_store import LatestFeatures, Taken, Trade
from serving.answer_log import Subject
from serving.context import Context, context_of
from serving.problems import problem_responses
from serving.schemas import Body, Name, body_of, read_body
from serving.schemas import Query as QueryParameters

MAX_SYMBOLS = 1000
MAX_TRADES = 10_000
BARS_EXAMPLE: JsonDict = {
    "dataset": "equities",
    "session": "2022-12-29",
    "bars": {"AAPL": {"open": 127.9, "high": 130.4, "low": 127.7, "close": 129.5, "volume": 7e7}},
}
TRADES_EXAMPLE: JsonDict = {
    "dataset": "equities",
    "session": "2022-12-29",
    "trades": [{"symbol": "AAPL", "price": 129.61, "size": 100}],
}

router = APIRouter(responses=problem_responses(401, 404, 409, 422, 503))

Symbol = Annotated[str, Field(pattern=r"^[A-Za-z0-9.^/_-]{1,32}$", examples=["AAPL"])]
DatasetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["equities"])]
FieldName = Annotated[str, Field(pattern=r"^[a-z_]{1,32}$", examples=["close"])]


class LatestQuery(QueryParameters):
    """Whose features, of which set."""

    symbol: list[Symbol] | None = Field(
        default=None, max_length=MAX_SYMBOLS, description="left out: every symbol"
    )
    set: Name = Field(default="close_momentum", description="a feature set")
    dataset: DatasetName = Field(default="equities", description="the bars under them")


class BarsRequest(Body):
    """Bars of a session that the lake does not hold yet; sent again as they change."""

    model_config = ConfigDict(json_schema_extra={"examples": [BARS_EXAMPLE]})

    dataset: DatasetName
    session: date = Field(strict=False, description="a new session closes the one before it")
    bars: dict[Symbol, dict[FieldName, FiniteFloat]] = Field(
        min_length=1, max_length=MAX_SYMBOLS, description="fields left out stay as they were"
    )


class TradeRow(Body):
    """One trade."""

    symbol: Symbol
    price: FiniteFloat = Field(gt=0)
    size: FiniteFloat = Field(gt=0)


class TradesRequest(Body):
    """Trades of a session, in order, to be folded into its forming bars."""

    model_config = ConfigDict(json_schema_extra={"examples": [TRADES_EXAMPLE]})

    dataset: DatasetName
    session: date = Field(strict=False)
    trades: list[TradeRow] = Field(min_length=1, max_length=MAX_TRADES)


class LatestVector(BaseModel):
    """One symbol's features as they stand."""

    symbol: str
    session: date = Field(description="the session whose close or last tick it rests on")
    updated_at: datetime | None = Field(
        description="when the live bars under it last changed; null: they are the lake's"
    )
    cache: Literal["hit", "miss"]
    features: dict[str, float | None] = Field(description="null where not defined")


class LatestAnswer(BaseModel):
    """The newest vectors, and what they rest on."""

    feature_set: str = Field(examples=["close_momentum@1"])
    content_hash: str
    dataset: str
    lake_session: date = Field(description="the last session that the lake holds")
    simulated: list[str] = Field(description="simulated fields: with any it is no evidence")
    vectors: list[LatestVector]


class PredictLatestRequest(Body):
    """Which model predicts from the newest features of which symbols."""

    model: Name = Field(examples=["price"])
    version: Name | Annotated[int, Field(ge=1)] = Field(default="champion")
    dataset: DatasetName = "equities"
    symbols: list[Symbol] = Field(min_length=1, max_length=MAX_SYMBOLS)


class LatestPrediction(BaseModel):
    """What the model says of a symbol now."""

    symbol: str
    session: date
    value: float | None = Field(description="null while a feature of the model is missing")
    missing: list[str] = Field(description="the features of the model that are missing")


class PredictLatestAnswer(BaseModel):
    """One prediction for each symbol, in order, and what made it."""

    model: str
    version: int
    feature_set: str
    feature_hash: str
    simulated: list[str]
    predictions: list[LatestPrediction]


@router.get("/features/latest", response_model=LatestAnswer, tags=["features"])
async def features_latest(request: Request, query: Annotated[LatestQuery, Query()]) -> Response:
    """Show each symbol's newest features, from the cache or computed from the live state."""
    store = context_of(request).online_store
    found = await store.latest(feature_set(query.set), query.dataset, query.symbol)
    return Response(
        orjson.dumps(_latest_answer(found), option=orjson.OPT_UTC_Z), media_type="application/json"
    )


@router.post(
    "/features/bars",
    response_model=Taken,
    responses=problem_responses(413),
    openapi_extra=body_of(BarsRequest),
    tags=["features"],
)
async def features_bars(request: Request) -> Taken:
    """Take bars that are forming or have closed; every live feature set moves on."""
    asked = await read_body(request, BarsRequest)
    return await context_of(request).online_store.take(asked.dataset, asked.session, asked.bars)


@router.post(
    "/features/trades",
    response_model=Taken,
    responses=problem_responses(413),
    openapi_extra=body_of(TradesRequest),
    tags=["features"],
)
async def features_trades(request: Request) -> Taken:
    """Fold trades into the forming bars of their session; every live feature set moves on."""
    asked = await read_body(request, TradesRequest)
    trades = [Trade(row.symbol, row.price, row.size) for row in asked.trades]
    return await context_of(request).online_store.take_trades(asked.dataset, asked.session, trades)


@router.post(
    "/ml/predict/latest",
    response_model=PredictLatestAnswer,
    responses=problem_responses(403, 413),
    openapi_extra=body_of(PredictLatestRequest),
    tags=["models"],
)
async def ml_predict_latest(request: Request) -> PredictLatestAnswer:
    """Predict from the newest features of each symbol, by the set that the model was trained on."""
    asked = await read_body(request, PredictLatestRequest)
    context = context_of(request)
    model = await context.predictor.asked(asked.model, asked.version)
    version, names = model.version, tuple(model.predictor.feature_names)
    trained_on = _set_of(version.feature_set, version.feature_hash, version.label)
    found = await context.online_store.latest(trained_on, asked.dataset, asked.symbols)
    vectors = list(found.vectors.values())
    values = await _values(context, asked, trained_on, names, vectors)
    return PredictLatestAnswer(
        model=version.name,
        version=version.version,
        feature_set=version.feature_set,
        feature_hash=version.feature_hash,
        simulated=list(found.simulated),
        predictions=[
            LatestPrediction(
                symbol=vector.symbol,
                session=vector.day,
                value=values.get(vector.symbol),
                missing=_missing(trained_on, names, vector),
            )
            for vector in vectors
        ],
    )


async def _values(
    context: Context,
    asked: PredictLatestRequest,
    trained_on: FeatureSet,
    names: tuple[str, ...],
    vectors: list[FeatureVector],
) -> dict[str, float]:
    """Return the prediction for each symbol that has all of the model's features."""
    whole = [vector for vector in vectors if not _missing(trained_on, names, vector)]
    if not whole:
        return {}
    place = {name: k for k, name in enumerate(trained_on.names)}
    rows = [{name: float(vector.values[place[name]]) for name in names} for vector in whole]
    subjects = [Subject(vector.symbol, vector.day) for vector in whole]
    _, answers = await context.predictor.predict(asked.model, asked.version, rows, subjects)
    return {v.symbol: answer.value for v, answer in zip(whole, answers, strict=True)}


def _set_of(label: str, content_hash: str, version: str) -> FeatureSet:
    """Return the set that a model was trained on, if it is still that set."""
    if not label:
        raise InvalidInputError(f"{version} reads no features: POST /ml/predict answers for it")
    found = feature_set(label.partition("@")[0])
    if found.content_hash != content_hash:
        raise ConflictError(
            f"{version} was trained on {label} with hash {content_hash[:12]}, {found.label} has "
            f"{found.content_hash[:12]} now: train it again"
        )
    return found


def _missing(features: FeatureSet, names: tuple[str, ...], vector: FeatureVector) -> list[str]:
    unknown = dict(zip(features.names, np.isnan(vector.values), strict=True))
    return [name for name in names if unknown[name]]


def _latest_answer(found: LatestFeatures) -> dict[str, object]:
    names = found.features.names
    return {
        "feature_set": found.features.label,
        "content_hash": found.features.content_hash,
        "dataset": found.dataset,
        "lake_session": found.lake_session,
        "simulated": list(found.simulated),
        "vectors": [
            {
                "symbol": vector.symbol,
                "session": vector.day,
                "updated_at": _moment(vector.updated),
                "cache": "hit" if vector.symbol in found.cached else "miss",
                "features": {
                    name: None if np.isnan(value) else float(value)
                    for name, value in zip(names, vector.values, strict=True)
                },
            }
            for vector in found.vectors.values()
        ],
    }


def _moment(microseconds: int) -> datetime | None:
    return datetime.fromtimestamp(microseconds / 1e6, UTC) if microseconds else None
