"""From signals to target weights: fractions of equity, long positive, short negative.

Each rule takes one session's signals, of shape (n_symbols,), NaN meaning no opinion, and
returns weights of the same shape in which no opinion weighs zero.
"""

import math

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


def long_short_weights(signals: FloatArray, *, gross: float = 1.0, cap: float = 0.15) -> FloatArray:
    """Give half of `gross` to the symbols above the average and half against those below.

    Weights are proportional to the demeaned signal; what exceeds `cap` goes to the others of
    its side in proportion. With too few symbols for the cap a side stays below its half.

    Raises
    ------
    InvalidInputError
        If `gross` or `cap` is not positive, or signals are not a vector without infinities.
    """
    _check(signals, total=gross, cap=cap)
    spoken = np.isfinite(signals)
    if spoken.sum() < 2:
        return np.zeros(signals.shape)
    centred = np.where(spoken, signals - signals[spoken].mean(), 0.0)
    longs = _fill_up(np.maximum(centred, 0.0), total=gross / 2, cap=cap)
    shorts = _fill_up(np.maximum(-centred, 0.0), total=gross / 2, cap=cap)
    return longs - shorts


def long_only_weights(signals: FloatArray, *, total: float = 1.0, cap: float = 0.15) -> FloatArray:
    """Spread `total` over the symbols with a positive signal, in proportion to it.

    Raises
    ------
    InvalidInputError
        As `long_short_weights`.
    """
    _check(signals, total=total, cap=cap)
    return _fill_up(np.where(signals > 0, signals, 0.0), total=total, cap=cap)


def volatility(weights: FloatArray, covariance: FloatArray) -> float:
    """Return the standard deviation of the weighted return, per period of `covariance`."""
    return math.sqrt(max(float(weights @ covariance @ weights), 0.0))


def scale_to_volatility(
    weights: FloatArray,
    covariance: FloatArray,
    *,
    target: float,
    max_gross: float,
    periods_per_year: int = 252,
) -> FloatArray:
    """Scale `weights` to a yearly volatility of `target`, gross exposure at most `max_gross`.

    Parameters
    ----------
    covariance : ndarray of shape (n_symbols, n_symbols)
        Of returns per period; must be finite where weights are not zero.
    target : float
        Yearly standard deviation, a fraction.

    Raises
    ------
    InvalidInputError
        If `target` or `max_gross` is not positive, or a held symbol has no covariance.
    """
    if not (target > 0 and max_gross > 0):
        raise InvalidInputError(
            f"target and max_gross must be positive, got {target} and {max_gross}"
        )
    held = np.flatnonzero(weights)
    if held.size == 0:
        return weights.copy()
    block = covariance[np.ix_(held, held)]
    if not np.isfinite(block).all():
        raise InvalidInputError(
            "a held symbol has no covariance: abstain from symbols with a short history"
        )
    expected = volatility(weights[held], block) * math.sqrt(periods_per_year)
    gross = float(np.abs(weights).sum())
    scale = max_gross / gross if expected == 0 else min(target / expected, max_gross / gross)
    return weights * scale


def _fill_up(shares: FloatArray, *, total: float, cap: float) -> FloatArray:
    """Spread `total` in proportion to `shares`, none above `cap`."""
    weights, free, left = np.zeros(shares.shape), shares > 0, total
    # Each round fixes at least one symbol at the cap, so it ends within n rounds.
    while free.any() and left > 0:
        weights[free] = left * shares[free] / shares[free].sum()
        over = free & (weights > cap)
        if not over.any():
            break
        weights[over] = cap
        left -= cap * int(over.sum())
        free &= ~over
    return weights


def _check(signals: FloatArray, *, total: float, cap: float) -> None:
    if signals.ndim != 1 or np.isinf(signals).any():
        raise InvalidInputError(
            f"signals must be a vector without infinities, got shape {signals.shape}"
        )
    if not (total > 0 and cap > 0):
        raise InvalidInputError(f"exposure and cap must be positive, got {total} and {cap}")
