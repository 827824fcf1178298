"""Covariance and correlation matrices of returns, and their repair.

Inputs are returns of shape (n_assets, n_observations) without NaN; ddof is 1 for the sample
covariance, 0 for the exponentially weighted and the shrunk ones, as in their sources.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


def sample_covariance(returns: FloatArray) -> FloatArray:
    """Return the sample covariance (ddof 1), of shape (n_assets, n_assets)."""
    _check_returns(returns)
    return np.atleast_2d(np.cov(returns))


def ewma_covariance(returns: FloatArray, *, decay: float = 0.94) -> FloatArray:
    """Return the exponentially weighted covariance about zero (RiskMetrics 1996).

    Weights are (1 - decay) decay^k for the k-th last observation, rescaled to sum to one.

    Raises
    ------
    InvalidInputError
        If `decay` is outside (0, 1).
    """
    _check_returns(returns)
    if not 0.0 < decay < 1.0:
        raise InvalidInputError(f"decay must lie in (0, 1), got {decay}")
    weights = decay ** np.arange(returns.shape[1] - 1, -1, -1, dtype=np.float64)
    weights /= weights.sum()
    return (returns * weights) @ returns.T


def ledoit_wolf_covariance(returns: FloatArray) -> tuple[FloatArray, float]:
    """Return the covariance shrunk to a scaled identity, and the intensity in [0, 1].

    Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices"; positive definite for any number of assets unless all returns are constant.
    """
    _check_returns(returns)
    n_assets, n_observations = returns.shape
    centred = returns - returns.mean(axis=1, keepdims=True)
    sample = centred @ centred.T / n_observations
    target = np.trace(sample) / n_assets
    distance = ((sample - target * np.eye(n_assets)) ** 2).sum()
    if distance == 0.0:
        return sample, 0.0
    squares = centred**2
    noise = ((squares @ squares.T).sum() / n_observations - (sample**2).sum()) / n_observations
    intensity = float(min(max(noise / distance, 0.0), 1.0))
    return (1.0 - intensity) * sample + intensity * target * np.eye(n_assets), intensity


def factor_covariance(returns: FloatArray, *, n_factors: int) -> FloatArray:
    """Return the covariance of the leading principal components plus diagonal residuals.

    Keeps every asset's own variance exactly; only correlations outside the leading
    components are dropped.

    Raises
    ------
    InvalidInputError
        If `n_factors` is not within 1 to n_assets.
    """
    sample = sample_covariance(returns)
    if not 1 <= n_factors <= len(sample):
        raise InvalidInputError(f"n_factors must lie in 1..{len(sample)}, got {n_factors}")
    values, vectors = np.linalg.eigh(sample)
    loadings = vectors[:, -n_factors:] * np.sqrt(np.maximum(values[-n_factors:], 0.0))
    common: FloatArray = loadings @ loadings.T
    np.fill_diagonal(common, np.diag(sample))
    return common


def correlation_of(covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the correlation matrix and the standard deviations of a covariance.

    An asset without variance has correlation 0 with every other, and 1 with itself.
    """
    std = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(std > 0, std, 1.0)
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return np.clip(correlation, -1.0, 1.0), std


def is_positive_semidefinite(matrix: FloatArray, *, tolerance: float = 1e-10) -> bool:
    """Return whether the smallest eigenvalue is above -tolerance times the largest."""
    symmetric = _symmetric(matrix)
    # A Cholesky factor exists for nearly every matrix that is asked about, at a tenth the cost.
    lift = tolerance * float(np.abs(np.diag(symmetric)).max(initial=0.0))
    try:
        np.linalg.cholesky(symmetric + lift * np.eye(len(symmetric)))
    except np.linalg.LinAlgError:
        pass
    else:
        return True
    values = np.linalg.eigvalsh(symmetric)
    return bool(values[0] >= -tolerance * max(values[-1], 0.0))


def nearest_correlation(
    matrix: FloatArray, *, floor: float = 1e-8, max_steps: int = 200, tolerance: float = 1e-10
) -> FloatArray:
    """Return the correlation matrix nearest to `matrix` in the Frobenius norm.

    Higham (2002): alternating projections onto the positive semidefinite cone (with
    Dykstra's correction) and onto unit diagonals; eigenvalues end at or above `floor`.

    Raises
    ------
    InvalidInputError
        If `matrix` is not square, symmetric and finite.
    """
    current = _symmetric(matrix)
    correction = np.zeros_like(current)
    for _ in range(max_steps):
        shifted = current - correction
        projected = _project_semidefinite(shifted, floor)
        correction = projected - shifted
        following = projected.copy()
        np.fill_diagonal(following, 1.0)
        moved = float(np.abs(following - current).max())
        current = following
        if moved < tolerance:
            break
    # The last step set the diagonal; a final projection, rescaled, restores both properties.
    return correlation_of(_project_semidefinite(current, floor))[0]


def covariance_root(covariance: FloatArray) -> FloatArray:
    """Return L with L L' = covariance, also for a singular or slightly indefinite matrix.

    The Cholesky factor where it exists, else the eigenvector root with negative eigenvalues
    set to zero.
    """
    try:
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(_symmetric(covariance))
        root: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
        return root


def _project_semidefinite(matrix: FloatArray, floor: float) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    projected: FloatArray = (vectors * np.maximum(values, floor)) @ vectors.T
    return (projected + projected.T) / 2.0


def _symmetric(matrix: FloatArray) -> FloatArray:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise InvalidInputError(f"a square finite matrix is needed, got shape {matrix.shape}")
    if not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12):
        raise InvalidInputError("the matrix must be symmetric")
    return (matrix + matrix.T) / 2.0


def _check_returns(returns: FloatArray) -> None:
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(
            f"returns must be finite, of shape (n_assets, n_observations), got {returns.shape}"
        )
    if returns.shape[1] < 2:
        raise MissingDataError(f"{returns.shape[1]} observations give no covariance: 2 are needed")
