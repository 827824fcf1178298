"""Regression over a rolling window, pulled towards the estimate of the whole span.

Short windows follow changing exposures and are noisy; ridge shrinkage towards the whole-span
estimate trades the one for the other. Regressors are scaled by their standard deviation, so that
shrinkage does not depend on units.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.regression import Regression, ordinary_least_squares


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRegression:
    """Coefficients over time.

    Attributes
    ----------
    coefficients : ndarray of shape (n_observations, n_regressors)
        Row t is estimated on the window that ends at t; the first rows share the first window.
    standard_errors : ndarray of shape (n_observations, n_regressors)
        Of the window's estimate, with its residual variance; shrinkage narrows them.
    whole : Regression
        The whole-span estimate that they are pulled towards.
    """

    coefficients: FloatArray
    standard_errors: FloatArray
    whole: Regression


def rolling_ridge(
    y: FloatArray, x: FloatArray, *, window: int, shrinkage: float, lags: int = 0
) -> RollingRegression:
    """Regress `y` on `x` in each window, with an intercept.

    b_t = b + (Z'Z + k window I)^-1 Z'(e), on standardised regressors Z and the whole-span
    residuals e of the window, both centred in it.

    Parameters
    ----------
    y : ndarray of shape (n_observations,)
    x : ndarray of shape (n_observations, n_regressors)
    window : int
        More than regressors + 1, at most the observations.
    shrinkage : float
        k >= 0: 0 is each window's own least squares, infinity the whole span's.

    Raises
    ------
    InvalidInputError
        If window or shrinkage are out of range; otherwise as `ordinary_least_squares`.
    """
    whole = ordinary_least_squares(y, x, lags=lags)
    n, k = x.shape
    if not k + 1 < window <= n:
        raise InvalidInputError(f"window must lie in ({k + 1}, {n}], got {window}")
    if not shrinkage >= 0:
        raise InvalidInputError(f"shrinkage must be at least 0, got {shrinkage}")
    scale = x.std(axis=0)
    z, e = x / scale, whole.residuals
    coefficients, errors = np.empty((n, k)), np.empty((n, k))
    for end in range(window, n + 1):
        part = z[end - window : end] - z[end - window : end].mean(axis=0)
        rest = e[end - window : end] - e[end - window : end].mean()
        gram = part.T @ part
        inverse = np.linalg.inv(gram + shrinkage * window * np.eye(k))
        moved = inverse @ (part.T @ rest)
        left = rest - part @ moved
        variance = float(left @ left) / (window - k - 1)
        coefficients[end - 1] = whole.coefficients + moved / scale
        errors[end - 1] = np.sqrt(np.diag(inverse @ gram @ inverse) * variance) / scale
    coefficients[: window - 1] = coefficients[window - 1]
    errors[: window - 1] = errors[window - 1]
    return RollingRegression(coefficients=coefficients, standard_errors=errors, whole=whole)
