"""How far to trust one prediction: its interval, its confidence, its distance from training.

Fitted once on what the model did out of sample and on the rows it was trained on; plain
numbers, kept beside the model as JSON.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError
from models.confidence import conformal_quantile

LADDER = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answer of a model.

    Attributes
    ----------
    value : float
        What is foretold, in the unit of the model's target.
    low, high : float
        The conformal interval at `coverage`; NaN where the version was never calibrated.
    confidence : float
        The largest coverage whose interval leaves zero out: how sure the sign is, in [0, 1].
    regime : str or None
        The market's regime, for kinds that know it.
    ood_score : float
        Share of the training rows that lie closer to their centre than this row, in [0, 1].
    abstain : bool
        True when the row lies beyond what was trained on, or misses a feature.
    """

    value: float
    low: float
    high: float
    coverage: float
    confidence: float
    regime: str | None
    ood_score: float
    abstain: bool
    model_version: str
    feature_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """What intervals and distances are read from.

    Attributes
    ----------
    scale_feature : str
        The feature that says how uncertain a row is; empty for a width that is the same for all.
    scale_factor : float
        Scale = factor x feature.
    width : float
        Half the interval in units of the scale, at `coverage`.
    scores : tuple of float
        Quantiles of the absolute scaled errors, at 0, 1/100, ... 1.
    centre : tuple of float
        Mean of the training rows.
    whitening : tuple of tuple of float
        W such that |W (x - centre)| is the Mahalanobis distance.
    distances : tuple of float
        Quantiles of the training rows' distances, at 0, 1/100, ... 1.
    abstain_distance : float
        Distance beyond which the model abstains: that of the 99.9th per cent of the rows.
    """

    coverage: float
    scale_feature: str
    scale_factor: float
    width: float
    scores: tuple[float, ...]
    feature_names: tuple[str, ...]
    centre: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    distances: tuple[float, ...]
    abstain_distance: float

    def scale(self, x: FloatArray) -> FloatArray:
        """Return the scale of each row."""
        if not self.scale_feature:
            return np.ones(len(x))
        column = x[:, self.feature_names.index(self.scale_feature)]
        return np.asarray(self.scale_factor * column, dtype=np.float64)

    def distance(self, x: FloatArray) -> FloatArray:
        """Return the Mahalanobis distance of each row from the training rows' centre."""
        if not self.centre:
            return np.zeros(len(x))
        white = (x - np.array(self.centre)) @ np.array(self.whitening).T
        return np.asarray(np.sqrt((white**2).sum(axis=1)), dtype=np.float64)

    def assess(
        self, x: FloatArray, values: FloatArray, *, model_version: str, feature_hash: str
    ) -> list[Prediction]:
        """Return the whole answer for rows `x` of which the model foretells `values`."""
        half = self.width * self.scale(x)
        distance = self.distance(x)
        ladder = np.linspace(0.0, 1.0, LADDER)
        score = np.abs(values) / np.maximum(self.scale(x), 1e-300)
        sure = np.interp(score, self.scores, ladder) if self.scores else np.zeros(len(x))
        far = np.interp(distance, self.distances, ladder) if self.distances else np.zeros(len(x))
        sound: BoolArray = np.asarray(np.isfinite(x).all(axis=1), dtype=np.bool_)
        abstain: BoolArray = ~sound | (distance > self.abstain_distance)
        return [
            Prediction(
                value=float(values[i]),
                low=float(values[i] - half[i]),
                high=float(values[i] + half[i]),
                coverage=self.coverage,
                confidence=float(sure[i]) if sound[i] else 0.0,
                regime=None,
                ood_score=float(far[i]) if sound[i] else 1.0,
                abstain=bool(abstain[i]),
                model_version=model_version,
                feature_hash=feature_hash,
            )
            for i in range(len(x))
        ]


# A version that was never calibrated: no interval, and no opinion on any row.
UNCALIBRATED = Assurance(
    coverage=0.0, scale_feature="", scale_factor=1.0, width=float("nan"), scores=(),
    feature_names=(), centre=(), whitening=(), distances=(), abstain_distance=-1.0,
)  # fmt: skip


def fit_assurance(
    x: FloatArray,
    scores: FloatArray,
    *,
    names: tuple[str, ...],
    scale: tuple[str, float] = ("", 1.0),
    width: float | None = None,
    coverage: float = 0.90,
) -> Assurance:
    """Learn intervals from out-of-sample errors, and the support from the training rows.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
        The rows that the model was trained on.
    scores : ndarray of shape (n_scores,)
        Absolute out-of-sample errors in units of the scale, the latest ones.
    scale : tuple of str and float
        The feature that a row's uncertainty goes with, and the factor on it.
    width : float, optional
        Half the interval in units of the scale; the conformal quantile of `scores` if left out.

    Raises
    ------
    InvalidInputError
        If the scale feature is not among `names`, or there are fewer rows than features.
    """
    feature, factor = scale
    if feature and feature not in names:
        raise InvalidInputError(f"scale feature {feature!r} is not among {', '.join(names)}")
    if len(x) <= x.shape[1]:
        raise InvalidInputError(f"{len(x)} rows cannot span {x.shape[1]} features: load more")
    known = scores[np.isfinite(scores)]
    centre = x.mean(axis=0)
    spread = np.cov(x, rowvar=False, ddof=0).reshape(x.shape[1], x.shape[1])
    # Features that are nearly one another's sums would make the distance explode.
    ridge = 1e-6 * np.diag(np.maximum(np.diag(spread), 1e-12))
    whitening = np.linalg.inv(np.linalg.cholesky(spread + ridge))
    distance = np.sqrt((((x - centre) @ whitening.T) ** 2).sum(axis=1))
    ladder = np.linspace(0.0, 1.0, LADDER)
    return Assurance(
        coverage=coverage,
        scale_feature=feature,
        scale_factor=factor,
        width=conformal_quantile(known, coverage=coverage) if width is None else width,
        scores=tuple(np.quantile(known, ladder).tolist()),
        feature_names=names,
        centre=tuple(centre.tolist()),
        whitening=tuple(tuple(row) for row in whitening.tolist()),
        distances=tuple(np.quantile(distance, ladder).tolist()),
        abstain_distance=float(np.quantile(distance, 0.999)),
    )
