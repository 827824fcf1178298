"""The whole forecast law of each estimator: equally likely outcomes, for the ES tests' simulations.

An estimator that reads scenarios forecasts those scenarios; one that fits a law forecasts its
quantiles at the midpoints of LAW_OUTCOMES equal strata; weighted scenarios are read at the same
strata of their weighted distribution. VaR and ES stay the estimator's own: a law only says how
far from them outcomes may fall when the forecast is right.
"""

from collections.abc import Callable, Mapping

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.extreme_value import fit_pareto_tail
from measures.parametric_tail import degrees_from_kurtosis
from risk.estimators import AGE_DECAY, PARETO_THRESHOLD, ewma_scaled, garch_scaled, moments
from risk.scenarios import age_weights

LAW_OUTCOMES = 2_000

Law = Callable[[FloatArray, int], FloatArray]


def strata(n_outcomes: int) -> FloatArray:
    """Return the midpoints of equal strata of (0, 1)."""
    midpoints: FloatArray = (np.arange(n_outcomes) + 0.5) / n_outcomes
    return midpoints


def age_weighted_law(rows: FloatArray, n_outcomes: int) -> FloatArray:
    """Read each row's weighted distribution at the strata."""
    weights, at = age_weights(rows.shape[1], decay=AGE_DECAY), strata(n_outcomes)
    order = np.argsort(rows, axis=1)
    ordered, reached = np.take_along_axis(rows, order, axis=1), np.cumsum(weights[order], axis=1)
    last = rows.shape[1] - 1
    return np.stack(
        [
            row[np.minimum(np.searchsorted(share, at), last)]
            for row, share in zip(ordered, reached, strict=True)
        ]
    )


def normal_law(rows: FloatArray, n_outcomes: int) -> FloatArray:
    """Return the quantiles of each row's normal."""
    from scipy.special import ndtri

    mean, std, _, _ = moments(rows)
    law: FloatArray = mean[:, None] + std[:, None] * ndtri(strata(n_outcomes))
    return law


def student_t_law(rows: FloatArray, n_outcomes: int) -> FloatArray:
    """Return the quantiles of each row's t, matched to mean, variance and kurtosis."""
    from scipy.special import stdtrit

    mean, std, _, kurtosis = moments(rows)
    degrees, row_of = np.unique(degrees_from_kurtosis(kurtosis), return_inverse=True)
    unit = stdtrit(degrees[:, None], strata(n_outcomes)) * np.sqrt((degrees - 2) / degrees)[:, None]
    law: FloatArray = mean[:, None] + std[:, None] * unit[row_of]
    return law


def cornish_fisher_law(rows: FloatArray, n_outcomes: int) -> FloatArray:
    """Return each row's corrected quantiles, in order where the correction folds back."""
    from scipy.special import ndtri

    mean, std, skewness, kurtosis = (m[:, None] for m in moments(rows))
    z = ndtri(strata(n_outcomes))
    bent = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * kurtosis / 24
    bent -= (2 * z**3 - 5 * z) * skewness**2 / 36
    law: FloatArray = np.sort(mean + std * bent, axis=1)
    return law


def extreme_value_law(rows: FloatArray, n_outcomes: int) -> FloatArray:
    """Return each row's empirical quantiles, and Pareto ones beyond the threshold.

    A row with too few distinct losses beyond it stays empirical.
    """
    at = strata(n_outcomes)
    law = np.quantile(rows, at, axis=1).T
    for row, outcomes in zip(rows, law, strict=True):
        try:
            tail = fit_pareto_tail(-row, threshold_quantile=PARETO_THRESHOLD)
        except MissingDataError:
            continue
        beyond = np.flatnonzero(at < tail.n_excesses / tail.n)
        outcomes[beyond] = [-tail.value_at_risk(1.0 - p) for p in at[beyond]]
    law.sort(axis=1)
    return law


# These forecast their scenarios as they stand, however many are asked for.
SCENARIO_LAWS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "historical": lambda rows: rows,
    "filtered_ewma": ewma_scaled,
    "filtered_garch": garch_scaled,
}
FITTED_LAWS: Mapping[str, Law] = {
    "age_weighted": age_weighted_law,
    "normal": normal_law,
    "student_t": student_t_law,
    "cornish_fisher": cornish_fisher_law,
    "monte_carlo": student_t_law,
    "extreme_value": extreme_value_law,
}
