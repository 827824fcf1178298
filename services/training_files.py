"""The files that a trained version keeps: the model, what it promises, how it did."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from models.assurance import Assurance, fit_assurance
from models.confidence import YearCoverage, coverage_by_year
from models.predictors import Predictor
from models.tournament import Ground
from models.training import predict_rows
from services import model_documents as documents
from services.training_inputs import TrainingInputs

SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The candidate's intervals out of sample.

    Attributes
    ----------
    half_width : ndarray of shape (n_symbols, n_sessions)
        Half the interval around each prediction, in the unit of the target; NaN where unknown.
    coverage : tuple of YearCoverage
        By calendar year, the share of outcomes inside.
    assurance : Assurance
        What a server reads intervals from.
    """

    half_width: FloatArray
    coverage: tuple[YearCoverage, ...]
    assurance: Assurance


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training made: predictions by contender, the fitted candidate, its intervals."""

    grids: Mapping[str, FloatArray]
    model: Predictor
    intervals: Intervals


def intervals_out_of_sample(
    inputs: TrainingInputs, ground: Ground, prediction: FloatArray
) -> Intervals:
    """Measure the errors out of sample, and let the intervals follow them session by session."""
    dataset, spec = ground.dataset, inputs.spec
    feature, factor = spec.scale()
    everywhere = np.arange(len(dataset.y))
    scale = np.ones(len(dataset.y)) if not feature else factor * dataset.column(feature)
    unit = dataset.to_grid(np.maximum(scale, 1e-12), everywhere)
    scores = np.abs(ground.outcome - prediction) / unit
    method = spec.intervals()
    widths = method.widths(scores)
    known = np.isfinite(scores) & np.isfinite(widths)
    covered = np.where(known, (scores <= widths).astype(np.float64), np.nan)
    years = dataset.sessions.astype("datetime64[Y]").astype(int) + 1970
    recent = scores[:, -(method.window + method.delay) :]
    return Intervals(
        half_width=np.where(np.isfinite(prediction), widths * unit, np.nan),
        coverage=coverage_by_year(covered, years),
        assurance=fit_assurance(
            dataset.x[spec.final_rows(dataset)],
            recent[np.isfinite(recent)],
            names=dataset.feature_names,
            scale=(feature, factor),
            width=float(widths[np.isfinite(widths)][-1]),
            coverage=spec.coverage,
        ),
    )


def version_files(
    inputs: TrainingInputs,
    ground: Ground,
    trained: Trained,
    *,
    evaluation: documents.Evaluation,
    environment: Mapping[str, str],
) -> dict[str, bytes]:
    """Return every file by its path in the run; those under `model/` are signed."""
    from models.figures import training_figures

    grids, model, intervals = trained.grids, trained.model, trained.intervals
    manifest = _manifest(inputs, ground, model)
    candidate = inputs.spec.candidate().name
    table = documents.predictions_table(
        ground.dataset,
        {candidate: grids[candidate], **grids, documents.HALF_WIDTH: intervals.half_width},
        ground.outcome,
    )
    signed = {
        manifest.file: model.to_native(),
        documents.MANIFEST: documents.to_json(manifest),
        documents.ASSURANCE: documents.to_json(intervals.assurance),
        documents.EVALUATION: documents.to_json(evaluation),
        documents.PREDICTIONS: table,
        documents.CARD: documents.card(manifest, evaluation, environment),
    }
    plots = training_figures(
        evaluation.years, documents.by_size(evaluation.importances), evaluation.metrics
    )
    kept = {f"model/{name}": content for name, content in signed.items()} | plots
    return kept | _contributions(inputs, ground, model)


def _manifest(inputs: TrainingInputs, ground: Ground, model: Predictor) -> documents.Manifest:
    dataset, spec = ground.dataset, inputs.spec
    rows = spec.final_rows(dataset)
    days = dataset.sessions.astype(object)
    return documents.Manifest(
        name=spec.name,
        estimator=spec.candidate().name,
        format=model.format,
        file=documents.native_file(model),
        feature_set=dataset.feature_set,
        feature_hash=dataset.feature_hash,
        feature_names=model.feature_names,
        target=spec.target(inputs.outcome),
        horizon=spec.horizon,
        data_version=inputs.data_version,
        trained_first=days[dataset.session[rows[0]]],
        trained_last=days[dataset.session[rows[-1]]],
        training_rows=len(rows),
        parameters=spec.candidate().parameters(),
        example=tuple(dataset.x[rows[-1]].tolist()),
        example_prediction=float(predict_rows(model, dataset, rows[-1:])[0]),
        metric=spec.metric,
    )


def _contributions(inputs: TrainingInputs, ground: Ground, model: Predictor) -> dict[str, bytes]:
    """Return each feature's contribution to the latest predictions, where the model tells."""
    if not hasattr(model, "contributions"):
        return {}
    dataset = ground.dataset
    rows = inputs.spec.final_rows(dataset)[-SAMPLE_ROWS:]
    table = documents.contributions_table(dataset, rows, model.contributions(dataset.x[rows]))
    return {"contributions.parquet": table}
