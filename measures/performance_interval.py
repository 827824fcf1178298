"""How sure a performance figure is: intervals by resampling blocks of time.

Returns depend on their neighbours, so whole blocks are drawn (the stationary bootstrap of Politis
and Romano 1994). All measures see the same resamples, so that their intervals are comparable; a
benchmark is drawn with the returns, period by period, so that what ties the two survives.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.evidence_bootstrap import Interval, stationary_indices
from measures.performance import PERIODS_PER_YEAR, checked_returns
from measures.performance_all import LEAST_PERIODS, every_measure
from measures.performance_relative import paired_returns

CHUNK = 256  # Resamples measured at once: bounds memory at CHUNK x n_periods floats.
# Measures that resampling says nothing of, and why.
NO_INTERVAL = {
    "best_return": "no resample exceeds the extremes of the sample",
    "worst_return": "no resample exceeds the extremes of the sample",
    "current_drawdown": "a state of today, not a property of the returns",
    "longest_losing_streak": "blocks cut streaks",
    "probabilistic_sharpe_ratio": "a probability, which tells its own doubt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are drawn.

    Attributes
    ----------
    block : float, optional
        Mean block length in periods; the cube root of the number of periods by default.
    """

    confidence: float = 0.95
    resamples: int = 1000
    block: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.confidence < 1.0:
            raise InvalidInputError(f"confidence must lie in (0, 1), got {self.confidence}")

    def block_of(self, periods: int) -> float:
        """Return the mean block length for so many periods."""
        return self.block or max(1.0, float(np.cbrt(periods)))


def bootstrap_intervals(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike | None = None,
    *,
    generator: np.random.Generator,
    resampling: Resampling | None = None,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> dict[str, Interval]:
    """Return every measure of one series that has an interval, with its percentile interval.

    A resample in which a measure is undefined is left out of that measure's interval; an estimate
    that is undefined has none.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,)
    benchmark : ndarray of shape (n_periods,), optional
        Adds the measures against it.

    Raises
    ------
    InvalidInputError
        If the returns are not one series, or the benchmark does not fit them.
    MissingDataError
        If there are fewer than three returns.
    """
    terms = resampling or Resampling()
    values, rival = _one_pair(returns, benchmark)
    length = terms.block_of(len(values))
    drawn: list[dict[str, FloatArray]] = []
    for start in range(0, terms.resamples, CHUNK):
        count = min(CHUNK, terms.resamples - start)
        picks = stationary_indices(len(values), block=length, resamples=count, generator=generator)
        beside = None if rival is None else rival[picks]
        drawn.append(every_measure(values[picks], beside, periods_per_year=periods_per_year))
    estimates = every_measure(values, rival, periods_per_year=periods_per_year)
    return {
        name: _interval(
            float(estimate[0]), np.concatenate([one[name] for one in drawn]), terms.confidence
        )
        for name, estimate in estimates.items()
        if name not in NO_INTERVAL and np.isfinite(estimate[0])
    }


def _one_pair(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray | None]:
    values = checked_returns(returns, at_least=LEAST_PERIODS)
    if values.ndim != 1:
        raise InvalidInputError(f"intervals are of one series, got shape {values.shape}")
    return (values, None) if benchmark is None else paired_returns(values, benchmark)


def _interval(estimate: float, outcomes: FloatArray, confidence: float) -> Interval:
    known = outcomes[np.isfinite(outcomes)]
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(known, tails) if len(known) else (np.nan, np.nan)
    return Interval(estimate=estimate, low=float(low), high=float(high), confidence=confidence)
