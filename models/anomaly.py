"""The anomaly kind's model: which rows are unlike all that was seen, with an honest p-value.

The p-value of a row is twice the smaller of the conformal p-values of its Mahalanobis distance and
of its isolation forest score, at most 1: valid whatever their dependence (Bonferroni).
"""

import json
from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from models.isolation import IsolationForest, forest_from_tables, grow_forest
from models.predictors import ANOMALY_JSON, require_columns

FORMAT = "quantdesk.anomaly/1"
MIN_ROWS = 100


@dataclass(frozen=True, slots=True)
class AnomalyPredictor:
    """Both scores, and the calibration scores that give them meaning.

    Attributes
    ----------
    distances, scores : ndarray of shape (n_calibration,)
        Mahalanobis distances and forest scores of rows held out from fitting, ascending.
    """

    feature_names: tuple[str, ...]
    centre: FloatArray
    whitening: FloatArray
    forest: IsolationForest
    distances: FloatArray
    scores: FloatArray

    @property
    def format(self) -> str:
        """The native form."""
        return ANOMALY_JSON

    @property
    def calibration_rows(self) -> int:
        """How many rows give a p-value its meaning."""
        return len(self.distances)

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the p-value of each row: small for the strange; NaN where a value is missing."""
        require_columns(x, self.feature_names)
        out = np.full(len(x), np.nan)
        sound = np.isfinite(x).all(axis=1)
        if sound.any():
            rows = np.ascontiguousarray(x[sound])
            smaller = np.minimum(
                _p_values(self._distance(rows), self.distances),
                _p_values(self.forest.score(rows), self.scores),
            )
            out[sound] = np.minimum(1.0, 2.0 * smaller)
        return out

    def predict_row(self, row: FloatArray) -> float:
        """Return the p-value of one row."""
        return float(self.predict(row.reshape(1, -1))[0])

    def _distance(self, x: FloatArray) -> FloatArray:
        return mahalanobis(x, self.centre, self.whitening)

    def to_native(self) -> bytes:
        """Return the tables as JSON; floats keep every bit."""
        document = {
            "format": FORMAT,
            "features": list(self.feature_names),
            "centre": self.centre.tolist(),
            "whitening": self.whitening.tolist(),
            "distances": self.distances.tolist(),
            "scores": self.scores.tolist(),
            "forest": self.forest.tables(),
        }
        return json.dumps(document).encode()


def fit_anomalies(x: FloatArray, *, names: tuple[str, ...], seed: int) -> AnomalyPredictor:
    """Fit both scores on the first two thirds of the rows, calibrate on the rest, in time order.

    Raises
    ------
    InvalidInputError
        If rows are not finite.
    MissingDataError
        If there are fewer than 100 rows.
    """
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InvalidInputError(f"anomalies need finite rows, got shape {x.shape}")
    if len(x) < MIN_ROWS:
        raise MissingDataError(f"{len(x)} rows are too few to calibrate: need {MIN_ROWS}")
    cut = 2 * len(x) // 3
    fitted, held_out = x[:cut], np.ascontiguousarray(x[cut:])
    centre = fitted.mean(axis=0)
    spread = np.cov(fitted, rowvar=False, ddof=0).reshape(x.shape[1], x.shape[1])
    ridge = 1e-9 * np.diag(np.maximum(np.diag(spread), 1e-12))
    whitening = np.linalg.inv(np.linalg.cholesky(spread + ridge))
    forest = grow_forest(fitted, seed=seed)
    return AnomalyPredictor(
        names,
        centre,
        whitening,
        forest,
        np.sort(mahalanobis(held_out, centre, whitening)),
        np.sort(forest.score(held_out)),
    )


def anomalies_from_native(content: bytes) -> AnomalyPredictor:
    """Read what `AnomalyPredictor.to_native` wrote.

    Raises
    ------
    InvalidInputError
        If it is not such a document, or its tables do not fit together.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise InvalidInputError(
                f"the anomaly model cannot be read: its format is {document['format']!r}"
            )
        arrays = {
            key: np.array(document[key], dtype=np.float64)
            for key in ("centre", "whitening", "distances", "scores")
        }
        names = tuple(str(name) for name in document["features"])
        forest = forest_from_tables(document["forest"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"the anomaly model cannot be read: {error}") from error
    count = len(names)
    fits = arrays["centre"].shape == (count,) and arrays["whitening"].shape == (count, count)
    known = all(np.isfinite(values).all() for values in arrays.values())
    ordered = all((np.diff(arrays[key]) >= 0).all() for key in ("distances", "scores"))
    calibrated = len(arrays["distances"]) == len(arrays["scores"]) > 0
    if not (fits and known and ordered and calibrated and forest.columns == count):
        raise InvalidInputError("the anomaly model cannot be read: tables do not fit together")
    return AnomalyPredictor(
        names, arrays["centre"], arrays["whitening"], forest, arrays["distances"], arrays["scores"]
    )


def mahalanobis(x: FloatArray, centre: FloatArray, whitening: FloatArray) -> FloatArray:
    """Return |W (x - centre)| of each row; a row does not depend on how many are asked for."""
    white = np.zeros(x.shape)
    for j in range(x.shape[1]):
        white += (x[:, j : j + 1] - centre[j]) * whitening[None, :, j]
    total = np.zeros(len(x))
    for j in range(x.shape[1]):
        total += white[:, j] ** 2
    return np.asarray(np.sqrt(total), dtype=np.float64)


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


def _p_values(scores: FloatArray, calibration: FloatArray) -> FloatArray:
    """Return (1 + #{calibration >= score}) / (n + 1) of each row (Bates et al. 2023)."""
    n = len(calibration)
    at_least = n - np.searchsorted(calibration, scores, side="left")
    return np.asarray((1.0 + at_least) / (n + 1.0), dtype=np.float64)
