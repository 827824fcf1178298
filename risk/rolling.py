"""Every estimator's forecast of every day, for many books at once.

The compiled counterpart of `risk.estimators` for a book held constant: each day's forecast uses
the `window` days before it. The two agree to rounding, but for the EWMA filter, which runs
through the whole history here and starts at the window there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.kernels.tails import rolling_moments, rolling_tail
from measures.parametric_tail import (
    cornish_fisher_tail,
    degrees_from_kurtosis,
    normal_tail,
    student_t_tail,
)
from measures.volatility import ewma_variance
from risk.estimators import EWMA_DECAY, MIN_OBSERVATIONS, unit_t_tail

_WARM_DAYS = 50


def rolling_forecasts(
    pnl: FloatArray, *, window: int, confidences: Sequence[float]
) -> Mapping[str, tuple[FloatArray, FloatArray]]:
    """Forecast VaR and ES of every day after the first window, and of tomorrow.

    Parameters
    ----------
    pnl : ndarray of shape (n_books, n_days)
        Daily P&L of books held constant.

    Returns
    -------
    mapping of estimator to (value_at_risk, expected_shortfall)
        Each of shape (n_confidences, n_books, n_days - window + 1); column j is the forecast for
        day window + j, the last one is for tomorrow.

    Raises
    ------
    MissingDataError
        If the window or the history is too short.
    """
    if window < MIN_OBSERVATIONS or pnl.shape[1] < window:
        raise MissingDataError(
            f"a window of {window} on {pnl.shape[1]} days: at least {MIN_OBSERVATIONS} are needed"
        )
    moments = np.empty((4, len(pnl), pnl.shape[1] - window + 1))
    rolling_moments(pnl, window, moments)
    degrees = degrees_from_kurtosis(moments[3])
    forecasts = {
        "historical": _empirical(pnl, window, confidences),
        "filtered_ewma": _filtered(pnl, window, confidences),
        "normal": _each(confidences, lambda c: normal_tail(moments[0], moments[1], confidence=c)),
        "cornish_fisher": _each(confidences, lambda c: cornish_fisher_tail(*moments, confidence=c)),
    }
    unit_degrees, at = np.unique(degrees, return_inverse=True)
    for name, unit_tails in (("student_t", _unit_t), ("monte_carlo", _unit_monte_carlo)):
        value, shortfall = unit_tails(tuple(unit_degrees.tolist()), tuple(confidences))
        at = at.reshape(degrees.shape)
        forecasts[name] = (
            moments[1] * value[:, at] - moments[0],
            moments[1] * shortfall[:, at] - moments[0],
        )
    return forecasts


def _empirical(
    pnl: FloatArray, window: int, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    sizes = np.array([round((1.0 - c) * window, 9) for c in confidences])
    if (sizes < 1.0).any():
        raise MissingDataError(f"a window of {window} cannot resolve confidence {max(confidences)}")
    shape = (len(sizes), len(pnl), pnl.shape[1] - window + 1)
    value, shortfall = np.empty(shape), np.empty(shape)
    rolling_tail(np.ascontiguousarray(pnl), window, sizes, value, shortfall)
    return value, shortfall


def _filtered(
    pnl: FloatArray, window: int, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    std = np.sqrt(ewma_variance(pnl, decay=EWMA_DECAY, warm=_WARM_DAYS))
    shocks = np.divide(pnl, std[:, :-1], out=np.zeros_like(pnl), where=std[:, :-1] > 0)
    value, shortfall = _empirical(shocks, window, confidences)
    return value * std[:, window:], shortfall * std[:, window:]


def _each(
    confidences: Sequence[float], tail: Callable[[float], tuple[FloatArray, FloatArray]]
) -> tuple[FloatArray, FloatArray]:
    pairs = [tail(confidence) for confidence in confidences]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def _unit_t(
    degrees: tuple[float, ...], confidences: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    n = len(degrees)
    return _each(
        confidences,
        lambda c: student_t_tail(np.zeros(n), np.ones(n), np.array(degrees), confidence=c),
    )


def _unit_monte_carlo(
    degrees: tuple[float, ...], confidences: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    pairs = [_unit_one(degree, confidences) for degree in degrees]
    return np.array([p[0] for p in pairs]).T, np.array([p[1] for p in pairs]).T


@lru_cache(maxsize=2048)
def _unit_one(
    degrees: float, confidences: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    value, shortfall = unit_t_tail(np.array([degrees]), confidences)
    return tuple(value[:, 0].tolist()), tuple(shortfall[:, 0].tolist())
