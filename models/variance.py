"""Daily returns and the EWMA variance that the kinds measure against, told by the past alone."""

import math

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from market.panel import Panel
from measures.evidence_losses import qlike

DECAY = 0.94
FIRST_RETURNS = 66
# Sessions until how the EWMA variance began is forgotten to eight digits, its first ones included.
EWMA_LOOKBACK = FIRST_RETURNS + 1 + math.ceil(math.log(1e-8) / math.log(DECAY))
MIN_RATIO = 0.05
# A daily volatility below 0.1% is a price that did not trade, and no forecast.
STALE_VARIANCE = 1e-6


def daily_returns(panel: Panel) -> FloatArray:
    """Return daily log returns of `close`; NaN where either close is missing."""
    close = panel["close"]
    if not (np.nan_to_num(close, nan=1.0) > 0).all():
        raise InvalidInputError("closes must be positive: check the data before")
    returns = np.full_like(close, np.nan)
    returns[:, 1:] = np.diff(np.log(close), axis=1)
    return returns


def ewma_rows(returns: FloatArray) -> FloatArray:
    """Return the EWMA variance after each session, started on the first 66 returns.

    NaN until then, while the price is stale, and where the return is missing, which leaves the
    variance as it was.
    """
    variance = np.full_like(returns, np.nan)
    for row, out in zip(returns, variance, strict=True):
        known = np.flatnonzero(np.isfinite(row))
        if len(known) <= FIRST_RETURNS:
            continue
        level = float(np.mean(row[known[:FIRST_RETURNS]] ** 2))
        for t in range(known[FIRST_RETURNS - 1] + 1, len(row)):
            if not np.isfinite(row[t]):
                continue  # Whether it trades again nobody knows yet.
            level = DECAY * level + (1.0 - DECAY) * row[t] ** 2
            out[t] = level if level >= STALE_VARIANCE else np.nan
    return variance


def trailing_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last `window` values; NaN where one of them is missing."""
    means = np.full_like(values, np.nan)
    if values.shape[1] >= window:
        view = np.lib.stride_tricks.sliding_window_view(values, window, axis=1)
        means[:, window - 1 :] = view.mean(axis=-1)
    return means


def ratio_losses(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the QLIKE of each foretold variance ratio; NaN where either is unknown."""
    known = np.isfinite(prediction) & np.isfinite(outcome)
    losses = np.full(prediction.shape, np.nan)
    losses[known] = qlike(outcome[known], np.maximum(prediction[known], MIN_RATIO))
    return losses
