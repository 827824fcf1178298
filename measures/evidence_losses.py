"""Losses of forecasts that are positive by nature; smaller is better, zero is perfect."""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


def qlike(realised: FloatArray, forecast: FloatArray) -> FloatArray:
    """Return the QLIKE loss of each variance forecast, of the inputs' shape.

    L = y / f - ln(y / f) - 1: it ranks forecasts rightly though the proxy y is noisy, does not
    depend on the unit, and punishes a forecast too low more than one too high (Patton 2011).
    NaN where either is NaN.

    Raises
    ------
    InvalidInputError
        If the shapes differ, or a variance is not positive.
    """
    if realised.shape != forecast.shape:
        raise InvalidInputError(f"variances must pair up: {realised.shape}, {forecast.shape}")
    if (realised <= 0).any() or (forecast <= 0).any():
        raise InvalidInputError("variances must be positive: floor them before scoring")
    ratio = realised / forecast
    return np.asarray(ratio - np.log(ratio) - 1.0, dtype=np.float64)
