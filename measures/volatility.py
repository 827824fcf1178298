"""Volatility that moves: exponentially weighted and GARCH(1,1) variance forecasts.

Every forecast for observation t uses observations before t alone; element n (one past the
last) is the forecast for the next, unseen observation.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.kernels.garch import fit_rows, garch_variance
from measures.kernels.tails import ewma_rows

MIN_GARCH_OBSERVATIONS = 50


def ewma_variance(
    returns: FloatArray, *, decay: float = 0.94, warm: int | None = None
) -> FloatArray:
    """Return variance forecasts v[t+1] = decay v[t] + (1 - decay) r[t]^2 (RiskMetrics 1996).

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_observations)
        About zero mean, without NaN.
    warm : int, optional
        The recursion starts at the mean square of the first `warm` observations, by default of
        all: early values then know the level of the whole series; use them to scale that
        series, not as forecasts of it.

    Returns
    -------
    ndarray of shape (n_series, n_observations + 1)

    Raises
    ------
    InvalidInputError, MissingDataError
        If the decay is outside (0, 1), the input malformed, or shorter than `warm`.
    """
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be finite rows, got shape {returns.shape}")
    if not 0.0 < decay < 1.0:
        raise InvalidInputError(f"decay must lie in (0, 1), got {decay}")
    start = returns.shape[1] if warm is None else warm
    if not 1 <= start <= returns.shape[1]:
        raise MissingDataError(
            f"{returns.shape[1]} observations cannot start a recursion that needs {start or 1}"
        )
    variance = np.empty((len(returns), returns.shape[1] + 1))
    ewma_rows(np.ascontiguousarray(returns, dtype=np.float64), decay, start, variance)
    return variance


@dataclass(frozen=True, slots=True)
class Garch:
    """GARCH(1,1) of each series and its variance forecasts.

    Attributes
    ----------
    alpha, beta : ndarray of shape (n_series,)
        v[t+1] = s^2 (1 - alpha - beta) + alpha r[t]^2 + beta v[t].
    variance : ndarray of shape (n_series, n_observations + 1)
        Starts at the mean square s^2 of the series (`backcast="variance"`).
    """

    alpha: FloatArray
    beta: FloatArray
    variance: FloatArray


def garch(returns: FloatArray) -> Garch:
    """Fit GARCH(1,1) to each series by Gaussian quasi maximum likelihood with variance targeting.

    Francq, Horvath and Zakoian (2011): the long-run variance is the mean square, which leaves
    two parameters; they are searched to 1e-3 with alpha, beta >= 0 and alpha + beta <= 0.9995.

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_observations)
        About zero mean, without NaN.

    Raises
    ------
    InvalidInputError, MissingDataError
        If the input is malformed or has fewer than 50 observations.
    """
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be finite rows, got shape {returns.shape}")
    if returns.shape[1] < MIN_GARCH_OBSERVATIONS:
        raise MissingDataError(
            f"{returns.shape[1]} observations are too few for GARCH: {MIN_GARCH_OBSERVATIONS}"
        )
    rows = np.ascontiguousarray(returns, dtype=np.float64)
    alpha, beta = np.empty(len(rows)), np.empty(len(rows))
    fit_rows(rows, alpha, beta)
    variance = np.empty((len(rows), rows.shape[1] + 1))
    for i, row in enumerate(rows):
        garch_variance(row, alpha[i], beta[i], variance[i])
    return Garch(alpha, beta, variance)
