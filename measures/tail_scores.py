"""Proper scores of VaR and ES forecasts: the lower the mean, the better the forecast.

P&L is a gain when positive; forecasts are positive losses.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


def pinball_loss(pnl: FloatArray, value_at_risk: FloatArray, *, confidence: float) -> FloatArray:
    """Return the quantile loss of each day, (hit - p)(q - pnl) with q = -VaR, in currency.

    Minimal in expectation at the true quantile (Koenker and Bassett 1978).
    """
    quantile = -value_at_risk
    loss: FloatArray = ((pnl <= quantile) - (1.0 - confidence)) * (quantile - pnl)
    return loss


def fissler_ziegel_loss(
    pnl: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, *, confidence: float
) -> FloatArray:
    """Return the FZ0 loss of each day (Patton, Ziegel and Chen 2019, equation 6).

    With v = -VaR, e = -ES < 0 and a = 1 - c: -hit (v - pnl) / (a e) + v / e + ln(-e) - 1.
    The only jointly consistent score of (VaR, ES) whose differences do not depend on the unit.

    Raises
    ------
    InvalidInputError
        If a shortfall forecast is not positive.
    """
    if not (shortfall > 0).all():
        raise InvalidInputError(f"ES forecasts must be positive, got {float(shortfall.min())}")
    quantile, mean_tail = -value_at_risk, -shortfall
    hit = pnl <= quantile
    loss: FloatArray = (
        hit * (pnl - quantile) / ((1.0 - confidence) * mean_tail)
        + quantile / mean_tail
        + np.log(shortfall)
        - 1.0
    )
    return loss
