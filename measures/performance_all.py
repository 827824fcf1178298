"""Every measure of many series, from a few sweeps: what intervals and long lists are made of."""

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from measures.evidence_selection import sharpe_probability
from measures.performance import PERIODS_PER_YEAR, checked_returns
from measures.performance_fused import fused_performance
from measures.performance_paths import path_measures
from measures.performance_relative_fused import relative_measures
from measures.performance_tail import tail_measures

LEAST_PERIODS = 3


def every_measure(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike | None = None,
    *,
    periods_per_year: float = PERIODS_PER_YEAR,
    threads: int = 2,
) -> dict[str, FloatArray]:
    """Return every measure by the name of its function, each of shape (n_series,).

    Parameters
    ----------
    returns : ndarray of shape (n_series, n_periods)
    benchmark : ndarray of shape (n_periods,) or of the shape of `returns`, optional
        Without it there are no measures against one.

    Raises
    ------
    InvalidInputError
        If the returns or the benchmark are malformed.
    MissingDataError
        If there are fewer than three periods.
    """
    values = checked_returns(np.atleast_2d(returns), at_least=LEAST_PERIODS)
    terms: dict[str, Any] = {"periods_per_year": periods_per_year, "threads": threads}
    found = _named(fused_performance(values, **terms))
    found["probabilistic_sharpe_ratio"] = sharpe_probability(
        found["sharpe_ratio"] / np.sqrt(periods_per_year),
        found["skewness"],
        found["kurtosis"],
        observations=values.shape[1],
    )
    found |= _named(path_measures(values, **terms))
    found |= _named(tail_measures(values, threads=threads))
    del found["confidence"]  # What the tails are of, no measure.
    if benchmark is not None:
        found |= _named(relative_measures(values, benchmark, **terms))
    return found


def _named(measures: Any) -> dict[str, FloatArray]:  # noqa: ANN401 - one of the fused dataclasses
    return {field.name: getattr(measures, field.name) for field in fields(measures)}
