"""Ordinary least squares with standard errors that survive serial correlation."""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True)
class Regression:
    """y = intercept + x coefficients + residuals.

    Attributes
    ----------
    intercept : float
    coefficients : ndarray of shape (n_regressors,)
    covariance : ndarray of shape (n_regressors + 1, n_regressors + 1)
        Of the estimates, the intercept first.
    residuals : ndarray of shape (n_observations,)
    r_squared : float
        Share of the variance of y explained; 0 when y is constant.
    """

    intercept: float
    coefficients: FloatArray
    covariance: FloatArray
    residuals: FloatArray
    r_squared: float

    @property
    def standard_errors(self) -> FloatArray:
        """Standard errors of the coefficients, the intercept left out, (n_regressors,)."""
        return np.sqrt(np.diag(self.covariance)[1:])


def ordinary_least_squares(y: FloatArray, x: FloatArray, *, lags: int = 0) -> Regression:
    """Regress `y` on `x` with an intercept.

    Parameters
    ----------
    y : ndarray of shape (n_observations,)
    x : ndarray of shape (n_observations, n_regressors)
    lags : int
        Lags of the Newey and West (1987) covariance with Bartlett weights; 0 is White's (HC0).
        Both are scaled by n / (n - k), k counting the intercept.

    Raises
    ------
    InvalidInputError
        If shapes differ, a value is not finite or the regressors are linearly dependent.
    MissingDataError
        If there are not more observations than estimates.
    """
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InvalidInputError(f"y {y.shape} and x {x.shape} must share their observations")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise InvalidInputError("a regression needs finite values: drop the sessions with gaps")
    n, k = len(y), x.shape[1] + 1
    if n <= k:
        raise MissingDataError(f"{n} observations cannot estimate {k} coefficients")
    design = np.column_stack([np.ones(n), x])
    # Columns of very different scale would make the rank depend on units.
    scale = np.sqrt((design * design).mean(axis=0))
    if (scale == 0).any() or np.linalg.matrix_rank(design / scale, tol=1e-8 * np.sqrt(n)) < k:
        raise InvalidInputError("regressors are linearly dependent: leave one of them out")
    inverse = np.linalg.inv((design / scale).T @ (design / scale)) / np.outer(scale, scale)
    estimates = inverse @ (design.T @ y)
    residuals = y - design @ estimates
    spread = float(((y - y.mean()) ** 2).sum())
    return Regression(
        intercept=float(estimates[0]),
        coefficients=estimates[1:],
        covariance=inverse @ _long_run(design * residuals[:, None], lags) @ inverse * n / (n - k),
        residuals=residuals,
        r_squared=1.0 - float(residuals @ residuals) / spread if spread > 0 else 0.0,
    )


def newey_west_lags(n_observations: int) -> int:
    """Return the usual choice of lags, floor(4 (n / 100) ^ (2/9))."""
    return int(4 * (n_observations / 100) ** (2 / 9))


def _long_run(scores: FloatArray, lags: int) -> FloatArray:
    """Return the sum of autocovariances of `scores` with Bartlett weights."""
    total: FloatArray = scores.T @ scores
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        shifted = scores[lag:].T @ scores[:-lag]
        total = total + (1.0 - lag / (lags + 1)) * (shifted + shifted.T)
    return total
