"""A test that may be looked at after every observation: it stays valid however often one peeks.

The mixture sequential probability ratio test (Robbins 1970; Johari, Pekelis and Walsh 2017)
for the mean of differences with variance v: mixing over means N(0, tau^2),

    L_n = sqrt(v / (v + n tau^2)) exp(n^2 tau^2 mean^2 / (2 v (v + n tau^2))).

Under no difference L_n is a non-negative martingale with mean 1, so that P(sup L_n >= 1/alpha)
is at most alpha (Ville). The variance is estimated from all observations before the one at
hand, so the guarantee holds asymptotically.
"""

import math
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

BURN_IN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTest:
    """How a sequential test of two arms went.

    Attributes
    ----------
    p_values : tuple of float
        The always-valid p-value after each observation; it never rises.
    low, high : tuple of float
        The confidence sequence of the mean difference after each observation.
    decided_at : int or None
        Observations needed until the p-value fell to `alpha`; None if it never did.
    mean_difference : float
        Over all observations; negative when the first arm loses less.
    """

    alpha: float
    p_values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    decided_at: int | None
    mean_difference: float


def sequential_test(
    differences: FloatArray, *, alpha: float = 0.05, tau: float | None = None
) -> SequentialTest:
    """Test whether the mean of `differences` is zero, after each of them.

    Parameters
    ----------
    differences : ndarray of shape (n,)
        Loss of the first arm less that of the second, in time order.
    tau : float, optional
        Scale of the differences that matter; the spread of the burn-in's when left out.

    Raises
    ------
    InvalidInputError
        If the differences are not a finite vector or `alpha` lies outside (0, 1).
    MissingDataError
        If there are no more than 20 observations.
    """
    if differences.ndim != 1 or not np.isfinite(differences).all():
        raise InvalidInputError(f"differences must be a finite vector, got {differences.shape}")
    if not 0.0 < alpha < 1.0:
        raise InvalidInputError(f"alpha must lie in (0, 1), got {alpha}")
    if len(differences) <= BURN_IN:
        raise MissingDataError(f"{len(differences)} observations are too few: need {BURN_IN + 1}")
    scale = tau if tau is not None else float(differences[:BURN_IN].std(ddof=1)) / math.sqrt(10)
    p, lowest = [], 1.0
    low, high = [], []
    for n in range(1, len(differences) + 1):
        mean = float(differences[:n].mean())
        half = math.inf
        if n > BURN_IN:
            variance = float(differences[: n - 1].var(ddof=1))
            if variance > 0.0 and scale > 0.0:
                ratio, half = _mixture(mean, n=n, variance=variance, tau=scale, alpha=alpha)
                lowest = min(lowest, 1.0 / ratio)
        p.append(lowest)
        low.append(mean - half)
        high.append(mean + half)
    decided = next((n for n, value in enumerate(p, start=1) if value <= alpha), None)
    return SequentialTest(
        alpha=alpha,
        p_values=tuple(p),
        low=tuple(low),
        high=tuple(high),
        decided_at=decided,
        mean_difference=float(differences.mean()),
    )


def _mixture(
    mean: float, *, n: int, variance: float, tau: float, alpha: float
) -> tuple[float, float]:
    """Return the mixture likelihood ratio, and half the width of the confidence sequence."""
    spread = variance + n * tau**2
    exponent = n**2 * tau**2 * mean**2 / (2.0 * variance * spread)
    ratio = math.sqrt(variance / spread) * math.exp(min(exponent, 700.0))
    half = math.sqrt(
        2.0 * variance * spread / (n**2 * tau**2) * math.log(math.sqrt(spread / variance) / alpha)
    )
    return max(ratio, 1e-300), half
