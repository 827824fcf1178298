"""Walk-forward training: the same folds for every contender, predictions out of sample alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import MissingDataError
from models.contest import Contender
from models.dataset import Dataset
from models.estimators import Estimator
from models.evaluation import long_short_returns
from models.kinds import JudgedByResult, KindSpec
from models.predictors import Predictor
from models.splits import Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRecord:
    """What a fold trained on and tested: dates are inclusive."""

    train_first: date
    train_last: date
    test_first: date
    test_last: date
    train_rows: int
    test_rows: int


def predict_out_of_sample(
    estimator: Estimator, dataset: Dataset, folds: Sequence[Fold]
) -> FloatArray:
    """Fit on each fold and predict its test rows; NaN in rows that no fold tests.

    Rows tested by several folds keep the last prediction.
    """
    predictions = np.full(len(dataset.y), np.nan)
    for fold in folds:
        if len(fold.test):
            model = estimator.fit(dataset, fold.train)
            predictions[fold.test] = predict_rows(model, dataset, fold.test)
    return predictions


def predict_rows(model: Predictor, dataset: Dataset, rows: IntArray) -> FloatArray:
    """Return the model's value for each of `rows`, features matched by name."""
    used = [dataset.feature_names.index(name) for name in model.feature_names]
    return model.predict(np.ascontiguousarray(dataset.x[rows][:, used]))


def describe_folds(dataset: Dataset, folds: Sequence[Fold]) -> tuple[FoldRecord, ...]:
    """Return the dates and sizes of the folds."""
    days = dataset.sessions.astype(object)
    return tuple(
        FoldRecord(
            train_first=days[dataset.session[fold.train[0]]],
            train_last=days[dataset.session[fold.train[-1]]],
            test_first=days[dataset.session[fold.test[0]]],
            test_last=days[dataset.session[fold.test[-1]]],
            train_rows=len(fold.train),
            test_rows=len(fold.test),
        )
        for fold in folds
        if len(fold.test)
    )


def contenders(
    predictions: Mapping[str, FloatArray],
    outcome: FloatArray,
    *,
    sessions: slice,
    spec: KindSpec,
) -> dict[str, Contender]:
    """Score every model on the cells that all of them predicted.

    Parameters
    ----------
    predictions : mapping of str to ndarray of shape (n_symbols, n_sessions)
        Out-of-sample predictions, NaN elsewhere.
    outcome : ndarray of shape (n_symbols, n_sessions)
        The label, NaN where it is not known.
    sessions : slice
        The session positions that count.
    spec : KindSpec
        Which loss counts, and whether profit does.

    Raises
    ------
    MissingDataError
        If no session has a common cell.
    """
    common = np.isfinite(outcome[:, sessions])
    for grid in predictions.values():
        common &= np.isfinite(grid[:, sessions])
    days = common.any(axis=0)
    if not days.any():
        raise MissingDataError(
            f"{', '.join(predictions)} share no out-of-sample session: nothing to compare"
        )
    positions = np.arange(outcome.shape[1])[sessions][days]
    truth = np.where(common, outcome[:, sessions], np.nan)[:, days]
    field = {}
    for name, grid in predictions.items():
        seen = np.where(common, grid[:, sessions], np.nan)[:, days]
        returns = None
        if spec.cost_rate is not None:
            returns, _ = long_short_returns(
                seen, truth, every=spec.horizon, cost_rate=spec.cost_rate
            )
        field[name] = Contender(
            name=name,
            losses=_losses(spec, seen, truth, positions),
            returns=returns,
            sessions=positions,
        )
    return field


def _losses(spec: KindSpec, seen: FloatArray, truth: FloatArray, positions: IntArray) -> FloatArray:
    if isinstance(spec, JudgedByResult):
        return spec.loss_at(seen, positions)
    return spec.loss(seen, truth)


def figures(
    contender: Contender, prediction: FloatArray, outcome: FloatArray, *, spec: KindSpec
) -> dict[str, float]:
    """Return the named figures of one model: accuracy and profit before annualisation."""
    found = dict(spec.figures(prediction, outcome))
    returns = contender.returns
    if returns is not None and returns.std() > 0:
        found["sharpe_per_period"] = float(returns.mean() / returns.std(ddof=1))
        found["net_return_per_period"] = float(returns.mean())
    return found
