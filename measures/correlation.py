"""How much assets move together: average correlation, absorption ratio, tail dependence."""

import math

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


def average_correlation(correlation: FloatArray) -> float:
    """Return the mean of the off-diagonal correlations.

    Raises
    ------
    MissingDataError
        If there are fewer than two assets.
    """
    n_assets = len(correlation)
    if n_assets < 2:
        raise MissingDataError("an average correlation needs two assets")
    return float((correlation.sum() - np.trace(correlation)) / (n_assets * (n_assets - 1)))


def absorption_ratio(covariance: FloatArray, *, fraction: float = 0.2) -> float:
    """Return the share of variance in the leading eigenvectors (Kritzman et al. 2011).

    Parameters
    ----------
    fraction : float
        Share of the eigenvectors that counts as leading, rounded, at least one.
    """
    if not 0.0 < fraction <= 1.0:
        raise InvalidInputError(f"fraction must lie in (0, 1], got {fraction}")
    values = np.linalg.eigvalsh(covariance)[::-1]
    total = float(values.sum())
    if total <= 0.0:
        raise MissingDataError("the assets have no variance: an absorption ratio needs some")
    leading = max(1, round(fraction * len(values)))
    return float(values[:leading].sum() / total)


def correlation_break(
    before: FloatArray, after: FloatArray, *, n_before: int, n_after: int
) -> tuple[float, float]:
    """Test whether correlations changed between two windows (Jennrich 1970).

    Parameters
    ----------
    before, after : ndarray of shape (n_assets, n_assets)
        Sample correlation matrices of the two windows.
    n_before, n_after : int
        Observations in each window.

    Returns
    -------
    statistic, p_value : float
        The statistic is chi-square with n (n - 1) / 2 degrees of freedom when nothing changed.

    Raises
    ------
    MissingDataError
        If a window is not longer than the number of assets.
    """
    from scipy.special import chdtrc

    n_assets = len(before)
    if min(n_before, n_after) <= n_assets:
        raise MissingDataError(
            f"{n_assets} assets need windows longer than {min(n_before, n_after)} observations"
        )
    pooled = (n_before * before + n_after * after) / (n_before + n_after)
    inverse = np.linalg.inv(pooled)
    scale = math.sqrt(n_before * n_after / (n_before + n_after))
    z = scale * inverse @ (before - after)
    weight = np.eye(n_assets) + pooled * inverse
    diagonal = np.diag(z)
    statistic = 0.5 * float(np.trace(z @ z)) - float(diagonal @ np.linalg.solve(weight, diagonal))
    degrees = n_assets * (n_assets - 1) / 2
    return statistic, float(chdtrc(degrees, max(statistic, 0.0)))


def tail_dependence(first: FloatArray, second: FloatArray, *, quantile: float = 0.05) -> float:
    """Return the empirical lower tail dependence P(V <= q | U <= q), U and V ranks.

    Raises
    ------
    MissingDataError
        If the tail holds no observation.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise InvalidInputError(f"two vectors of one length needed: {first.shape}, {second.shape}")
    in_tail = round(quantile * len(first), 9)
    if in_tail < 1:
        raise MissingDataError(f"{len(first)} observations have none below quantile {quantile}")
    low_first = first.argsort(kind="stable").argsort() < math.floor(in_tail)
    low_second = second.argsort(kind="stable").argsort() < math.floor(in_tail)
    return float((low_first & low_second).sum() / math.floor(in_tail))


def average_tail_dependence(returns: FloatArray, *, quantile: float = 0.05) -> float:
    """Return the lower tail dependence of two assets, averaged over all pairs.

    `quantile` itself when the assets are independent, 1 when they fall together.

    Parameters
    ----------
    returns : ndarray of shape (n_assets, n_observations)

    Raises
    ------
    MissingDataError
        If there are fewer than two assets, or the tail holds no observation.
    """
    n_assets, n_observations = returns.shape
    in_tail = math.floor(round(quantile * n_observations, 9))
    if n_assets < 2 or in_tail < 1:
        raise MissingDataError(
            f"{n_assets} assets with {in_tail} observations in the tail: two and one are needed"
        )
    ranks = returns.argsort(axis=1, kind="stable").argsort(axis=1)
    low = (ranks < in_tail).astype(np.float64)
    together = low @ low.T / in_tail
    return float((together.sum() - np.trace(together)) / (n_assets * (n_assets - 1)))
