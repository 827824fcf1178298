"""How much can be traded: volume, its profile over the day, spread, and price per volume.

Arrays are symbols x sessions unless said otherwise; windows end at and include each session, with
NaN until they are full. Spreads are fractions of price, full (not half).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError


def average_daily_volume(volume: FloatArray, *, window: int) -> FloatArray:
    """Return the mean volume of the last `window` sessions, NaN values left out.

    Raises
    ------
    InvalidInputError
        If `window` is not positive.
    """
    return _windowed(volume, window, np.nanmean)


def amihud(close: FloatArray, volume: FloatArray, *, window: int) -> FloatArray:
    """Return the mean of |return| per unit of money traded (Amihud 2002, equation 1).

    Sessions without volume are left out.
    """
    returns = np.full(close.shape, np.nan)
    returns[:, 1:] = np.abs(close[:, 1:] / close[:, :-1] - 1)
    traded = np.where(volume > 0, close * volume, np.nan)
    return _windowed(returns / traded, window, np.nanmean)


def roll_spread(close: FloatArray, *, window: int) -> FloatArray:
    """Return 2 sqrt(-cov(r_t, r_{t-1})) of log returns (Roll 1984); 0 where cov is positive."""
    returns = np.full(close.shape, np.nan)
    returns[:, 1:] = np.diff(np.log(close), axis=1)
    lagged = np.full(close.shape, np.nan)
    lagged[:, 1:] = returns[:, :-1]
    product = _windowed(returns * lagged, window, np.mean)
    covariance = product - _windowed(returns, window, np.mean) * _windowed(lagged, window, np.mean)
    return np.asarray(2 * np.sqrt(np.maximum(-covariance, 0.0)))


def corwin_schultz(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Return the two-day high-low spread of Corwin and Schultz (2012), equations 14 and 18.

    The overnight move is taken out as they do: a day whose range lies wholly above or below the
    close before is shifted to it. Negative estimates become 0. The first session is NaN.
    """
    before = np.full(close.shape, np.nan)
    before[:, 1:] = close[:, :-1]
    gap = np.where(before < low, low - before, np.where(before > high, high - before, 0.0))
    upper, lower = np.log(high - gap), np.log(low - gap)
    day = (upper - lower) ** 2
    raw = np.log(high) - np.log(low)
    beta, span = np.full(close.shape, np.nan), np.full(close.shape, np.nan)
    beta[:, 1:] = day[:, 1:] + raw[:, :-1] ** 2
    top = np.maximum(upper[:, 1:], np.log(high[:, :-1]))
    bottom = np.minimum(lower[:, 1:], np.log(low[:, :-1]))
    span[:, 1:] = (top - bottom) ** 2
    root = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / root - np.sqrt(span / root)
    return np.asarray(np.maximum(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0))


def quoted_spread(bid: FloatArray, ask: FloatArray) -> FloatArray:
    """Return (ask - bid) / mid of each quote; NaN where the quote is crossed or not positive."""
    valid = (bid > 0) & (ask >= bid)
    mid = np.where(valid, (bid + ask) / 2, np.nan)
    return np.asarray((ask - bid) / mid)


def volume_profile(volume: FloatArray, bucket: IntArray, *, buckets: int) -> FloatArray:
    """Return the share of a session's volume in each of `buckets` spans of the day.

    Parameters
    ----------
    volume, bucket : ndarray of shape (n_rows,)
        Volume of each intraday row and the span it falls in, 0 to `buckets` - 1.

    Raises
    ------
    InvalidInputError
        If a bucket is out of range or there is no volume.
    """
    if len(bucket) and (bucket.min() < 0 or bucket.max() >= buckets):
        raise InvalidInputError(f"buckets must lie in 0 to {buckets - 1}, got {bucket.max()}")
    sums = np.bincount(bucket, weights=np.nan_to_num(volume), minlength=buckets)
    if not sums.sum() > 0:
        raise InvalidInputError("a volume profile needs volume, got none")
    return np.asarray(sums / sums.sum())


def days_to_liquidate(
    quantity: FloatArray, adv_shares: FloatArray, *, participation: float
) -> FloatArray:
    """Return the days that |quantity| takes at `participation` of average volume.

    Infinite where there is a quantity and no volume; 0 where there is no quantity.
    """
    if not 0 < participation <= 1:
        raise InvalidInputError(f"participation must lie in (0, 1], got {participation}")
    size, pace = np.abs(quantity), adv_shares * participation
    with np.errstate(divide="ignore", invalid="ignore"):
        days = size / pace
    return np.asarray(np.where(size == 0, 0.0, days))


def _windowed(values: FloatArray, window: int, reduce) -> FloatArray:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a numpy reduction
    if window < 1:
        raise InvalidInputError(f"window must be positive, got {window}")
    answer = np.full(values.shape, np.nan)
    if values.shape[1] >= window:
        view = sliding_window_view(values, window, axis=1)
        some = np.asarray(np.isfinite(view).any(axis=2))
        filled = np.where(some[..., None], view, 0.0)
        answer[:, window - 1 :] = np.where(some, reduce(filled, axis=2), np.nan)
    return answer
