"""How sure a performance figure is: intervals by resampling blocks of time.

Returns depend on their neighbours, so whole blocks are drawn (the stationary bootstrap of Politis
and Romano 1994). All measures see the same resamples, so that their intervals are comparable.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from basics.errors import InvalidInputError
from measures.evidence_bootstrap import Interval, stationary_indices
from measures.performance import checked_returns

CHUNK = 256  # Resamples measured at once: bounds memory at CHUNK x n_periods floats.


def bootstrap_intervals(
    returns: npt.ArrayLike,
    measures: Mapping[str, Callable[..., Any]],
    *,
    generator: np.random.Generator,
    confidence: float = 0.95,
    block: float | None = None,
    resamples: int = 1000,
) -> dict[str, Interval]:
    """Return each measure of one series with its percentile interval.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,)
    measures : mapping of str to callable
        Functions of a matrix (n_series, n_periods), such as `sharpe_ratio`.
    block : float, optional
        Mean block length in periods; the cube root of the number of periods by default.
    resamples : int
        A resample in which a measure is undefined is left out of that measure's interval.

    Raises
    ------
    InvalidInputError
        If `confidence` is outside (0, 1) or the returns are not one series.
    """
    values = checked_returns(returns, at_least=2)
    if values.ndim != 1:
        raise InvalidInputError(f"intervals are of one series, got shape {values.shape}")
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")
    length = block or max(1.0, float(np.cbrt(len(values))))
    drawn: dict[str, list[Any]] = {name: [] for name in measures}
    for start in range(0, resamples, CHUNK):
        count = min(CHUNK, resamples - start)
        picks = stationary_indices(len(values), block=length, resamples=count, generator=generator)
        sample = values[picks]
        for name, measure in measures.items():
            drawn[name].append(np.asarray(measure(sample), dtype=np.float64))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    intervals = {}
    for name, measure in measures.items():
        outcomes = np.concatenate(drawn[name])
        known = outcomes[np.isfinite(outcomes)]
        low, high = np.quantile(known, tails) if len(known) else (np.nan, np.nan)
        estimate = float(measure(values))
        intervals[name] = Interval(
            estimate=estimate, low=float(low), high=float(high), confidence=confidence
        )
    return intervals
