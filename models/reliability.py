"""How often what was foretold as a probability came true, and how sure one can be of that.

Earlier predictions out of sample are grouped by their value; each group's rate stands with its
binomial uncertainty (Wilson 1927). A p-value is a rate too: that of calibration rows at least as
strange.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Predictions up to `until`, how many there were and how often the outcome occurred."""

    until: float
    count: int
    occurred: int

    @property
    def rate(self) -> float:
        """Return the share of outcomes that occurred."""
        return self.occurred / self.count

    def interval(self, coverage: float) -> tuple[float, float]:
        """Return Wilson's interval of the rate."""
        low, high = rate_interval(np.array([self.rate]), self.count, coverage=coverage)
        return float(low[0]), float(high[0])


def reliability_bins(
    value: FloatArray, outcome: FloatArray, *, bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """Group predictions into `bins` of equal size by value; fewer where values repeat.

    Raises
    ------
    MissingDataError
        If there is no prediction.
    InvalidInputError
        If an outcome is neither 0 nor 1.
    """
    if not len(value):
        raise MissingDataError("no prediction has a known outcome: nothing to calibrate on")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise InvalidInputError("outcomes must be 0 or 1 to count how often they occurred")
    edges = np.unique(np.quantile(value, np.linspace(0.0, 1.0, bins + 1)[1:]))
    place = np.minimum(np.searchsorted(edges, value, side="left"), len(edges) - 1)
    return tuple(
        ReliabilityBin(until=float(edge), count=len(inside), occurred=int(inside.sum()))
        for k, edge in enumerate(edges)
        if len(inside := outcome[place == k])
    )


def bin_of(bins: Sequence[ReliabilityBin], value: float) -> ReliabilityBin:
    """Return the bin of a prediction; the last one for values beyond all."""
    return next((b for b in bins if value <= b.until), bins[-1])


def rate_interval(
    rate: FloatArray, count: int, *, coverage: float
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's interval of each rate that was seen on `count` rows; NaN without rows."""
    if count < 1:
        return np.full(len(rate), np.nan), np.full(len(rate), np.nan)
    z = _NORMAL.inv_cdf(0.5 + coverage / 2.0)
    centre = (rate + z * z / (2 * count)) / (1.0 + z * z / count)
    half = (
        z
        / (1.0 + z * z / count)
        * np.sqrt(np.maximum(rate * (1.0 - rate), 0.0) / count + z * z / (4 * count * count))
    )
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def share_above(group: ReliabilityBin, neutral: float) -> float:
    """Return how sure the group's true rate lies on its side of `neutral`, in [0, 1].

    0 where its rate is `neutral`, by the normal approximation.
    """
    error = math.sqrt(max(neutral * (1.0 - neutral), 1e-12) / group.count)
    return 2.0 * _NORMAL.cdf(abs(group.rate - neutral) / error) - 1.0
