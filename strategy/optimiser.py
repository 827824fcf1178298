"""Portfolio construction as a programme: expected return against risk and the cost of trading.

Weights are signed fractions of equity. The same restrictions that a remedy restores
(`strategy.restrictions`) bind the programme before anything is traded.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, RefusedError
from strategy.restrictions import Restriction

MAX_SWEEPS: Final = 10_000
TOLERANCE: Final = 1e-12


def mean_variance_weights(
    expected: FloatArray,
    covariance: FloatArray,
    *,
    risk_aversion: float,
    restrictions: Sequence[Restriction] = (),
    current: FloatArray | None = None,
    cost_rate: float = 0.0,
) -> FloatArray:
    """Maximise expected' w - risk_aversion / 2 w' C w - cost_rate |w - current|.

    Source: Markowitz (1952), with linear transaction costs. Without restrictions and costs the
    answer is C^-1 expected / risk_aversion.

    Parameters
    ----------
    expected : ndarray of shape (n_symbols,)
        Expected returns over the horizon of `covariance`.
    covariance : ndarray of shape (n_symbols, n_symbols)
        Symmetric, positive semi-definite.
    risk_aversion : float
        Positive; the inverse of the risk one is willing to take.
    current : ndarray of shape (n_symbols,), optional
        Weights held now; zero when left out.
    cost_rate : float
        Cost of trading one unit of weight, a fraction.

    Raises
    ------
    InvalidInputError
        If shapes differ, a number is not finite, or a parameter is out of its domain.
    RefusedError
        If no weights keep every restriction, or the programme is unbounded.
    """
    import cvxpy as cp

    _check(expected, covariance)
    if not (risk_aversion > 0 and cost_rate >= 0):
        raise InvalidInputError(
            f"risk_aversion must be positive and cost_rate not negative, got {risk_aversion} "
            f"and {cost_rate}"
        )
    held = np.zeros(len(expected)) if current is None else current
    weights = cp.Variable(len(expected))
    utility = expected @ weights - risk_aversion / 2 * cp.quad_form(
        weights, cp.psd_wrap(covariance)
    )
    if cost_rate:
        utility -= cost_rate * cp.norm1(weights - held)
    problem = cp.Problem(
        cp.Maximize(utility), [r.expression(weights) <= r.bound for r in restrictions]
    )
    problem.solve(solver=cp.CLARABEL)
    if problem.status not in {cp.OPTIMAL, cp.OPTIMAL_INACCURATE}:
        raise RefusedError(
            f"no weights satisfy the programme ({problem.status}): loosen a restriction, or bound "
            "the exposure where the covariance is singular"
        )
    return np.asarray(weights.value, dtype=np.float64)


def risk_budget_weights(covariance: FloatArray, budgets: FloatArray | None = None) -> FloatArray:
    """Return long weights that sum to one and share the risk as `budgets` say.

    The part of symbol i in the standard deviation, w_i (C w)_i / (w' C w), equals its budget.
    Equal budgets give risk parity. Solved by cyclical coordinate descent on
    w' C w / 2 - sum b_i log w_i (Griveau-Billion, Richard and Roncalli 2013).

    Parameters
    ----------
    budgets : ndarray of shape (n_symbols,), optional
        Positive; scaled to sum to one. Equal when left out.

    Raises
    ------
    InvalidInputError
        If a budget or a variance is not positive, or shapes differ.
    RefusedError
        If the descent does not settle: the covariance is not positive semi-definite.
    """
    count = len(covariance)
    shares = np.full(count, 1.0 / count) if budgets is None else budgets / budgets.sum()
    _check(shares, covariance)
    variances = np.diagonal(covariance)
    if (shares <= 0).any() or (variances <= 0).any():
        raise InvalidInputError("every budget and every variance must be positive")
    weights = np.sqrt(shares / variances)
    for _ in range(MAX_SWEEPS):
        before = weights.copy()
        for n in range(count):
            others = float(covariance[n] @ weights - variances[n] * weights[n])
            # The positive root of C_nn w^2 + others w - b_n = 0.
            root = np.sqrt(others**2 + 4.0 * variances[n] * shares[n])
            weights[n] = (root - others) / (2.0 * variances[n])
        if np.abs(weights / before - 1.0).max() < TOLERANCE:
            total: FloatArray = weights / weights.sum()
            return total
    raise RefusedError("risk budgets did not settle: repair the covariance (nearest correlation)")


def _check(vector: FloatArray, covariance: FloatArray) -> None:
    count = len(vector)
    if vector.ndim != 1 or covariance.shape != (count, count):
        raise InvalidInputError(
            f"a covariance of shape {covariance.shape} does not fit {vector.shape} symbols"
        )
    if not (np.isfinite(vector).all() and np.isfinite(covariance).all()):
        raise InvalidInputError("expected returns and covariance must be finite")
    if not np.allclose(covariance, covariance.T, rtol=1e-9, atol=0.0):
        raise InvalidInputError("a covariance must be symmetric")
