"""Wins and losses: how often, how large, how lopsided.

Input and bad-input policy are those of `measures.performance`. A period with a return of exactly
zero is neither a win nor a loss, and counts only where a formula divides by all periods.
"""

import numpy as np
import numpy.typing as npt

from measures.performance import Measure, checked_returns, ratio


def hit_rate(returns: npt.ArrayLike) -> Measure:
    """Return winning periods over winning and losing ones; NaN when every return is zero."""
    values = checked_returns(returns)
    wins, losses = (values > 0.0).sum(axis=-1), (values < 0.0).sum(axis=-1)
    return ratio(wins, wins + losses)


def average_win(returns: npt.ArrayLike) -> Measure:
    """Return the mean of the positive returns; NaN when there is none."""
    values = checked_returns(returns)
    return ratio(np.maximum(values, 0.0).sum(axis=-1), (values > 0.0).sum(axis=-1))


def average_loss(returns: npt.ArrayLike) -> Measure:
    """Return the mean size of the negative returns, positive; NaN when there is none."""
    values = checked_returns(returns)
    return ratio(-np.minimum(values, 0.0).sum(axis=-1), (values < 0.0).sum(axis=-1))


def payoff_ratio(returns: npt.ArrayLike) -> Measure:
    """Return the average win over the average loss; NaN when either is missing."""
    values = checked_returns(returns)
    return ratio(average_win(values), average_loss(values))


def profit_factor(returns: npt.ArrayLike) -> Measure:
    """Return the sum of gains over the sum of losses; NaN without losses.

    The same number as the Omega ratio at target 0, under the name traders use.
    """
    values = checked_returns(returns)
    gains = np.maximum(values, 0.0).sum(axis=-1)
    return ratio(gains, -np.minimum(values, 0.0).sum(axis=-1))


def gain_to_pain_ratio(returns: npt.ArrayLike) -> Measure:
    """Return the sum of all returns over the sum of losses (Schwager 2012); NaN without losses."""
    values = checked_returns(returns)
    return ratio(values.sum(axis=-1), -np.minimum(values, 0.0).sum(axis=-1))


def expectancy(returns: npt.ArrayLike) -> Measure:
    """Return hit rate x average win - miss rate x average loss: the mean over decided periods."""
    values = checked_returns(returns)
    return ratio(values.sum(axis=-1), (values != 0.0).sum(axis=-1))


def kelly_fraction(returns: npt.ArrayLike) -> Measure:
    """Return hit rate - miss rate / payoff ratio (Kelly 1956, two outcomes)."""
    values = checked_returns(returns)
    hit = hit_rate(values)
    return hit - ratio(1.0 - hit, payoff_ratio(values))


def longest_losing_streak(returns: npt.ArrayLike) -> Measure:
    """Return the largest number of losing periods in a row."""
    lost = checked_returns(returns) < 0.0
    count = np.cumsum(lost, axis=-1)
    # What had been counted when the streak began: the running count at the last non-loss.
    base = np.maximum.accumulate(np.where(lost, 0, count), axis=-1)
    return (count - base).max(axis=-1)
