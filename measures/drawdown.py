"""Drawdown: how far below its own peak a series stands, for how long, and what that costs.

Input and bad-input policy are those of `measures.performance`: simple returns, time on the last
axis. Drawdown is a positive fraction of the peak (0.2 is 20% below it); the starting value counts
as the first peak, so a loss in the first period is a drawdown.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from measures.kernels.spells import deepest_spells
from measures.performance import PERIODS_PER_YEAR, Measure, cagr, checked_returns, ratio


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One spell below a peak.

    Attributes
    ----------
    depth : float
        Largest fraction lost from the peak, in (0, 1].
    peak, trough : int
        Period whose end is the peak (-1 is the start of the series) and the low.
    recovery : int or None
        Period whose end regains the peak; None while it has not.
    periods_down, periods_to_recover : int
        From peak to trough; from trough to recovery, or to the last period so far.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None
    periods_down: int
    periods_to_recover: int

    @property
    def periods_under_water(self) -> int:
        """Periods from the peak to its recovery, or to the last period so far."""
        return self.periods_down + self.periods_to_recover


def drawdown_series(returns: npt.ArrayLike) -> FloatArray:
    """Return the drawdown at the end of each period, in the shape of `returns`."""
    wealth = np.cumprod(1.0 + checked_returns(returns), axis=-1)
    peak = np.maximum(np.maximum.accumulate(wealth, axis=-1), 1.0)
    series: FloatArray = 1.0 - wealth / peak
    return series


def max_drawdown(returns: npt.ArrayLike) -> Measure:
    """Return the largest drawdown, in [0, 1]."""
    return drawdown_series(returns).max(axis=-1)


def current_drawdown(returns: npt.ArrayLike) -> Measure:
    """Return the drawdown at the end of the last period."""
    return drawdown_series(returns)[..., -1]


def average_drawdown(returns: npt.ArrayLike) -> Measure:
    """Return the mean drawdown over all periods (the Pain index of Becker 2006)."""
    return drawdown_series(returns).mean(axis=-1)


pain_index = average_drawdown


def ulcer_index(returns: npt.ArrayLike) -> Measure:
    """Return the root mean square drawdown over all periods (Martin 1987), as a fraction."""
    series = drawdown_series(returns)
    return np.sqrt((series * series).mean(axis=-1))


def drawdown_at_risk(returns: npt.ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Return the drawdown that all but the worst 1 - `confidence` of periods stayed within.

    The smallest drawdown whose periods at or below it are at least that share (`inverted_cdf`).
    """
    series = np.sort(drawdown_series(returns), axis=-1)
    return series[..., drawdown_rank(series.shape[-1], confidence)]


def conditional_drawdown_at_risk(returns: npt.ArrayLike, *, confidence: float = 0.95) -> Measure:
    """Return the mean drawdown of the worst periods, from the drawdown at risk on.

    Chekhlov, Uryasev and Zabarankin (2005), over the periods at or beyond the quantile.
    """
    series = np.sort(drawdown_series(returns), axis=-1)
    return series[..., drawdown_rank(series.shape[-1], confidence) :].mean(axis=-1)


def time_under_water(returns: npt.ArrayLike) -> Measure:
    """Return the fraction of periods that end below the peak."""
    return (drawdown_series(returns) > 0.0).mean(axis=-1)


def calmar_ratio(returns: npt.ArrayLike, *, periods_per_year: float = PERIODS_PER_YEAR) -> Measure:
    """Return CAGR over maximum drawdown of the whole span (Young 1991); NaN without drawdown."""
    return ratio(cagr(returns, periods_per_year=periods_per_year), max_drawdown(returns))


def pain_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return CAGR above a yearly `risk_free` over the Pain index."""
    excess = cagr(returns, periods_per_year=periods_per_year) - risk_free
    return ratio(excess, pain_index(returns))


def martin_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
) -> Measure:
    """Return CAGR above a yearly `risk_free` over the Ulcer index (Martin and McCann 1989)."""
    excess = cagr(returns, periods_per_year=periods_per_year) - risk_free
    return ratio(excess, ulcer_index(returns))


def burke_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
    worst: int = 5,
) -> Measure:
    """Return CAGR above `risk_free` over the root of summed squares of the worst drawdowns.

    Burke (1994), over the `worst` deepest spells below a peak.
    """
    values = checked_returns(returns)
    depths = _deepest(values, worst)
    excess = cagr(values, periods_per_year=periods_per_year) - risk_free
    return ratio(excess, np.sqrt((depths * depths).sum(axis=-1)))


def sterling_ratio(
    returns: npt.ArrayLike,
    *,
    risk_free: float = 0.0,
    periods_per_year: float = PERIODS_PER_YEAR,
    worst: int = 5,
) -> Measure:
    """Return CAGR above `risk_free` over the mean of the `worst` deepest drawdowns.

    The form without the historical addition of 10% (Kestner 1996 revised by Bacon 2008).
    """
    values = checked_returns(returns)
    depths = _deepest(values, worst)
    excess = cagr(values, periods_per_year=periods_per_year) - risk_free
    # The mean of the spells that there are: a series may have fewer than `worst`.
    return ratio(excess, depths.sum(axis=-1) / np.maximum((depths > 0.0).sum(axis=-1), 1))


def drawdown_table(returns: npt.ArrayLike, *, worst: int | None = None) -> tuple[Drawdown, ...]:
    """Return the spells below a peak of one series, deepest first.

    Parameters
    ----------
    returns : ndarray of shape (n_periods,)
    worst : int, optional
        How many of the deepest to return; all by default. Ties keep the order of time.
    """
    values = checked_returns(returns)
    if values.ndim != 1:
        raise InvalidInputError(f"a drawdown table is of one series, got shape {values.shape}")
    if worst is not None and worst < 1:
        raise InvalidInputError(f"worst must be at least 1, got {worst}")
    series = drawdown_series(values)
    below = np.concatenate([[False], series > 0.0, [False]])
    starts = np.flatnonzero(below[1:] & ~below[:-1])
    stops = np.flatnonzero(below[:-1] & ~below[1:])
    spells = [_spell(series, int(a), int(b)) for a, b in zip(starts, stops, strict=True)]
    spells.sort(key=lambda spell: -spell.depth)
    return tuple(spells[:worst])


def drawdown_rank(n_periods: int, confidence: float) -> int:
    """Return the place of the drawdown at risk among the sorted drawdowns, from 0."""
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0, 1), got {confidence}")
    return max(math.ceil(round(confidence * n_periods, 9)) - 1, 0)


def _spell(series: FloatArray, start: int, stop: int) -> Drawdown:
    """Describe the spell whose periods below the peak are [start, stop)."""
    trough = start + int(np.argmax(series[start:stop]))
    recovered = stop < len(series)
    return Drawdown(
        depth=float(series[trough]),
        peak=start - 1,
        trough=trough,
        recovery=stop if recovered else None,
        periods_down=trough - (start - 1),
        periods_to_recover=(stop if recovered else len(series) - 1) - trough,
    )


def _deepest(values: FloatArray, worst: int) -> FloatArray:
    """Return the depths of the `worst` deepest spells of each series, zeros where there are fewer.

    Of shape (worst,) or (n_series, worst).
    """
    if worst < 1:
        raise InvalidInputError(f"worst must be at least 1, got {worst}")
    rows = np.ascontiguousarray(np.atleast_2d(values))
    depths = np.empty((len(rows), worst))
    deepest_spells(rows, depths)
    return depths if values.ndim == 2 else depths[0]
