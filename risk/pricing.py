"""Pricing: positions and scenarios in, profit and loss out.

Exposure is the market value of a linear position in the base currency, signed (long > 0).
P&L is a gain when positive.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from risk.scenarios import Scenarios


def book_pnl(exposures: FloatArray, scenarios: Scenarios) -> FloatArray:
    """Return the P&L of a linear book in each scenario, of shape (n_scenarios,)."""
    _check(exposures, scenarios)
    pnl: FloatArray = exposures.astype(scenarios.returns.dtype, copy=False) @ scenarios.returns
    return pnl


def position_pnl(exposures: FloatArray, scenarios: Scenarios) -> FloatArray:
    """Return the P&L of each linear position, of shape (n_symbols, n_scenarios)."""
    _check(exposures, scenarios)
    pnl: FloatArray = exposures[:, None] * scenarios.returns
    return pnl


def windowed_book_pnl(exposures: FloatArray, returns: FloatArray, *, window: int) -> FloatArray:
    """Return what each day's book would have made on each of the `window` days before it.

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols, n_days)
        The book at the close before each of the last `n_days` sessions.
    returns : ndarray of shape (n_symbols, n_sessions)
        Daily returns; the last column is the last of the `n_days` sessions.

    Returns
    -------
    ndarray of shape (n_days, window)
        Row d uses the sessions before day d alone.
    """
    n_days = exposures.shape[1]
    first = returns.shape[1] - n_days
    if first < window:
        raise InvalidInputError(
            f"{n_days} days with a window of {window} need {n_days + window} sessions, "
            f"got {returns.shape[1]}"
        )
    rows = np.empty((n_days, window))
    for day in range(n_days):
        rows[day] = exposures[:, day] @ returns[:, first + day - window : first + day]
    return rows


def _check(exposures: FloatArray, scenarios: Scenarios) -> None:
    if exposures.shape != (len(scenarios.symbols),) or not np.isfinite(exposures).all():
        raise InvalidInputError(
            f"exposures {exposures.shape} must be finite, one for each of "
            f"{len(scenarios.symbols)} symbols"
        )
