"""The signal kind: whether to take the price model's side, or leave it.

A second model learns from triple-barrier outcomes whether the side that the first one chose
would have made money (meta-labelling, Lopez de Prado 2018, chapter 3). It decides on size and
abstention; it never changes the side.
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class BarrierOutcome:
    """Which barrier was touched first.

    Attributes
    ----------
    touched : int64 ndarray of shape (n_symbols, n_sessions)
        +1 profit, -1 loss, 0 time ran out; 0 too where `known` is False.
    result : ndarray
        Return in the direction of the side when it was touched; NaN where unknown.
    end : int64 ndarray
        Session position of the touch; -1 where unknown.
    """

    touched: IntArray
    result: FloatArray
    end: IntArray


def triple_barrier(
    close: FloatArray,
    side: FloatArray,
    width: FloatArray,
    *,
    horizon: int,
    entry_lag: int = 1,
) -> BarrierOutcome:
    """Follow each side from its entry until a barrier is touched or time runs out.

    Parameters
    ----------
    close, side, width : ndarray of shape (n_symbols, n_sessions)
        Prices; +1 long, -1 short, 0 no position; half the distance of the barriers as a return.
    horizon : int
        Sessions after entry at which time runs out.
    entry_lag : int
        Entered at the close of so many sessions after the decision.

    Raises
    ------
    InvalidInputError
        If shapes differ, or horizon or entry lag is below 1.
    """
    if not close.shape == side.shape == width.shape:
        raise InvalidInputError(
            f"shapes differ: close {close.shape}, side {side.shape}, width {width.shape}"
        )
    if horizon < 1 or entry_lag < 1:
        raise InvalidInputError(f"horizon and entry_lag must be at least 1: {horizon}, {entry_lag}")
    n = close.shape[1]
    touched = np.zeros(close.shape, dtype=np.int64)
    result = np.full(close.shape, np.nan)
    end = np.full(close.shape, -1, dtype=np.int64)
    last = n - entry_lag - horizon
    if last <= 0:
        return BarrierOutcome(touched, result, end)
    entry = close[:, entry_lag : entry_lag + last]
    running = np.isfinite(entry) & (side[:, :last] != 0) & (width[:, :last] > 0)
    position = np.broadcast_to(np.arange(last), entry.shape)
    for step in range(1, horizon + 1):
        price = close[:, entry_lag + step : entry_lag + step + last]
        gain = side[:, :last] * (price / entry - 1.0)
        hit = np.where(gain >= width[:, :last], 1, np.where(gain <= -width[:, :last], -1, 0))
        ends = running & np.isfinite(gain) & ((hit != 0) | (step == horizon))
        touched[:, :last][ends] = hit[ends]
        result[:, :last][ends] = gain[ends]
        end[:, :last][ends] = (position + entry_lag + step)[ends]
        running = running & ~ends
    return BarrierOutcome(touched, result, end)


def meta_labels(outcome: BarrierOutcome) -> FloatArray:
    """Return 1 where the side made money, 0 where not, NaN where it is not known."""
    return np.where(np.isfinite(outcome.result), (outcome.result > 0).astype(np.float64), np.nan)


def area_under_curve(score: FloatArray, label: FloatArray) -> float:
    """Return the probability that a taken side scores above one left; ties count half.

    Raises
    ------
    InvalidInputError
        If the labels hold one class only: there is nothing to tell apart.
    """
    from scipy.stats import rankdata

    positives = int((label == 1).sum())
    negatives = int((label == 0).sum())
    if not positives or not negatives:
        raise InvalidInputError(
            f"{positives} winners and {negatives} losers: one class only tells nothing apart"
        )
    ranks = rankdata(score)
    above = ranks[label == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
