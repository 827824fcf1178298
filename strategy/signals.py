"""From predictions to signals: a comparable opinion per symbol and session, or none.

A signal is a cross-sectional z-score: positive means better than the average of its session.
NaN means that there is no opinion (abstention); sizing gives it no weight.
"""

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError


def cross_sectional_signals(
    predictions: FloatArray, *, abstain_below: float = 0.0, clip: float = 3.0
) -> FloatArray:
    """Standardise `predictions` within each session and abstain where the view is weak.

    Parameters
    ----------
    predictions : ndarray of shape (n_symbols, n_sessions)
        Any forecast that ranks the symbols; NaN where there is none.
    abstain_below : float
        Scores smaller than this in size are no opinion.
    clip : float
        Largest score by size, so that one outlier does not take the whole book.

    Returns
    -------
    ndarray of shape (n_symbols, n_sessions)
        z-scores (ddof 0), NaN where the desk abstains. A session with fewer than two
        predictions, or with equal ones, has no opinion at all.

    Raises
    ------
    InvalidInputError
        If `predictions` is not two-dimensional, holds an infinity, or a bound is out of range.
    """
    if predictions.ndim != 2 or np.isinf(predictions).any():
        raise InvalidInputError(
            f"predictions must be a matrix without infinities, got shape {predictions.shape}"
        )
    if not 0 <= abstain_below < clip:
        raise InvalidInputError(
            f"abstain_below must lie in [0, clip), got {abstain_below} with clip {clip}"
        )
    known = np.isfinite(predictions)
    count = known.sum(axis=0)
    filled = np.where(known, predictions, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    centred = np.where(known, predictions - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(count, 1))
    # Equal predictions leave rounding noise, not an opinion.
    speaks = (count >= 2) & (deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300))
    scores = np.divide(centred, deviation, out=np.full(centred.shape, np.nan), where=speaks)
    scores = np.clip(scores, -clip, clip)
    return np.where(known & (np.abs(scores) >= abstain_below), scores, np.nan)


def smooth(signals: FloatArray, *, sessions: int) -> FloatArray:
    """Average each symbol's signal over the last `sessions`, this one included.

    A forecast over h sessions is held for h sessions in h overlapping slices: the average of the
    last h signals is that book. Abstentions count as zero, a cell without any opinion in the
    window is NaN.

    Raises
    ------
    InvalidInputError
        If `sessions` is below one.
    """
    if sessions < 1:
        raise InvalidInputError(f"sessions must be at least 1, got {sessions}")
    spoken = np.isfinite(signals)
    values, counts = (
        _trailing_sum(part, sessions)
        for part in (np.where(spoken, signals, 0.0), spoken.astype(np.float64))
    )
    window = np.minimum(np.arange(1, signals.shape[1] + 1), sessions)
    return np.where(counts > 0, values / window, np.nan)


def momentum_scores(close: FloatArray, *, lookback: int = 252, skip: int = 21) -> FloatArray:
    """Return the price return from `lookback` to `skip` sessions ago, the classic baseline.

    Source: Jegadeesh and Titman (1993); the last month is left out because it reverses.

    Parameters
    ----------
    close : ndarray of shape (n_symbols, n_sessions)
        Prices; the score of a session uses none after it.

    Returns
    -------
    ndarray of shape (n_symbols, n_sessions)
        NaN for the first `lookback` sessions and wherever a price is missing.

    Raises
    ------
    InvalidInputError
        Unless 0 <= skip < lookback.
    """
    if not 0 <= skip < lookback:
        raise InvalidInputError(f"need 0 <= skip < lookback, got skip {skip}, lookback {lookback}")
    scores = np.full(close.shape, np.nan)
    sessions = close.shape[1]
    if sessions > lookback:
        scores[:, lookback:] = (
            close[:, lookback - skip : sessions - skip] / close[:, :-lookback] - 1
        )
    return scores


def _trailing_sum(values: FloatArray, sessions: int) -> FloatArray:
    """Sum over the last `sessions` columns, by direct addition so that no error accumulates."""
    total = values.copy()
    for lag in range(1, min(sessions, values.shape[1])):
        total[:, lag:] += values[:, :-lag]
    return total
