"""How far to trust one prediction: its interval, its confidence, its distance from training.

Fitted once on what the model did out of sample and on the rows it was trained on; plain
numbers, kept beside the model as JSON. All kinds answer in this one form; what an interval
means differs by what is foretold, and `Contract` says which meaning a kind has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import InvalidInputError
from models.confidence import conformal_quantile
from models.reliability import (
    ReliabilityBin,
    bin_of,
    rate_interval,
    share_above,
)

LADDER = 101
Form = Literal["outcome", "probability", "p_value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the interval, confidence and abstention of a kind mean.

    Attributes
    ----------
    form : {"outcome", "probability", "p_value"}
        `outcome`: the interval holds the outcome, conformally. `probability`: it holds the rate
        at which outcomes occurred among earlier predictions like this one. `p_value`: it holds
        the p-value that an endless calibration sample would give.
    neutral : float
        The value that says nothing: confidence is how sure the outcome lies on the value's side.
    least, most : float or None
        Bounds of what can occur; an interval ends there.
    strangers : bool
        Strange rows are what the kind is for: it abstains on missing features alone.
    """

    form: Form = "outcome"
    neutral: float = 0.0
    least: float | None = None
    most: float | None = None
    strangers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answer of a model, whatever its kind.

    Attributes
    ----------
    value : float
        What is foretold, in the unit of the model's target.
    low, high : float
        The interval at `coverage`; NaN where the version was never calibrated.
    confidence : float
        How sure the outcome lies on the value's side of what says nothing, in [0, 1]; for a
        regime how probable it is, for an anomaly how rare so strange a row is.
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


# Without slots: arrays are made of the tables once, at the first row.
@dataclass(frozen=True, kw_only=True)
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
    width_below : float or None
        Where the interval reaches less or more far down than up; `width` is its upper half then.
    contract : Contract
        What interval and confidence mean.
    reliability : tuple of ReliabilityBin
        For probabilities: how often outcomes occurred at predictions like these.
    calibration_rows : int
        For p-values: how many rows give them their meaning.
    trust : float or None
        A confidence that is the version's, not the row's.
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
    width_below: float | None = None
    contract: Contract = Contract()
    reliability: tuple[ReliabilityBin, ...] = ()
    calibration_rows: int = 0
    trust: float | None = None

    @cached_property
    def _support(self) -> tuple[FloatArray, FloatArray]:
        return np.array(self.centre), np.array(self.whitening)

    @cached_property
    def _ladders(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return np.linspace(0.0, 1.0, LADDER), np.array(self.scores), np.array(self.distances)

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
        centre, whitening = self._support
        white = (x - centre) @ whitening.T
        return np.asarray(np.sqrt((white**2).sum(axis=1)), dtype=np.float64)

    def assess(
        self, x: FloatArray, values: FloatArray, *, model_version: str, feature_hash: str
    ) -> list[Prediction]:
        """Return the whole answer for rows `x` of which the model foretells `values`."""
        low, high = self.interval(x, values)
        sure = self._confidence(x, values)
        distance = self.distance(x)
        ladder, _, distances = self._ladders
        far = np.interp(distance, distances, ladder) if self.distances else np.zeros(len(x))
        sound: BoolArray = np.asarray(np.isfinite(x).all(axis=1), dtype=np.bool_)
        beyond = (distance > self.abstain_distance) & (not self.contract.strangers)
        abstain: BoolArray = ~sound | beyond
        return [
            Prediction(
                value=float(values[i]),
                low=float(low[i]),
                high=float(high[i]),
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

    def interval(self, x: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the interval of each row, within what can occur."""
        form = self.contract.form
        if form == "probability" and self.reliability:
            ends = [bin_of(self.reliability, v).interval(self.coverage) for v in values]
            low, high = (
                (np.array(end) for end in zip(*ends, strict=True)) if ends else (values,) * 2
            )
            low, high = np.minimum(low, values), np.maximum(high, values)
        elif form == "p_value":
            low, high = rate_interval(values, self.calibration_rows, coverage=self.coverage)
        else:
            below = self.width if self.width_below is None else self.width_below
            unit = self.scale(x)
            low, high = values - below * unit, values + self.width * unit
        return (
            low if self.contract.least is None else np.maximum(low, self.contract.least),
            high if self.contract.most is None else np.minimum(high, self.contract.most),
        )

    def _confidence(self, x: FloatArray, values: FloatArray) -> FloatArray:
        if self.trust is not None:
            return np.full(len(x), self.trust)
        if self.contract.form == "p_value":
            return np.asarray(1.0 - values, dtype=np.float64)
        if self.contract.form == "probability":
            sure = [share_above(bin_of(self.reliability, v), self.contract.neutral) for v in values]
            return np.array(sure)
        if not self.scores:
            return np.zeros(len(x))
        score = np.abs(values - self.contract.neutral) / np.maximum(self.scale(x), 1e-300)
        ladder, scores, _ = self._ladders
        return np.interp(score, scores, ladder)


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
    width: float | tuple[float, float] | None = None,
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
    width : float or tuple of float, optional
        Half the interval in units of the scale, or how far it reaches down and up; the
        conformal quantile of `scores` if left out.

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
    below, above = width if isinstance(width, tuple) else (None, width)
    return Assurance(
        coverage=coverage,
        scale_feature=feature,
        scale_factor=factor,
        width=conformal_quantile(known, coverage=coverage) if above is None else above,
        width_below=below,
        scores=tuple(np.quantile(known, ladder).tolist()),
        feature_names=names,
        centre=tuple(centre.tolist()),
        whitening=tuple(tuple(row) for row in whitening.tolist()),
        distances=tuple(np.quantile(distance, ladder).tolist()),
        abstain_distance=float(np.quantile(distance, 0.999)),
    )


def with_contract(
    assurance: Assurance,
    contract: Contract,
    *,
    reliability: Sequence[ReliabilityBin] = (),
    calibration_rows: int = 0,
    trust: float | None = None,
) -> Assurance:
    """Return the assurance of a kind with its own meaning of interval and confidence."""
    return replace(
        assurance,
        contract=contract,
        reliability=tuple(reliability),
        calibration_rows=calibration_rows,
        trust=trust,
    )
