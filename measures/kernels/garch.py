"""GARCH(1,1) with variance targeting: recursion, likelihood, and a search without derivatives."""

import math

import numpy as np

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled

# Far below the sampling error of alpha and beta, about 0.01 on a thousand days.
_SMALLEST_STEP = 1e-3


@compiled
def garch_variance(row: FloatArray, alpha: float, beta: float, out: FloatArray) -> None:
    """Fill v[t+1] = w + alpha r[t]^2 + beta v[t] with w = s^2 (1 - alpha - beta), v[0] = s^2.

    s^2 is the mean square of the row; `out` has one element more than `row`.
    """
    target = 0.0
    for t in range(len(row)):
        target += row[t] * row[t]
    target /= len(row)
    omega = target * (1.0 - alpha - beta)
    variance = target
    for t in range(len(row)):
        out[t] = variance
        variance = omega + alpha * row[t] * row[t] + beta * variance
    out[len(row)] = variance


@compiled
def _likelihood(row: FloatArray, target: float, alpha: float, beta: float) -> float:
    """Return twice the Gaussian log likelihood, up to a constant."""
    omega = target * (1.0 - alpha - beta)
    variance = target
    total = 0.0
    for t in range(len(row)):
        square = row[t] * row[t]
        total -= math.log(variance) + square / variance
        variance = omega + alpha * square + beta * variance
    return total


@compiled
def fit_rows(rows: FloatArray, alphas: FloatArray, betas: FloatArray) -> None:
    """Fill the alpha and beta of maximal likelihood of each row, by a compass search.

    A row that never moves gets (0, 0).
    """
    for i in range(len(rows)):
        target = np.mean(rows[i] * rows[i])
        alpha, beta = 0.06, 0.90
        if target <= 0.0:
            alphas[i], betas[i] = 0.0, 0.0
            continue
        best = _likelihood(rows[i], target, alpha, beta)
        step = 0.04
        while step > _SMALLEST_STEP:
            moved = False
            # Along alpha, along beta, and along alpha + beta constant, where the ridge runs.
            for d in range(6):
                sign = 1.0 if d % 2 == 0 else -1.0
                da = sign * step if d < 2 or d >= 4 else 0.0
                db = sign * step if 2 <= d < 4 else (-sign * step if d >= 4 else 0.0)
                a, b = alpha + da, beta + db
                if a < 0.0 or b < 0.0 or a + b > 0.9995:
                    continue
                value = _likelihood(rows[i], target, a, b)
                if value > best:
                    alpha, beta, best, moved = a, b, value, True
                    break
            if not moved:
                step *= 0.5
        alphas[i], betas[i] = alpha, beta
