"""The history on which the score is calibrated: today's weights, held through the past.

The desk's own life is short and seldom near its limit, so the question "how often was the
drawdown limit reached within 20 sessions?" is asked of today's weights over the whole price
history, rebalanced daily, before costs. Drawdown is measured from the peak of the last 252
sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from measures.volatility import ewma_variance
from risk.limits import LimitCheck
from risk.score import (
    HORIZON_SESSIONS,
    Calibration,
    breach_probability,
    calibrate,
    pressure,
    touch_probability,
)

PEAK_SESSIONS = 252
# The daily standard (RiskMetrics 1996), and the best of five on the early part of history;
# `services.score_study` chooses it again and judges it on a part that had no say.
VOLATILITY_DECAY = 0.94


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """What the score's inputs would have been on each past day, and whether the breach came.

    Attributes
    ----------
    days : ndarray of shape (n_days,)
        Positions of the days in the returns.
    """

    days: IntArray
    probabilities: FloatArray
    pressures: FloatArray
    breached: BoolArray


def calibrated(
    book_returns: FloatArray, checks: Sequence[LimitCheck], *, limit: float, drawdown: float
) -> tuple[Calibration, float]:
    """Calibrate the score on what today's book would have returned on each past session.

    Returns
    -------
    calibration, probability
        The curve, and today's calibrated probability of a breach.
    """
    others = limit_pressure([check for check in checks if check.metric != "drawdown"])
    history = score_history(book_returns, drawdown_limit=limit, other_pressure=others)
    calibration = calibrate(history.probabilities, history.pressures, history.breached)
    volatility = np.sqrt(ewma_variance(book_returns[None, :], decay=VOLATILITY_DECAY)[:, -1])
    touch = touch_probability(np.array([drawdown]), limit=limit, daily_volatility=volatility)
    return calibration, breach_probability(float(touch[0]), limit_pressure(checks), calibration)


def limit_pressure(checks: Sequence[LimitCheck]) -> float:
    """Return the pressure of the limits' utilisations, 0 without a limit."""
    return float(pressure(np.array([check.utilisation for check in checks])))


def score_history(
    book_returns: FloatArray,
    *,
    drawdown_limit: float,
    other_pressure: float,
    decay: float = VOLATILITY_DECAY,
) -> ScoreHistory:
    """Replay the score's inputs over the history of the book's returns.

    Days on which the limit is already reached are left out: nothing is to be forecast then.

    Parameters
    ----------
    book_returns : ndarray of shape (n_sessions,)
        Daily returns of today's weights on equity.
    other_pressure : float
        Pressure of the limits that do not move with the drawdown, as of today.
    decay : float
        Of the daily volatility.
    """
    n = len(book_returns)
    if n <= PEAK_SESSIONS + HORIZON_SESSIONS:
        empty = np.array([])
        return ScoreHistory(empty.astype(np.int64), empty, empty, empty.astype(bool))
    wealth = np.cumprod(np.concatenate([[1.0], 1.0 + book_returns]))[1:]
    windows = np.lib.stride_tricks.sliding_window_view(wealth, PEAK_SESSIONS)
    drawdown = np.maximum(1.0 - wealth[PEAK_SESSIONS - 1 :] / windows.max(axis=1), 0.0)
    # Begun on what was known: with the whole series' level an early forecast would know its storms.
    variance = ewma_variance(book_returns[None, :], decay=decay, warm=PEAK_SESSIONS)
    volatility = np.sqrt(variance[0, PEAK_SESSIONS:])
    ahead = np.lib.stride_tricks.sliding_window_view(drawdown[1:], HORIZON_SESSIONS).max(axis=1)
    now = drawdown[: len(ahead)]
    days = np.flatnonzero(now < drawdown_limit)
    probabilities = touch_probability(
        now[days], limit=drawdown_limit, daily_volatility=volatility[days]
    )
    used = now[days] / drawdown_limit
    pressures = pressure(np.stack([used, np.full(len(used), other_pressure)], axis=1))
    breached = ahead[days] >= drawdown_limit
    return ScoreHistory(days + PEAK_SESSIONS - 1, probabilities, pressures, breached)
