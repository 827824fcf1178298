"""Risk-theoretical profit: what the risk engine's own pricing says a day's book earned.

The book of the evening before is moved by the day's moves of the model's risk factors, and by
nothing else. Held against hypothetical profit (the same book at the day's marks) it tells whether
the model sees what the books see (`pnl.attribution_test`). What a model has no data for it does
not see: it counts as zero, and shows in the test.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError


def own_price_pnl(exposures: FloatArray, returns: FloatArray) -> FloatArray:
    """Return the profit by day where each symbol's own price is a risk factor, (n_days,).

    This is the pricing behind value at risk by scenarios.

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols, n_days)
        Market value at the close before each day, signed.
    returns : ndarray of shape (n_symbols, n_days)
        Simple return of each day; NaN where unknown.
    """
    _check(exposures, returns)
    pnl: FloatArray = (exposures * np.nan_to_num(returns)).sum(axis=0)
    return pnl


def factor_pnl(
    exposures: FloatArray, returns: FloatArray, factors: FloatArray, *, window: int
) -> FloatArray:
    """Return the profit by day where common factors alone are risk factors, (n_days,).

    A day's exposure to the factors is estimated on the `window` days before it (least squares
    with an intercept), so that nothing of the day is known.

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols, n_days)
        Market value at the close before each day, signed.
    returns : ndarray of shape (n_symbols, window + n_days)
        Simple returns, of the days and of the `window` days before them; a symbol with a NaN in
        a window is not seen on its day.
    factors : ndarray of shape (window + n_days, n_factors)
        Factor returns on the same days, finite.

    Raises
    ------
    InvalidInputError
        If the shapes do not fit, a factor is not finite, or factors are linearly dependent.
    MissingDataError
        If the window is too short for the factors.
    """
    n_days = exposures.shape[1]
    _check_window(exposures, returns, factors, window)
    x = np.column_stack([np.ones(len(factors)), factors])
    y = np.nan_to_num(returns)
    gram = _rolling_sum(x[:, :, None] * x[:, None, :], window)[:n_days]
    cross = _rolling_sum(x[:, :, None] * y.T[:, None, :], window)[:n_days]
    unknown = _rolling_sum(np.isnan(returns.T).astype(np.float64), window)[:n_days] > 0.5
    try:
        slopes = np.linalg.solve(gram, cross)[:, 1:, :]
    except np.linalg.LinAlgError as error:
        raise InvalidInputError("the factors are linearly dependent: drop one") from error
    moves = np.einsum("tf,tfs->st", factors[window:], slopes)
    pnl: FloatArray = (exposures * np.where(unknown.T, 0.0, moves)).sum(axis=0)
    return pnl


def _rolling_sum(values: FloatArray, window: int) -> FloatArray:
    """Return the sum over each `window` rows; row t covers rows t to t + window - 1."""
    zero = np.zeros((1, *values.shape[1:]))
    sums = np.concatenate([zero, np.cumsum(values, axis=0)])
    rolled: FloatArray = sums[window:] - sums[:-window]
    return rolled


def _check(exposures: FloatArray, returns: FloatArray) -> None:
    if exposures.shape != returns.shape or exposures.ndim != 2:
        raise InvalidInputError(
            f"exposures {exposures.shape} and returns {returns.shape} must be one grid"
        )


def _check_window(
    exposures: FloatArray, returns: FloatArray, factors: FloatArray, window: int
) -> None:
    n_symbols, n_days = exposures.shape
    if returns.shape != (n_symbols, window + n_days) or len(factors) != window + n_days:
        raise InvalidInputError(
            f"{n_days} days after a window of {window} need {window + n_days} returns and factors, "
            f"got {returns.shape} and {factors.shape}"
        )
    if not np.isfinite(factors).all():
        raise InvalidInputError("a factor is not finite: leave out the days without it")
    if window < 2 * (factors.shape[1] + 1):
        raise MissingDataError(
            f"a window of {window} days is too short for {factors.shape[1]} factors: lengthen it"
        )
