"""Combinatorial purged backtest paths: many whole histories from one, each out of sample.

The sessions are cut into groups; every choice of some of them is tested by a model that was fitted
on the rest, purged and embargoed; the tests are strung together to whole paths (Lopez de Prado
2018, chapter 12). Whether the best of several models in one half of a path is above the median in
the other tells how much of its record is selection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from basics.arrays import FloatArray
from models.dataset import Dataset
from models.estimators import Estimator
from models.evaluation import long_short_returns
from models.kinds import KindSpec
from models.splits import combinatorial, paths, thinned
from models.training import predict_rows

GROUPS, TEST_GROUPS = 4, 2


def path_returns(
    spec: KindSpec,
    dataset: Dataset,
    estimators: Sequence[Estimator],
    *,
    stop: int,
) -> Mapping[str, FloatArray]:
    """Return each model's net returns along every path, of shape (n_paths, n_periods).

    Parameters
    ----------
    stop : int
        Sessions from this position on are neither learned from nor tested.
    """
    if spec.cost_rate is None:
        return {}
    known = until(dataset, stop)
    outcome = known.to_grid(known.y, np.arange(len(known.y)))
    folds = list(
        combinatorial(
            known,
            groups=GROUPS,
            test_groups=TEST_GROUPS,
            embargo_sessions=spec.embargo_sessions,
        )
    )
    edges = np.linspace(int(known.session[0]), int(known.session[-1]) + 1, GROUPS + 1).astype(int)
    strung = paths(groups=GROUPS, test_groups=TEST_GROUPS)
    found = {}
    for estimator in estimators:
        grids = [
            known.to_grid(
                predict_rows(
                    estimator.fit(known, thinned(known, fold.train, every=spec.train_every)),
                    known,
                    fold.test,
                ),
                fold.test,
            )
            for fold in folds
        ]
        found[estimator.name] = np.stack(
            [_returns(spec, grids, folds_of, edges, outcome) for folds_of in strung]
        )
    return found


def until(dataset: Dataset, stop: int) -> Dataset:
    """Return the rows of the sessions before `stop`, without labels that reach to it."""
    rows = np.flatnonzero(dataset.session < stop)
    ended = dataset.label_end[rows] < stop
    return replace(
        dataset,
        x=dataset.x[rows],
        y=np.where(ended, dataset.y[rows], np.nan),
        symbol=dataset.symbol[rows],
        session=dataset.session[rows],
        label_start=np.where(ended, dataset.label_start[rows], -1),
        label_end=np.where(ended, dataset.label_end[rows], -1),
    )


def _returns(
    spec: KindSpec,
    grids: Sequence[FloatArray],
    folds_of: Sequence[int],
    edges: np.ndarray,
    outcome: FloatArray,
) -> FloatArray:
    """Return what one path earned, its blocks strung together."""
    path = np.full(outcome.shape, np.nan)
    for block, fold in enumerate(folds_of):
        cut = slice(int(edges[block]), int(edges[block + 1]))
        path[:, cut] = grids[fold][:, cut]
    days = (np.isfinite(path) & np.isfinite(outcome)).any(axis=0)
    assert spec.cost_rate is not None  # The caller asks for traded kinds alone.
    returns, _ = long_short_returns(
        path[:, days], outcome[:, days], every=spec.horizon, cost_rate=spec.cost_rate
    )
    return returns
