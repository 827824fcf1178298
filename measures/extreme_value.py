"""Extreme value theory: peaks over a threshold, with the diagnostics of the threshold.

Losses are positive. Beyond a high threshold u the excess follows a generalised Pareto law with
shape xi (heavier tail when larger) and scale beta (Pickands 1975; Balkema and de Haan 1974).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

MIN_EXCESSES = 20
_GRID = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoTail:
    """A fitted tail.

    Attributes
    ----------
    threshold : float
        u, a loss.
    shape, scale : float
        xi and beta of the excess over u.
    shape_error : float
        Asymptotic standard error (1 + xi) / sqrt(n_excesses), valid for xi > -1/2.
    n, n_excesses : int
        Observations, and those beyond u.
    """

    threshold: float
    shape: float
    scale: float
    shape_error: float
    n: int
    n_excesses: int

    def value_at_risk(self, confidence: float) -> float:
        """Return u + (beta / xi) ((n / Nu (1 - c))^-xi - 1).

        Raises
        ------
        InvalidInputError
            If the quantile lies below the threshold, where the tail says nothing.
        """
        ratio = self.n / self.n_excesses * (1.0 - confidence)
        if not 0.0 < ratio <= 1.0 + 1e-12:
            raise InvalidInputError(
                f"confidence {confidence} lies below the threshold: it must reach "
                f"{1 - self.n_excesses / self.n:.4f}"
            )
        if abs(self.shape) < 1e-8:
            return float(self.threshold - self.scale * np.log(ratio))
        return float(self.threshold + self.scale / self.shape * (ratio**-self.shape - 1.0))

    def expected_shortfall(self, confidence: float) -> float:
        """Return (VaR + beta - xi u) / (1 - xi).

        Raises
        ------
        InvalidInputError
            If xi is 1 or more: the mean beyond VaR does not exist.
        """
        if self.shape >= 1.0:
            raise InvalidInputError(f"shape {self.shape:.3f} has no mean: ES does not exist")
        value = self.value_at_risk(confidence)
        return (value + self.scale - self.shape * self.threshold) / (1.0 - self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRow:
    """What one candidate threshold looks like.

    Attributes
    ----------
    modified_scale : float
        beta - xi u: constant, like the shape, above a threshold that is high enough.
    mean_excess : float
        Linear in u above such a threshold.
    distance : float
        Kolmogorov-Smirnov distance of the excesses to the fitted law.
    """

    quantile: float
    threshold: float
    n_excesses: int
    shape: float
    shape_error: float
    modified_scale: float
    mean_excess: float
    distance: float


def fit_pareto_tail(losses: FloatArray, *, threshold_quantile: float = 0.9) -> ParetoTail:
    """Fit the generalised Pareto law to the excesses over a quantile, by maximum likelihood.

    Grimshaw (1993): for each theta = xi / beta the best xi is mean log(1 + theta x), which
    leaves one dimension; shape is bounded to [-0.5, 0.95], where the asymptotics and the mean
    exist.

    Parameters
    ----------
    losses : ndarray of shape (n,)
        A loss is positive.

    Raises
    ------
    InvalidInputError
        If the input is not a finite vector, or the quantile outside (0, 1).
    MissingDataError
        If fewer than MIN_EXCESSES losses lie beyond the threshold.
    """
    if losses.ndim != 1 or not np.isfinite(losses).all():
        raise InvalidInputError(f"losses must be a finite vector, got shape {losses.shape}")
    if not 0.0 < threshold_quantile < 1.0:
        raise InvalidInputError(f"threshold_quantile must lie in (0, 1), got {threshold_quantile}")
    threshold = float(np.quantile(losses, threshold_quantile))
    excesses = losses[losses > threshold] - threshold
    if len(excesses) < MIN_EXCESSES:
        raise MissingDataError(
            f"{len(excesses)} losses beyond {threshold:.6g} are too few: {MIN_EXCESSES} are needed"
        )
    shape, scale = _fit_excesses(excesses)
    return ParetoTail(
        threshold=threshold,
        shape=shape,
        scale=scale,
        shape_error=(1.0 + shape) / len(excesses) ** 0.5,
        n=len(losses),
        n_excesses=len(excesses),
    )


def threshold_diagnostics(
    losses: FloatArray, *, quantiles: Sequence[float] = (0.85, 0.875, 0.9, 0.925, 0.95, 0.975)
) -> tuple[ThresholdRow, ...]:
    """Fit at several thresholds; those with too few excesses are left out."""
    rows = []
    for quantile in quantiles:
        try:
            tail = fit_pareto_tail(losses, threshold_quantile=quantile)
        except MissingDataError:
            continue
        excesses = np.sort(losses[losses > tail.threshold] - tail.threshold)
        fitted = _pareto_cdf(excesses, tail.shape, tail.scale)
        steps = np.arange(len(excesses) + 1) / len(excesses)
        distance = max(np.abs(fitted - steps[1:]).max(), np.abs(fitted - steps[:-1]).max())
        rows.append(
            ThresholdRow(
                quantile=quantile,
                threshold=tail.threshold,
                n_excesses=tail.n_excesses,
                shape=tail.shape,
                shape_error=tail.shape_error,
                modified_scale=tail.scale - tail.shape * tail.threshold,
                mean_excess=float(excesses.mean()),
                distance=float(distance),
            )
        )
    return tuple(rows)


def hill(losses: FloatArray, *, n_largest: int) -> float:
    """Return the Hill (1975) tail index 1 / xi from the `n_largest` losses.

    Raises
    ------
    InvalidInputError
        If `n_largest` is not within 1 to n - 1, or the losses compared are not positive.
    """
    if not 1 <= n_largest < len(losses):
        raise InvalidInputError(f"n_largest must lie in 1..{len(losses) - 1}, got {n_largest}")
    ordered = np.sort(losses)[::-1]
    if not ordered[n_largest] > 0:
        raise InvalidInputError("the largest losses must be positive for a Hill estimate")
    mean_log = float(np.log(ordered[:n_largest] / ordered[n_largest]).mean())
    if mean_log <= 0.0:
        raise InvalidInputError("the largest losses are equal: they have no tail index")
    return 1.0 / mean_log


def tail_ratio(pnl: FloatArray, *, quantile: float = 0.05) -> float:
    """Return the right quantile over the absolute left one; above 1 gains reach further.

    Raises
    ------
    MissingDataError
        If the left quantile is zero.
    """
    low, high = np.quantile(pnl, [quantile, 1.0 - quantile])
    if low == 0.0:
        raise MissingDataError("the left tail is zero: a tail ratio needs losses")
    return float(high / abs(low))


def _fit_excesses(excesses: FloatArray) -> tuple[float, float]:
    """Return shape and scale; the unit is taken out, so that the fit scales with the losses."""
    unit = float(excesses.mean())
    x = excesses / unit
    low = -(1.0 - 1e-6) / float(x.max())
    theta = np.concatenate([np.linspace(low, -1e-4, _GRID), np.geomspace(1e-4, 50.0, _GRID)])
    for _ in range(5):  # Each pass looks 30 times closer around the best so far.
        shape = np.log1p(theta[:, None] * x).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = -np.log(shape / theta) - shape - 1.0
        allowed = (shape >= -0.5) & (shape <= 0.95) & np.isfinite(likelihood)
        if not allowed.any():
            return 0.0, unit
        best = int(np.argmax(np.where(allowed, likelihood, -np.inf)))
        left, right = theta[max(best - 1, 0)], theta[min(best + 1, len(theta) - 1)]
        chosen = float(shape[best]), float(shape[best] / theta[best])
        theta = np.linspace(left, right, _GRID)
        theta = theta[np.abs(theta) > 1e-9]
    return chosen[0], chosen[1] * unit


def _pareto_cdf(x: FloatArray, shape: float, scale: float) -> FloatArray:
    if abs(shape) < 1e-8:
        exponential: FloatArray = -np.expm1(-x / scale)
        return exponential
    cumulative: FloatArray = 1.0 - np.maximum(1.0 + shape * x / scale, 0.0) ** (-1.0 / shape)
    return cumulative
