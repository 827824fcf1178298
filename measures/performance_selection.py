"""How likely a Sharpe ratio is more than luck, of one series or of many.

Input and bad-input policy are those of `measures.performance`; the formulas stand in
`measures.evidence_selection`. Sharpe ratios are per period, kurtosis raw.
"""

import numpy as np
import numpy.typing as npt

from measures.evidence_selection import expected_maximum_sharpe, sharpe_probability
from measures.performance import Measure, checked_returns, kurtosis, sharpe_ratio, skewness

LEAST_PERIODS = 3


def probabilistic_sharpe_ratio(returns: npt.ArrayLike, *, benchmark: float = 0.0) -> Measure:
    """Return the probability that the true Sharpe ratio a period is above `benchmark`.

    Bailey and Lopez de Prado (2012); NaN where the returns do not vary.
    """
    values = checked_returns(returns, at_least=LEAST_PERIODS)
    return sharpe_probability(
        sharpe_ratio(values, periods_per_year=1.0),
        skewness(values),
        kurtosis(values),
        observations=values.shape[-1],
        benchmark=benchmark,
    )[()]


def deflated_sharpe_ratio(
    returns: npt.ArrayLike, *, trials: int, variance: float | None = None
) -> Measure:
    """Return the probability that the Sharpe ratio beats the best of `trials` worthless tries.

    Bailey and Lopez de Prado (2014); NaN where the returns do not vary.

    Parameters
    ----------
    trials : int
        Configurations that were tried, this one included.
    variance : float, optional
        Of the trials' Sharpe ratios a period; that of worthless ones of the same length,
        1 / (n_periods - 1), where it is not known.

    Raises
    ------
    InvalidInputError
        If `trials` is below 1 or `variance` negative.
    """
    periods = checked_returns(returns, at_least=LEAST_PERIODS).shape[-1]
    spread = 1.0 / (periods - 1) if variance is None else variance
    luck = expected_maximum_sharpe(trials=trials, variance=spread)
    return probabilistic_sharpe_ratio(np.asarray(returns), benchmark=luck)
