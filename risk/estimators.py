"""Estimators: each reads rows of the book's P&L history and forecasts the next day's tail.

The same function makes today's number (one row), the backtest (one row a past day) and the
night over thousands of portfolios (one row each), so the evidence belongs to the very estimator
that is shown. Rows hold what the book as it stands would have made on each past day, oldest
first; answers are positive losses of shape (n_confidences, n_rows).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.extreme_value import fit_pareto_tail
from measures.parametric_tail import (
    cornish_fisher_tail,
    degrees_from_kurtosis,
    normal_tail,
    student_t_tail,
)
from measures.tail import tail_risks, weighted_tail_risk, worst_tail_risks
from measures.volatility import ewma_variance, garch
from risk.scenarios import age_weights

Estimator = Callable[[FloatArray, Sequence[float]], tuple[FloatArray, FloatArray]]

MIN_OBSERVATIONS = 100
AGE_DECAY = 0.995
EWMA_DECAY = 0.94
PARETO_THRESHOLD = 0.9
_DRAWS = 20_000


def historical_tail(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Read the empirical tail of each row."""
    return tail_risks(rows, confidences=confidences)


def age_weighted_tail(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Read the empirical tail with weights that fade by AGE_DECAY a day."""
    weights = age_weights(rows.shape[1], decay=AGE_DECAY)
    tails = [
        [weighted_tail_risk(row, weights, confidence=confidence) for row in rows]
        for confidence in confidences
    ]
    return (
        np.array([[t.value_at_risk for t in at_one] for at_one in tails]),
        np.array([[t.expected_shortfall for t in at_one] for at_one in tails]),
    )


def filtered_tail(rows: FloatArray, confidences: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Read the tail of P&L rescaled to today's EWMA volatility (filtered historical)."""
    return tail_risks(ewma_scaled(rows), confidences=confidences)


def garch_filtered_tail(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Read the tail of P&L rescaled to tomorrow's GARCH(1,1) volatility, fitted to each row."""
    return tail_risks(garch_scaled(rows), confidences=confidences)


def ewma_scaled(rows: FloatArray) -> FloatArray:
    """Return each row rescaled from each day's EWMA volatility to tomorrow's."""
    return _rescaled(rows, ewma_variance(rows, decay=EWMA_DECAY))


def garch_scaled(rows: FloatArray) -> FloatArray:
    """Return each row rescaled from each day's GARCH volatility to tomorrow's."""
    return _rescaled(rows, garch(rows).variance)


def _rescaled(rows: FloatArray, variance: FloatArray) -> FloatArray:
    std = np.sqrt(variance)
    # A book that never moved has no scale: its rows are zero and stay zero.
    scale = np.divide(std[:, -1:], std[:, :-1], out=np.ones_like(rows), where=std[:, :-1] > 0)
    return rows * scale


def extreme_value_tail(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Fit peaks over the 90% threshold of each row's losses.

    A row with too few distinct losses beyond it, or a confidence below the threshold, is read
    empirically.
    """
    value, shortfall = tail_risks(rows, confidences=confidences)
    for i, row in enumerate(rows):
        try:
            tail = fit_pareto_tail(-row, threshold_quantile=PARETO_THRESHOLD)
        except MissingDataError:
            continue
        for c, confidence in enumerate(confidences):
            if confidence >= PARETO_THRESHOLD:
                value[c, i] = tail.value_at_risk(confidence)
                shortfall[c, i] = tail.expected_shortfall(confidence)
    return value, shortfall


def normal_tail_of_rows(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Fit a normal to each row (variance-covariance of a linear book; ddof 1)."""
    mean, std = rows.mean(axis=1), rows.std(axis=1, ddof=1)
    return _stack(normal_tail(mean, std, confidence=c) for c in confidences)


def student_t_tail_of_rows(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Fit a Student t to each row: degrees from the kurtosis, scale from the variance."""
    mean, std, _, kurtosis = moments(rows)
    degrees = degrees_from_kurtosis(kurtosis)
    return _stack(student_t_tail(mean, std, degrees, confidence=c) for c in confidences)


def cornish_fisher_tail_of_rows(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Correct the normal quantile of each row by its skewness and kurtosis."""
    mean, std, skewness, kurtosis = moments(rows)
    return _stack(
        cornish_fisher_tail(mean, std, skewness, kurtosis, confidence=c) for c in confidences
    )


def monte_carlo_tail(
    rows: FloatArray, confidences: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Simulate each row's next day: t shocks matched to its mean, variance and kurtosis.

    A linear book of jointly elliptical returns is itself elliptical, so the draw is
    one-dimensional, whatever the number of positions. Draws are stratified: the quantile
    transform of the midpoints of equal strata (quasi-random, no seed), common to all rows, so
    that two books are compared under the same luck.
    """
    mean, std, _, kurtosis = moments(rows)
    degrees, row_of = np.unique(degrees_from_kurtosis(kurtosis), return_inverse=True)
    value, shortfall = unit_t_tail(degrees, confidences)
    return -mean + std * value[:, row_of], -mean + std * shortfall[:, row_of]


def unit_t_tail(degrees: FloatArray, confidences: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return the simulated tails of t shocks of unit variance, a column for each `degrees`."""
    from scipy.special import stdtrit

    # The strata of the tail alone are drawn: a quantile of the t costs, the rest is never read.
    kept = min(math.ceil((1.0 - min(confidences)) * _DRAWS) + 1, _DRAWS)
    midpoints = (np.arange(kept) + 0.5) / _DRAWS
    unit = stdtrit(degrees[:, None], midpoints[None, :])
    unit *= np.sqrt((degrees - 2) / degrees)[:, None]
    return worst_tail_risks(unit, n_scenarios=_DRAWS, confidences=confidences)


ESTIMATORS: Mapping[str, Estimator] = {
    "historical": historical_tail,
    "age_weighted": age_weighted_tail,
    "filtered_ewma": filtered_tail,
    "normal": normal_tail_of_rows,
    "student_t": student_t_tail_of_rows,
    "cornish_fisher": cornish_fisher_tail_of_rows,
    "monte_carlo": monte_carlo_tail,
    "filtered_garch": garch_filtered_tail,
    "extreme_value": extreme_value_tail,
}

# These read scenarios, so a quantile rule applies; the others are fitted laws.
EMPIRICAL = frozenset(
    {"historical", "age_weighted", "filtered_ewma", "filtered_garch", "monte_carlo"}
)


def moments(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return mean, std (ddof 1), skewness and excess kurtosis (ddof 0) of each row.

    A constant row has std, skewness and excess kurtosis 0.
    """
    mean = rows.mean(axis=1)
    centred = rows - mean[:, None]
    squares = centred * centred
    second = squares.mean(axis=1)
    safe = np.where(second > 0, second, 1.0)
    third, fourth = (squares * centred).mean(axis=1), (squares * squares).mean(axis=1)
    n = rows.shape[1]
    std = np.sqrt(second * n / (n - 1))
    kurtosis = np.where(second > 0, fourth / safe**2 - 3.0, 0.0)
    return mean, std, third / safe**1.5, kurtosis


def check_history(rows: FloatArray, confidences: Sequence[float]) -> None:
    """Refuse a history too short for the confidences asked for.

    Raises
    ------
    MissingDataError
        If there are fewer than MIN_OBSERVATIONS days, or less than one day in the tail.
    """
    needed = max(MIN_OBSERVATIONS, *(round(1.0 / (1.0 - c)) for c in confidences))
    if rows.shape[1] < needed:
        raise MissingDataError(f"{rows.shape[1]} days of P&L are too few: {needed} are needed")


def _stack(pairs: Iterable[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    values, shortfalls = zip(*pairs, strict=True)
    return np.array(values), np.array(shortfalls)
