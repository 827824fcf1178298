"""Has what the model sees, or says, moved away from what it was trained on.

Each measure compares a reference sample with a current one; 0 means alike.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

WATCH, ALARM = 0.10, 0.25
SMALL_SAMPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one column has moved.

    Attributes
    ----------
    stability_index : float
        Population stability index over the reference's deciles: below 0.1 calm, from 0.25 an
        alarm.
    kolmogorov_smirnov : float
        Largest distance of the distribution functions, in [0, 1].
    p_value : float or None
        Of Kolmogorov-Smirnov, for samples up to 1,000; larger ones reject on trifles.
    wasserstein : float
        Mean distance that mass must move, in standard deviations of the reference.
    level : str
        `calm`, `watch` or `alarm`.
    """

    stability_index: float
    kolmogorov_smirnov: float
    p_value: float | None
    wasserstein: float
    level: str


def stability_index(reference: FloatArray, current: FloatArray, *, bins: int = 10) -> float:
    """Return the population stability index sum (c_i - r_i) ln(c_i / r_i).

    Bins are the reference's quantiles; an empty one counts as half an observation, so that the
    logarithm exists.

    Raises
    ------
    InvalidInputError, MissingDataError
        If a value is not finite, or a sample has fewer values than bins.
    """
    return StabilityReference(reference, bins=bins).index(current)


class StabilityReference:
    """A reference sample, counted once, against which many others are held.

    Raises
    ------
    InvalidInputError, MissingDataError
        If a value is not finite, or there are fewer values than bins.
    """

    def __init__(self, reference: FloatArray, *, bins: int = 10) -> None:
        _require("reference", reference, at_least=bins)
        self._bins = bins
        self._edges = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
        self._shares = self._shares_of(reference)

    def index(self, current: FloatArray) -> float:
        """Return the stability index of `current` against the reference."""
        _require("current", current, at_least=self._bins)
        shares = self._shares_of(current)
        return float(((shares - self._shares) * np.log(shares / self._shares)).sum())

    def _shares_of(self, sample: FloatArray) -> FloatArray:
        places = np.searchsorted(self._edges, sample, side="left")
        counts = np.bincount(places, minlength=len(self._edges) + 1)
        return np.asarray(np.maximum(counts, 0.5) / len(sample), dtype=np.float64)


def measure_drift(reference: FloatArray, current: FloatArray) -> Drift:
    """Compare two samples of one column by all three measures.

    Raises
    ------
    InvalidInputError, MissingDataError
        If a value is not finite, or a sample has fewer than ten values.
    """
    from scipy import stats

    _require("reference", reference, at_least=10)
    _require("current", current, at_least=10)
    index = stability_index(reference, current)
    test = stats.ks_2samp(reference, current, method="asymp")
    spread = float(reference.std())
    distance = float(stats.wasserstein_distance(reference, current))
    small = len(current) <= SMALL_SAMPLE
    level = "alarm" if index >= ALARM else "watch" if index >= WATCH else "calm"
    return Drift(
        stability_index=index,
        kolmogorov_smirnov=float(test.statistic),
        p_value=float(test.pvalue) if small else None,
        wasserstein=distance / spread if spread > 0 else distance,
        level=level,
    )


def _require(name: str, sample: FloatArray, *, at_least: int) -> None:
    if sample.ndim != 1 or not np.isfinite(sample).all():
        raise InvalidInputError(f"the {name} sample must be a finite vector")
    if len(sample) < at_least:
        raise MissingDataError(f"the {name} sample has {len(sample)} values: need {at_least}")
