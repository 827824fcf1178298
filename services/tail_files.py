"""The files that a risk version keeps: the model, every forecast, what it promises, how it did."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.identifiers import content_hash
from market.panel import Panel
from models.contest import Contender
from models.predictors import LinearPredictor
from models.tail_forecast import CANDIDATE, TailForecast, TailSpec
from services import model_documents as documents
from services import model_tables as tables
from services.mlflow_form import mlflow_files
from services.model_card import card
from services.tail_promise import TailDocument, TailPromise

TAIL = "tail.json"
METRIC = documents.FISSLER_ZIEGEL
FEATURE_SET = "tail@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TailTrained:
    """What training made: every contender's forecasts and losses, the candidate, its promises."""

    panel: Panel
    spec: TailSpec
    forecasts: Mapping[str, TailForecast]
    field: Mapping[str, Contender]
    model: LinearPredictor
    document: TailDocument
    promise: TailPromise
    data_version: str


def tail_files(
    trained: TailTrained, *, evaluation: documents.Evaluation, environment: Mapping[str, str]
) -> dict[str, bytes]:
    """Return every file by its path in the run; those under `model/` are signed."""
    from models.kind_figures import Shown, plots

    panel, model = trained.panel, trained.model
    manifest = _manifest(trained)
    signed = {
        manifest.file: model.to_native(),
        documents.MANIFEST: documents.to_json(manifest),
        documents.ASSURANCE: documents.to_json(trained.promise.assurance),
        documents.EVALUATION: documents.to_json(evaluation),
        documents.PREDICTIONS: _predictions(trained),
        documents.CARD: card(manifest, evaluation, environment),
        TAIL: documents.to_json(trained.document),
        **mlflow_files(manifest),
    }
    shown = Shown(
        candidate=CANDIDATE,
        metric=METRIC,
        sessions=panel.sessions,
        outcome=_tested(trained, trained.promise.loss),
        grids={name: forecast.value_at_risk for name, forecast in trained.forecasts.items()},
        contenders=trained.field,
        coverage=evaluation.coverage,
    )
    kept = {f"model/{name}": content for name, content in signed.items()}
    kept |= plots(trained.spec, shown)
    return kept | {documents.LOSSES: tables.losses_table(trained.field, panel.sessions)}


def _predictions(trained: TailTrained) -> bytes:
    """Return every forecast as a row for each series and session: value at risk and shortfall."""
    promise = trained.promise
    grids = {name: forecast.value_at_risk for name, forecast in trained.forecasts.items()}
    grids |= {
        f"{name}{documents.SHORTFALL}": forecast.shortfall
        for name, forecast in trained.forecasts.items()
    }
    grids |= {
        documents.BELOW: promise.below,
        documents.ABOVE: promise.above,
        documents.SCALE: promise.scale,
    }
    tested = {name: _tested(trained, grid) for name, grid in grids.items()}
    return tables.predictions_table(trained.panel, tested, promise.loss)


def _tested(trained: TailTrained, grid: FloatArray) -> FloatArray:
    """Return the cells of the sessions that are tested: the rows that versions are compared on."""
    years = trained.panel.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(years >= trained.spec.first_test_year, grid, np.nan)


def _manifest(trained: TailTrained) -> documents.Manifest:
    panel, spec, model = trained.panel, trained.spec, trained.model
    days = panel.sessions.astype(object)
    example = trained.promise.assurance.centre
    return documents.Manifest(
        name=spec.name,
        estimator=CANDIDATE,
        format=model.format,
        file=documents.native_file(model),
        feature_set=FEATURE_SET,
        feature_hash=content_hash(FEATURE_SET),
        feature_names=model.feature_names,
        target=f"tomorrow's value at risk at {spec.confidence:.1%}, a positive fraction",
        horizon=1,
        data_version=trained.data_version,
        trained_first=days[0],
        trained_last=days[-1],
        training_rows=trained.promise.rows,
        parameters=spec.setting(),
        example=example,
        example_prediction=model.predict_row(np.array(example)),
        metric=METRIC,
    )
