"""The P&L attribution test: whether the risk model sees the profit that the books see.

Risk-theoretical P&L (from the risk engine's own pricing and factors) is compared with
hypothetical P&L (yesterday's positions at today's marks) over a window of days. Zones by Basel's
minimum capital requirements for market risk, MAR32 (250 days): Spearman correlation of at least
0.80 is green, below 0.70 red; Kolmogorov-Smirnov distance below 0.09 green, above 0.12 red; the
desk's zone is the worse of the two.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

SPEARMAN_GREEN, SPEARMAN_RED = 0.80, 0.70
KOLMOGOROV_GREEN, KOLMOGOROV_RED = 0.09, 0.12
FEWEST_DAYS = 20


class Zone(StrEnum):
    """How the desk stands."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionTest:
    """The outcome of the test.

    Attributes
    ----------
    spearman : float
        Rank correlation of the two series; ties share their mean rank.
    kolmogorov_smirnov : float
        Largest distance between their empirical distributions.
    """

    observations: int
    spearman: float
    kolmogorov_smirnov: float
    spearman_zone: Zone
    kolmogorov_smirnov_zone: Zone

    @property
    def zone(self) -> Zone:
        """The worse of the two zones."""
        order = list(Zone)
        return max(self.spearman_zone, self.kolmogorov_smirnov_zone, key=order.index)


def attribution_test(theoretical: FloatArray, hypothetical: FloatArray) -> AttributionTest:
    """Compare risk-theoretical with hypothetical P&L, (n_days,) each.

    Raises
    ------
    InvalidInputError
        If shapes differ, a value is not finite, or a series does not vary.
    MissingDataError
        If there are fewer than 20 days; the standard asks for 250.
    """
    from scipy import stats

    if theoretical.ndim != 1 or theoretical.shape != hypothetical.shape:
        raise InvalidInputError(
            f"theoretical {theoretical.shape} and hypothetical {hypothetical.shape} must pair up"
        )
    if len(theoretical) < FEWEST_DAYS:
        raise MissingDataError(
            f"{len(theoretical)} days are too few to compare, {FEWEST_DAYS} are needed"
        )
    for name, series in (("theoretical", theoretical), ("hypothetical", hypothetical)):
        if not np.isfinite(series).all():
            raise InvalidInputError(f"{name} P&L must be finite: drop the days with gaps")
        if np.ptp(series) == 0.0:
            raise InvalidInputError(f"{name} P&L does not vary: it has no ranks to compare")
    spearman = float(stats.spearmanr(theoretical, hypothetical).statistic)
    distance = float(stats.ks_2samp(theoretical, hypothetical, method="asymp").statistic)
    return AttributionTest(
        observations=len(theoretical),
        spearman=spearman,
        kolmogorov_smirnov=distance,
        spearman_zone=_zone(spearman >= SPEARMAN_GREEN, spearman < SPEARMAN_RED),
        kolmogorov_smirnov_zone=_zone(distance < KOLMOGOROV_GREEN, distance > KOLMOGOROV_RED),
    )


def _zone(green: bool, red: bool) -> Zone:  # noqa: FBT001 - two private answers
    if green:
        return Zone.GREEN
    return Zone.RED if red else Zone.AMBER
