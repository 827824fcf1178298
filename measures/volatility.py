"""Volatility that moves: exponentially weighted and GARCH(1,1) variance forecasts.

Every forecast for observation t uses observations before t alone; element n (one past the
last) is the forecast for the next, unseen observation.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


def ewma_variance(returns: FloatArray, *, decay: float = 0.94) -> FloatArray:
    """Return variance forecasts v[t+1] = decay v[t] + (1 - decay) r[t]^2 (RiskMetrics 1996).

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_observations)
        About zero mean, without NaN.

    Returns
    -------
    ndarray of shape (n_series, n_observations + 1)
        The recursion starts at the sample variance about zero, so early values know the
        level of the whole window; use them to scale that window, not as forecasts of it.

    Raises
    ------
    InvalidInputError, MissingDataError
        If the decay is outside (0, 1), the input malformed or empty.
    """
    if returns.ndim != 2 or not np.isfinite(returns).all():
        raise InvalidInputError(f"returns must be finite rows, got shape {returns.shape}")
    if returns.shape[1] == 0:
        raise MissingDataError("no observation: a variance needs one")
    if not 0.0 < decay < 1.0:
        raise InvalidInputError(f"decay must lie in (0, 1), got {decay}")
    squares = np.ascontiguousarray((returns * returns).T)
    variance = np.empty((squares.shape[0] + 1, squares.shape[1]))
    variance[0] = squares.mean(axis=0)
    for t in range(squares.shape[0]):
        variance[t + 1] = decay * variance[t] + (1.0 - decay) * squares[t]
    return np.ascontiguousarray(variance.T)
