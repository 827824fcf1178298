"""What a trained version says when it is read back from the registry.

A version that was just made and one that stood already give the same result, since both are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from models.confidence import YearCoverage
from models.contest import Verdict
from models.dataset import Dataset
from models.evaluation import YearScore
from models.loading import load_predictor
from models.predictors import FILE_NAMES
from models.training import FoldRecord, predict_rows
from services import model_documents as documents
from services import model_tables as tables
from services.ports import ModelRegistry, ModelVersion
from services.promotion import CHAMPION


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """A trained version, what it foretold out of sample, and the verdict on it.

    Attributes
    ----------
    version, champion, baseline : ModelVersion
        The candidate; who reigns after the verdict; the naive baseline.
    predictions, champion_predictions : ndarray of shape (n_symbols, n_sessions)
        Walk-forward predictions of the candidate and of the reigning champion; NaN in sessions
        that no fold tested. Each cell comes from a model fitted before its session.
    metrics : mapping of str to mapping of str to float
        Figures of every contender over the sessions that the gate looked at.
    years : mapping of str to tuple of YearScore
        Rank correlation by calendar year, over all sessions out of sample.
    importances : mapping of str to float
        Share of the total gain by feature, largest first.
    coverage : tuple of YearCoverage
        By calendar year, the share of outcomes inside the candidate's intervals.
    reused : bool
        True when the version stood already and nothing was trained.
    """

    version: ModelVersion
    champion: ModelVersion
    baseline: ModelVersion
    verdict: Verdict
    predictions: FloatArray
    champion_predictions: FloatArray
    symbols: tuple[str, ...]
    sessions: DateArray
    metrics: Mapping[str, Mapping[str, float]]
    years: Mapping[str, tuple[YearScore, ...]]
    importances: Mapping[str, float]
    folds: tuple[FoldRecord, ...]
    coverage: tuple[YearCoverage, ...]
    reused: bool


def read_back(
    registry: ModelRegistry,
    version: ModelVersion,
    baseline: ModelVersion,
    dataset: Dataset,
    *,
    reused: bool,
) -> TrainingResult:
    """Return what the files of `version` and of the reigning champion say of `dataset`."""
    stored = documents.read_evaluation(registry.read(version, documents.EVALUATION))
    champion = registry.resolve(version.name, CHAMPION)
    return TrainingResult(
        version=version,
        champion=champion,
        baseline=baseline,
        verdict=stored.verdict,
        predictions=predictions_of(registry, version, dataset),
        champion_predictions=predictions_of(registry, champion, dataset),
        symbols=dataset.symbols,
        sessions=dataset.sessions,
        metrics=stored.metrics,
        years=stored.years,
        importances=documents.by_size(stored.importances),
        folds=stored.folds,
        coverage=stored.coverage,
        reused=reused,
    )


def predictions_of(registry: ModelRegistry, version: ModelVersion, dataset: Dataset) -> FloatArray:
    """Return a version's stored walk-forward predictions on the grid of `dataset`."""
    if documents.PREDICTIONS not in version.sha256:
        # The naive baseline keeps no table: what it says is read off the row.
        content = registry.read(version, FILE_NAMES[version.format])
        rows = np.arange(len(dataset.y))
        told = predict_rows(load_predictor(version.format, content), dataset, rows)
        return dataset.to_grid(told, rows)
    content = registry.read(version, documents.PREDICTIONS)
    return tables.read_predictions(content, dataset)[version.estimator]
