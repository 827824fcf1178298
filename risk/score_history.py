"""The history on which the score is calibrated: today's weights, held through the past.

The desk's own life is short and seldom near its limit, so the question "how often was the
drawdown limit reached within 20 sessions?" is asked of today's weights over the whole price
history, rebalanced daily, before costs. Drawdown is measured from the peak of the last 252
sessions.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray
from measures.volatility import ewma_variance
from risk.score import HORIZON_SESSIONS, pressure, touch_probability

PEAK_SESSIONS = 252
# The daily standard (RiskMetrics 1996): nearer volatility forecasts a breach within 20 sessions
# better, see docs/risk.md.
VOLATILITY_DECAY = 0.94


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """What the score's inputs would have been on each past day, and whether the breach came."""

    probabilities: FloatArray
    pressures: FloatArray
    breached: BoolArray


def score_history(
    book_returns: FloatArray, *, drawdown_limit: float, other_pressure: float
) -> ScoreHistory:
    """Replay the score's inputs over the history of the book's returns.

    Days on which the limit is already reached are left out: nothing is to be forecast then.

    Parameters
    ----------
    book_returns : ndarray of shape (n_sessions,)
        Daily returns of today's weights on equity.
    other_pressure : float
        Pressure of the limits that do not move with the drawdown, as of today.
    """
    n = len(book_returns)
    if n <= PEAK_SESSIONS + HORIZON_SESSIONS:
        empty = np.array([])
        return ScoreHistory(empty, empty, empty.astype(bool))
    wealth = np.cumprod(np.concatenate([[1.0], 1.0 + book_returns]))[1:]
    windows = np.lib.stride_tricks.sliding_window_view(wealth, PEAK_SESSIONS)
    drawdown = np.maximum(1.0 - wealth[PEAK_SESSIONS - 1 :] / windows.max(axis=1), 0.0)
    volatility = np.sqrt(ewma_variance(book_returns[None, :], decay=VOLATILITY_DECAY)[0, 1:])
    volatility = volatility[PEAK_SESSIONS - 1 :]
    ahead = np.lib.stride_tricks.sliding_window_view(drawdown[1:], HORIZON_SESSIONS).max(axis=1)
    now = drawdown[: len(ahead)]
    days = np.flatnonzero(now < drawdown_limit)
    probabilities = touch_probability(
        now[days], limit=drawdown_limit, daily_volatility=volatility[days]
    )
    used = now[days] / drawdown_limit
    pressures = pressure(np.stack([used, np.full(len(used), other_pressure)], axis=1))
    return ScoreHistory(probabilities, pressures, ahead[days] >= drawdown_limit)
