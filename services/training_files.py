"""The files that a trained version keeps: the model, what it promises, how it did."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import MissingDataError
from models.assurance import Assurance, fit_assurance, with_contract
from models.confidence import YearCoverage, coverage_by_year
from models.contest import Contender
from models.coverage import CoverageException, coverage_exceptions
from models.dataset import Dataset
from models.intervals import leave_out_errors
from models.predictors import LinearPredictor, Predictor, linear_contributions
from models.reliability import reliability_bins
from models.tournament import Ground
from models.training import predict_rows
from services import model_documents as documents
from services import model_tables as tables
from services.mlflow_form import mlflow_files
from services.model_card import card
from services.training_inputs import TrainingInputs

SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The candidate's intervals out of sample.

    Attributes
    ----------
    below, above : ndarray of shape (n_symbols, n_sessions)
        How far the interval reaches around each prediction, in the unit of the target; NaN where
        unknown.
    scale : ndarray of shape (n_symbols, n_sessions)
        The unit that a cell's error is measured in.
    coverage : tuple of YearCoverage
        By calendar year, the share of outcomes inside.
    assurance : Assurance
        What a server reads intervals from.
    """

    below: FloatArray
    above: FloatArray
    scale: FloatArray
    coverage: tuple[YearCoverage, ...]
    assurance: Assurance
    exceptions: tuple[CoverageException, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training made: predictions and losses by contender, the candidate, its intervals."""

    grids: Mapping[str, FloatArray]
    field: Mapping[str, Contender]
    model: Predictor
    intervals: Intervals


def intervals_out_of_sample(
    inputs: TrainingInputs, ground: Ground, prediction: FloatArray, model: Predictor
) -> Intervals:
    """Measure the errors out of sample, and let the intervals follow them session by session."""
    if inputs.spec.contract.form != "outcome":
        return _rates(inputs, ground, prediction, model)
    dataset, spec = ground.dataset, inputs.spec
    feature, factor = spec.scale()
    if feature not in model.feature_names:
        feature, factor = "", 1.0  # A model that does not read the scale is bounded without it.
    everywhere = np.arange(len(dataset.y))
    scale = np.ones(len(dataset.y)) if not feature else factor * dataset.column(feature)
    scale = np.maximum(scale, 1e-12)
    unit = dataset.to_grid(scale, everywhere)
    errors = (ground.outcome - prediction) / unit
    method = spec.intervals()
    below, above = method.bounds(errors, start=_first_errors(inputs, ground, scale))
    known = np.isfinite(errors) & np.isfinite(above)
    inside = (errors <= above) & (errors >= -below)
    recent = np.abs(errors[:, -(method.window + method.delay) :])
    told = np.flatnonzero(np.isfinite(above))
    if not len(told):
        raise MissingDataError("too few outcomes are known to calibrate: load a longer history")
    fitted = fit_assurance(
        _columns(dataset, model, spec.final_rows(dataset)),
        recent[np.isfinite(recent)],
        names=model.feature_names,
        scale=(feature, factor),
        width=(float(below[told[-1]]), float(above[told[-1]])),
        coverage=spec.coverage,
    )
    there = np.isfinite(prediction)
    held = np.where(known, inside * 1.0, np.nan)
    coverage = coverage_by_year(held, _years(dataset))
    return Intervals(
        below=np.where(there, below * unit, np.nan),
        above=np.where(there, above * unit, np.nan),
        scale=np.where(there, unit, np.nan),
        coverage=coverage,
        assurance=with_contract(fitted, spec.contract),
        exceptions=coverage_exceptions(
            coverage, errors, held, dataset.sessions, horizon=spec.horizon, aim=spec.coverage
        ),
    )


def _first_errors(inputs: TrainingInputs, ground: Ground, scale: FloatArray) -> FloatArray | None:
    """Return the leave-one-out errors that EnbPI starts from; None for the other methods."""
    method = inputs.spec.intervals()
    if method.method != "enbpi" or not method.ensemble:
        return None
    return leave_out_errors(
        inputs.spec.candidate(),
        ground.dataset,
        ground.folds[0].train,
        scale=scale,
        generator=np.random.default_rng(inputs.spec.seed),
    )


def _rates(
    inputs: TrainingInputs, ground: Ground, prediction: FloatArray, model: Predictor
) -> Intervals:
    """Return what probabilities and p-values promise: a rate, with its uncertainty."""
    dataset, spec = ground.dataset, inputs.spec
    known = np.isfinite(prediction) & np.isfinite(ground.outcome)
    value, outcome = prediction[known], ground.outcome[known]
    probability = spec.contract.form == "probability"
    fitted = fit_assurance(
        _columns(dataset, model, spec.final_rows(dataset)),
        np.abs(outcome - value),
        names=model.feature_names,
        coverage=spec.coverage,
    )
    assurance = with_contract(
        fitted,
        spec.contract,
        reliability=reliability_bins(value, outcome) if probability else (),
        calibration_rows=int(getattr(model, "calibration_rows", 0)),
    )
    everywhere = np.arange(len(dataset.y))
    values = dataset.from_grid(prediction)
    low, high = assurance.interval(_columns(dataset, model, everywhere), values)
    return Intervals(
        below=dataset.to_grid(values - low, everywhere),
        above=dataset.to_grid(high - values, everywhere),
        scale=np.where(np.isfinite(prediction), 1.0, np.nan),
        coverage=(),
        assurance=assurance,
    )


def _columns(dataset: Dataset, model: Predictor, rows: IntArray) -> FloatArray:
    """Return the columns that the model reads, in its order: those it is asked with."""
    used = [dataset.feature_names.index(name) for name in model.feature_names]
    return np.ascontiguousarray(dataset.x[rows][:, used])


def _years(dataset: Dataset) -> IntArray:
    years: IntArray = dataset.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def version_files(
    inputs: TrainingInputs,
    ground: Ground,
    trained: Trained,
    *,
    evaluation: documents.Evaluation,
    environment: Mapping[str, str],
) -> dict[str, bytes]:
    """Return every file by its path in the run; those under `model/` are signed."""
    grids, model, intervals = trained.grids, trained.model, trained.intervals
    manifest = _manifest(inputs, ground, model)
    candidate = inputs.spec.candidate().name
    table = tables.predictions_table(
        ground.dataset,
        {
            candidate: grids[candidate],
            **grids,
            documents.BELOW: intervals.below,
            documents.ABOVE: intervals.above,
            documents.SCALE: intervals.scale,
            **_results(inputs),
        },
        ground.outcome,
    )
    signed = {
        manifest.file: model.to_native(),
        documents.MANIFEST: documents.to_json(manifest),
        documents.ASSURANCE: documents.to_json(intervals.assurance),
        documents.EVALUATION: documents.to_json(evaluation),
        documents.PREDICTIONS: table,
        documents.CARD: card(manifest, evaluation, environment),
        **mlflow_files(manifest),
    }
    kept = {f"model/{name}": content for name, content in signed.items()}
    kept |= _plots(inputs, ground, trained, evaluation)
    kept[documents.LOSSES] = tables.losses_table(trained.field, inputs.features.sessions)
    return kept | _contributions(inputs, ground, model)


def _results(inputs: TrainingInputs) -> dict[str, FloatArray]:
    """Return what came of the sessions that sizes are held for, where the kind is judged by it."""
    realised = getattr(inputs.spec, "realised", None)
    return {} if realised is None else {documents.RESULT: realised}


def _plots(
    inputs: TrainingInputs, ground: Ground, trained: Trained, evaluation: documents.Evaluation
) -> dict[str, bytes]:
    """Return the plots of the kind, by path in the run."""
    from models.kind_figures import Shown, plots

    shown = Shown(
        candidate=inputs.spec.candidate().name,
        metric=inputs.spec.metric,
        sessions=ground.dataset.sessions,
        outcome=ground.outcome,
        grids=trained.grids,
        contenders=trained.field,
        coverage=evaluation.coverage,
        scores=evaluation.years,
        importances=documents.by_size(evaluation.importances),
        dataset=ground.dataset,
        model=trained.model,
    )
    return plots(inputs.spec, shown)


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
        example=tuple(_columns(dataset, model, rows[-1:])[0].tolist()),
        example_prediction=float(predict_rows(model, dataset, rows[-1:])[0]),
        metric=spec.metric,
    )


def _contributions(inputs: TrainingInputs, ground: Ground, model: Predictor) -> dict[str, bytes]:
    """Return each feature's contribution to the latest predictions, where the model tells."""
    dataset = ground.dataset
    rows = inputs.spec.final_rows(dataset)[-SAMPLE_ROWS:]
    x = _columns(dataset, model, rows)
    if isinstance(model, LinearPredictor):
        found = linear_contributions(model, x)
    elif hasattr(model, "contributions"):
        found = model.contributions(x)
    else:
        return {}
    table = tables.contributions_table(dataset, rows, found, names=model.feature_names)
    return {"contributions.parquet": table}
