"""Tail-risk measures of vectors of scenario profits and losses.

Historical, parametric, Monte Carlo and stress methods differ only in how they make scenarios
(see `risk.scenarios`). Each ends in one vector of P&L, so each measure is written here once.

Sign convention: a gain is positive P&L; a measure reports loss as positive.

The quantile rule is part of every result, because n scenarios rarely split at a whole number:

- `acerbi_tasche` (default): VaR is the order statistic ceil(n a); the scenario on the quantile
  belongs to the tail in part (Acerbi and Tasche 2002), so ES is the coherent average of the
  worst n a scenarios.
- `inverted_cdf`: the same order statistic; ES is the mean of the worst ceil(n a), whole.
- `linear`: VaR interpolates between order statistics as `numpy.quantile` does by default; ES is
  the mean of the losses not below VaR.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.lowest import lowest


class QuantileRule(StrEnum):
    """How a quantile between two scenarios is read."""

    ACERBI_TASCHE = "acerbi_tasche"
    INVERTED_CDF = "inverted_cdf"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class TailRisk:
    """Value at risk and expected shortfall at one confidence level.

    Attributes
    ----------
    confidence : float
        Probability that the loss stays below `value_at_risk`, in (0, 1).
    value_at_risk, expected_shortfall : float
        Losses in the currency of the P&L; positive means a loss.
    rule : QuantileRule
        How the quantile was read.
    """

    confidence: float
    value_at_risk: float
    expected_shortfall: float
    rule: QuantileRule = QuantileRule.ACERBI_TASCHE


def tail_risk(
    pnl: FloatArray, *, confidence: float, rule: QuantileRule = QuantileRule.ACERBI_TASCHE
) -> TailRisk:
    """Measure the tail of `pnl` at `confidence`.

    Parameters
    ----------
    pnl : ndarray of shape (n_scenarios,)
        Equally likely P&L outcomes, in one currency, over one horizon.
    confidence : float
        Confidence level in (0, 1), for example 0.99.

    Raises
    ------
    InvalidInputError
        If `pnl` is not a finite vector or `confidence` is outside (0, 1).
    MissingDataError
        If the tail holds less than one whole scenario.
    """
    if pnl.ndim != 1:
        raise InvalidInputError(f"pnl must be a finite vector, got shape {pnl.shape}")
    value_at_risk, shortfall = tail_risks(pnl[None, :], confidences=[confidence], rule=rule)
    return TailRisk(confidence, float(value_at_risk[0, 0]), float(shortfall[0, 0]), rule)


def tail_risks(
    pnl: FloatArray,
    *,
    confidences: Sequence[float],
    rule: QuantileRule = QuantileRule.ACERBI_TASCHE,
) -> tuple[FloatArray, FloatArray]:
    """Measure many series at many confidences with one partial sort.

    Parameters
    ----------
    pnl : ndarray of shape (n_series, n_scenarios)
        Each row holds equally likely P&L outcomes; float32 is measured in float32.
    confidences : sequence of float
        Confidence levels in (0, 1).

    Returns
    -------
    value_at_risk, expected_shortfall : ndarray of shape (n_confidences, n_series)
        Positive losses.

    Raises
    ------
    InvalidInputError, MissingDataError
        As `tail_risk`.
    """
    if pnl.ndim != 2 or pnl.shape[1] == 0:
        raise InvalidInputError(f"pnl must be finite vectors, got shape {pnl.shape}")
    sizes = [_tail_size(pnl.shape[1], confidence) for confidence in confidences]
    # The order statistics next to the largest tail are all that any confidence needs.
    kept = min(math.ceil(max(sizes)) + 1, pnl.shape[1])
    worst = lowest(pnl, kept)
    if worst is None:
        raise InvalidInputError(f"pnl must be finite vectors, got NaN or inf in {pnl.shape}")
    for size, confidence in zip(sizes, confidences, strict=True):
        _check_resolved(size, pnl.shape[1], confidence)
    return _read_tails(worst, sizes, pnl.shape[1], rule)


def worst_tail_risks(
    worst: FloatArray, *, n_scenarios: int, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Measure series of which the worst outcomes alone are known, as `tail_risks` would.

    Parameters
    ----------
    worst : ndarray of shape (n_series, n_worst)
        Each row's lowest outcomes in ascending order; at least the tail of every confidence.
    n_scenarios : int
        How many outcomes there are in all.

    Raises
    ------
    InvalidInputError
        If the worst do not cover the tail of a confidence, or one is outside (0, 1).
    MissingDataError
        If the tail holds less than one whole scenario.
    """
    sizes = [_tail_size(n_scenarios, confidence) for confidence in confidences]
    for size, confidence in zip(sizes, confidences, strict=True):
        _check_resolved(size, n_scenarios, confidence)
        if worst.ndim != 2 or worst.shape[1] < math.ceil(size):
            raise InvalidInputError(
                f"worst outcomes {worst.shape} do not cover the {size:g} of confidence {confidence}"
            )
    return _read_tails(worst, sizes, n_scenarios, QuantileRule.ACERBI_TASCHE)


def weighted_tail_risk(pnl: FloatArray, weights: FloatArray, *, confidence: float) -> TailRisk:
    """Measure the tail of outcomes that are not equally likely, by `acerbi_tasche`.

    VaR is the smallest loss whose outcomes at least as bad weigh more than or just the tail;
    the outcome on the quantile belongs to the tail in part. Equal weights give `tail_risk`.

    Parameters
    ----------
    pnl, weights : ndarray of shape (n_scenarios,)
        Outcomes and their probabilities up to a factor (all >= 0, sum > 0).

    Raises
    ------
    InvalidInputError
        If an array is malformed or a weight negative.
    MissingDataError
        If the single worst outcome outweighs the tail, so that the tail is not resolved.
    """
    if pnl.shape != weights.shape or pnl.ndim != 1 or not np.isfinite(pnl).all():
        raise InvalidInputError(f"pnl {pnl.shape} and weights {weights.shape} must match, finite")
    total = float(weights.sum())
    if not (np.isfinite(total) and total > 0 and (weights >= 0).all()):
        raise InvalidInputError(f"weights must be >= 0 with a positive sum, got sum {total}")
    _check_confidence(confidence)
    tail = 1.0 - confidence
    order = np.argsort(pnl, kind="stable")
    losses, share = -pnl[order], weights[order] / total
    before = np.cumsum(share) - share
    if share[0] > tail * (1 + 1e-9):
        raise MissingDataError(
            f"the worst outcome weighs {share[0]:.4f}, more than the tail {tail:.4f}: "
            "use a slower decay or a longer history"
        )
    inside = np.clip(tail - before, 0.0, share)
    on_quantile = int(np.flatnonzero(inside > 1e-12)[-1])
    return TailRisk(confidence, float(losses[on_quantile]), float(inside @ losses / tail))


def _read_tails(
    worst: FloatArray, sizes: Sequence[float], n_scenarios: int, rule: QuantileRule
) -> tuple[FloatArray, FloatArray]:
    losses = -worst
    sums = np.cumsum(losses, axis=1)
    measures = [_read_tail(losses, sums, size, n_scenarios, rule) for size in sizes]
    return np.array([m[0] for m in measures]), np.array([m[1] for m in measures])


def _read_tail(
    losses: FloatArray, sums: FloatArray, size: float, n_scenarios: int, rule: QuantileRule
) -> tuple[FloatArray, FloatArray]:
    """Read VaR and ES from losses sorted worst first and their running sums."""
    whole, last = math.floor(size), math.ceil(size)
    if rule is QuantileRule.LINEAR:
        return _read_linear(losses, sums, size, n_scenarios)
    if rule is QuantileRule.INVERTED_CDF:
        return losses[:, last - 1], sums[:, last - 1] / last
    # The scenario on the quantile belongs to the tail only in part; dropping that part would
    # make the shortfall jump with n.
    part = (size - whole) * losses[:, last - 1]
    return losses[:, last - 1], (sums[:, whole - 1] + part) / size


def _read_linear(
    losses: FloatArray, sums: FloatArray, size: float, n_scenarios: int
) -> tuple[FloatArray, FloatArray]:
    # numpy's "linear": the quantile a stands at position (n - 1) a of the sorted outcomes.
    position = round((n_scenarios - 1) * size / n_scenarios, 9)
    below = math.floor(position)
    above = min(below + 1, losses.shape[1] - 1)
    value = losses[:, below] + (position - below) * (losses[:, above] - losses[:, below])
    return value, sums[:, below] / (below + 1)


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")


def _tail_size(n_scenarios: int, confidence: float) -> float:
    """Return how many scenarios, whole and partial, lie in the tail."""
    _check_confidence(confidence)
    # (1 - 0.95) * 100 is 5.000000000000004: unrounded, it picks the sixth worst loss.
    return round((1.0 - confidence) * n_scenarios, 9)


def _check_resolved(size: float, n_scenarios: int, confidence: float) -> None:
    if size < 1.0:
        raise MissingDataError(
            f"{n_scenarios} scenarios cannot resolve confidence {confidence}: "
            f"{math.ceil(1.0 / (1.0 - confidence) - 1e-9)} are needed"
        )
