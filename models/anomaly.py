"""The anomaly kind: which rows are unlike all that was seen, with an honest p-value.

A row's score is its Mahalanobis distance or its isolation forest's depth; the conformal
p-value is the share of calibration rows that are at least as strange, so that under no anomaly
at most a share alpha of rows falls below alpha, whatever the distribution (Bates et al. 2023).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True)
class AnomalyModel:
    """A fitted score and the calibration scores that give it meaning.

    Attributes
    ----------
    calibration : ndarray of shape (n_calibration,)
        Scores of rows held out from fitting, ascending; larger is stranger.
    """

    centre: FloatArray
    whitening: FloatArray
    forest: Any
    calibration: FloatArray

    def score(self, x: FloatArray) -> FloatArray:
        """Return how strange each row is; larger is stranger."""
        if x.ndim != 2 or x.shape[1] != len(self.centre) or not np.isfinite(x).all():
            raise InvalidInputError(
                f"expected finite rows of {len(self.centre)} columns, got shape {x.shape}"
            )
        if self.forest is not None:
            return np.asarray(-self.forest.score_samples(x), dtype=np.float64)
        white = (x - self.centre) @ self.whitening.T
        return np.asarray(np.sqrt((white**2).sum(axis=1)), dtype=np.float64)

    def p_values(self, x: FloatArray) -> FloatArray:
        """Return the conformal p-value (1 + #{calibration >= score}) / (n + 1) of each row."""
        n = len(self.calibration)
        at_least = n - np.searchsorted(self.calibration, self.score(x), side="left")
        return np.asarray((1.0 + at_least) / (n + 1.0), dtype=np.float64)


def fit_anomaly(
    x: FloatArray, *, method: Literal["mahalanobis", "isolation_forest"], seed: int
) -> AnomalyModel:
    """Fit on the first two thirds of the rows, calibrate on the rest: time order is kept.

    Raises
    ------
    InvalidInputError
        If rows are not finite.
    MissingDataError
        If there are fewer than 100 rows.
    """
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InvalidInputError(f"anomalies need finite rows, got shape {x.shape}")
    if len(x) < 100:
        raise MissingDataError(f"{len(x)} rows are too few to calibrate: need 100")
    cut = 2 * len(x) // 3
    fitted, held_out = x[:cut], x[cut:]
    centre = fitted.mean(axis=0)
    spread = np.cov(fitted, rowvar=False, ddof=0).reshape(x.shape[1], x.shape[1])
    ridge = 1e-9 * np.diag(np.maximum(np.diag(spread), 1e-12))
    forest = None
    if method == "isolation_forest":
        from sklearn.ensemble import IsolationForest

        forest = IsolationForest(n_estimators=100, random_state=seed, n_jobs=1).fit(fitted)
    bare = AnomalyModel(
        centre, np.linalg.inv(np.linalg.cholesky(spread + ridge)), forest, np.empty(0)
    )
    return AnomalyModel(centre, bare.whitening, forest, np.sort(bare.score(held_out)))


def discoveries(p_values: FloatArray, *, false_discovery_rate: float) -> BoolArray:
    """Return which rows to report so that the expected share of false alarms stays bounded.

    Benjamini and Hochberg (1995); valid for conformal p-values (Bates et al. 2023).
    """
    if not 0.0 < false_discovery_rate < 1.0:
        raise InvalidInputError(f"the rate must lie in (0, 1), got {false_discovery_rate}")
    n = len(p_values)
    if not n:
        return np.zeros(0, dtype=np.bool_)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= false_discovery_rate * np.arange(1, n + 1) / n)
    threshold = ordered[passing[-1]] if len(passing) else -1.0
    return np.asarray(p_values <= threshold, dtype=np.bool_)
