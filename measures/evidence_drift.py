"""Has what the model sees, or says, moved away from what it was trained on.

Each measure compares a reference sample with a current one; 0 means alike.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
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
        return float(self._indices(shares))

    def indices(self, grid: FloatArray, picks: IntArray, *, least: int) -> FloatArray:
        """Return the index of each draw of columns of `grid`; NaN where fewer than `least` finite.

        Parameters
        ----------
        grid : ndarray of shape (n_rows, n_columns)
            NaN where not known.
        picks : ndarray of shape (n_draws, n_picked), int64
            Columns of each draw, repeated as often as they were drawn.
        """
        known = np.isfinite(grid)
        places = np.searchsorted(self._edges, np.where(known, grid, 0.0), side="left")
        width = len(self._edges) + 1
        column = np.broadcast_to(np.arange(grid.shape[1]), grid.shape)
        counts = np.bincount(
            (column * width + places)[known], minlength=grid.shape[1] * width
        ).reshape(grid.shape[1], width)
        drawn = counts[picks].sum(axis=1)
        total = drawn.sum(axis=1)
        shares = np.maximum(drawn, 0.5) / np.maximum(total, 1)[:, None]
        return np.where(total >= least, self._indices(shares), np.nan)

    def _indices(self, shares: FloatArray) -> FloatArray:
        moved = (shares - self._shares) * np.log(shares / self._shares)
        return np.asarray(moved.sum(axis=-1), dtype=np.float64)

    def _shares_of(self, sample: FloatArray) -> FloatArray:
        places = np.searchsorted(self._edges, sample, side="left")
        counts = np.bincount(places, minlength=len(self._edges) + 1)
        return np.asarray(np.maximum(counts, 0.5) / len(sample), dtype=np.float64)


class DriftReference(StabilityReference):
    """A reference sample against which all three distances of many others are measured."""

    def __init__(self, reference: FloatArray, *, bins: int = 10) -> None:
        super().__init__(reference, bins=bins)
        self._sorted = np.sort(reference)
        self._spread = float(reference.std())

    def distances(self, current: FloatArray) -> tuple[float, float]:
        """Return Kolmogorov-Smirnov's distance, and Wasserstein's in the reference's deviations.

        Both compare the distribution functions: the one takes their largest difference, the other
        the area between them.
        """
        own = np.sort(current)
        at = np.concatenate([self._sorted, own])
        at.sort(kind="stable")
        reference = np.searchsorted(self._sorted, at, side="right") / len(self._sorted)
        apart = np.abs(reference - np.searchsorted(own, at, side="right") / len(own))
        area = float((apart[:-1] * np.diff(at)).sum())
        return float(apart.max()), area / self._spread if self._spread > 0 else area


def measure_drift(reference: FloatArray, current: FloatArray) -> Drift:
    """Compare two samples of one column by all three measures.

    Raises
    ------
    InvalidInputError, MissingDataError
        If a value is not finite, or a sample has fewer than ten values.
    """
    _require("reference", reference, at_least=10)
    _require("current", current, at_least=10)
    against = DriftReference(reference)
    index = against.index(current)
    distance, mass = against.distances(current)
    small = len(current) <= SMALL_SAMPLE
    level = "alarm" if index >= ALARM else "watch" if index >= WATCH else "calm"
    return Drift(
        stability_index=index,
        kolmogorov_smirnov=distance,
        p_value=_p_value(reference, current) if small else None,
        wasserstein=mass,
        level=level,
    )


def _p_value(reference: FloatArray, current: FloatArray) -> float:
    from scipy import stats

    return float(stats.ks_2samp(reference, current, method="asymp").pvalue)


def _require(name: str, sample: FloatArray, *, at_least: int) -> None:
    if sample.ndim != 1 or not np.isfinite(sample).all():
        raise InvalidInputError(f"the {name} sample must be a finite vector")
    if len(sample) < at_least:
        raise MissingDataError(f"the {name} sample has {len(sample)} values: need {at_least}")
