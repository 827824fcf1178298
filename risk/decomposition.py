"""Where risk comes from: marginal, component and incremental VaR and ES, by position or group.

Component contributions follow Euler's theorem: VaR and ES grow with the size of the book, so
exposure times marginal risk sums to the total, to rounding. Positive adds risk, negative hedges.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.tail import tail_risk


@dataclass(frozen=True, slots=True)
class NormalComponents:
    """Euler split of the normal VaR of a linear book.

    Attributes
    ----------
    value_at_risk : float
        z sqrt(x' C x): zero mean.
    marginal : ndarray of shape (n,)
        Growth of VaR per unit of exposure added.
    component : ndarray of shape (n,)
        Exposure times marginal; sums to `value_at_risk`.
    """

    value_at_risk: float
    marginal: FloatArray
    component: FloatArray


def normal_components(
    exposures: FloatArray, covariance: FloatArray, *, confidence: float
) -> NormalComponents:
    """Split the zero-mean normal VaR; a book without risk has zero everywhere."""
    pull = covariance @ exposures
    variance = float(exposures @ pull)
    if variance <= 0.0:
        zeros = np.zeros(len(exposures))
        return NormalComponents(0.0, zeros, zeros)
    z, std = NormalDist().inv_cdf(confidence), math.sqrt(variance)
    marginal = z * pull / std
    return NormalComponents(z * std, marginal, exposures * marginal)


def shortfall_components(position_pnl: FloatArray, *, confidence: float) -> FloatArray:
    """Return each position's share of the scenario ES (`acerbi_tasche`), summing to it.

    The mean loss of the position over the book's tail scenarios, the scenario on the
    quantile counted in part (Tasche 1999).

    Parameters
    ----------
    position_pnl : ndarray of shape (n_positions, n_scenarios)
    """
    total = position_pnl.sum(axis=0)
    tail_risk(total, confidence=confidence)  # Refuses what cannot resolve the tail.
    size = round((1.0 - confidence) * len(total), 9)
    last = math.ceil(size)
    worst = np.argsort(total, kind="stable")[:last]
    weights = np.ones(last)
    weights[-1] = 1.0 - (last - size)
    components: FloatArray = -(position_pnl[:, worst] @ weights) / size
    return components


def incremental(position_pnl: FloatArray, *, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return how much VaR and ES would fall if each position were closed, of shape (n,)."""
    total = position_pnl.sum(axis=0)
    whole = tail_risk(total, confidence=confidence)
    without = [tail_risk(total - row, confidence=confidence) for row in position_pnl]
    return (
        np.array([whole.value_at_risk - w.value_at_risk for w in without]),
        np.array([whole.expected_shortfall - w.expected_shortfall for w in without]),
    )


def by_group(
    symbols: Sequence[str], values: FloatArray, groups: Mapping[str, str]
) -> dict[str, float]:
    """Sum per-symbol values by group (sector, strategy), sorted by name.

    A symbol without a group is counted under "unclassified", never dropped.
    """
    if len(symbols) != len(values):
        raise InvalidInputError(f"{len(symbols)} symbols and {len(values)} values must match")
    sums: dict[str, float] = {}
    for symbol, value in zip(symbols, values.tolist(), strict=True):
        group = groups.get(symbol, "unclassified")
        sums[group] = sums.get(group, 0.0) + value
    return dict(sorted(sums.items()))


def factor_split(
    exposures: FloatArray, betas: FloatArray, factor_covariance: FloatArray, specific: FloatArray
) -> tuple[FloatArray, float]:
    """Split the variance of a book into factors and the specific rest.

    Parameters
    ----------
    betas : ndarray of shape (n_positions, n_factors)
    factor_covariance : ndarray of shape (n_factors, n_factors)
    specific : ndarray of shape (n_positions,)
        Residual variances.

    Returns
    -------
    shares : ndarray of shape (n_factors,)
        Fraction of the book's variance by factor (Euler).
    specific_share : float
        The rest; all shares sum to 1, or are 0 for a book without variance.
    """
    loading = exposures @ betas
    common = loading * (factor_covariance @ loading)
    residual = float(exposures**2 @ specific)
    total = float(common.sum()) + residual
    if total <= 0.0:
        return np.zeros(len(loading)), 0.0
    shares: FloatArray = common / total
    return shares, residual / total
