"""The night's estimators over many books at once, each with the evidence that a night can afford.

Kupiec, Christoffersen, both together, the Basel zone with its FRTB multiplier and the
Fissler-Ziegel loss, which marks the best; the dynamic quantile, the ES tests and the model
confidence set are those of the book's profile and of the weekly long run.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from basics.arrays import BoolArray, FloatArray
from measures.tail_scores import fissler_ziegel_loss
from measures.var_backtests import (
    TrafficLight,
    chi_square_tail,
    independence_statistic,
    kupiec_statistic,
    traffic_light,
    transition_counts,
)
from risk.rolling import rolling_forecasts

CONFIDENCES = (0.95, 0.975, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One estimator at one confidence for one book, with its backtest on the book held constant.

    Attributes
    ----------
    coverage_p : float or None
        Of Kupiec and Christoffersen together.
    zone, frtb_multiplier
        Basel's traffic light.
    fissler_ziegel : float or None
        Mean loss, lower is better; None for a book that forecasts no loss.
    best : bool
        The lowest such loss of the book at this confidence.
    """

    method: str
    confidence: float
    value_at_risk: float
    expected_shortfall: float
    n_days: int
    exceedances: int
    kupiec_p: float
    christoffersen_p: float
    coverage_p: float | None = None
    zone: str = ""
    frtb_multiplier: float | None = None
    fissler_ziegel: float | None = None
    best: bool = False


def method_rows(pnl: FloatArray, *, window: int) -> list[tuple[MethodRow, ...]]:
    """Forecast, and test the forecasts, for every book; one tuple of rows a book.

    Parameters
    ----------
    pnl : ndarray of shape (n_books, n_sessions)
    window : int
        Sessions behind a forecast; the sessions after the first window are tested.
    """
    forecasts = rolling_forecasts(pnl, window=window, confidences=CONFIDENCES)
    realised = pnl[:, window:]
    by_book: list[list[MethodRow]] = [[] for _ in pnl]
    for method, (value, shortfall) in forecasts.items():
        for c, confidence in enumerate(CONFIDENCES):
            found = _judged(method, confidence, realised, value[c], shortfall[c])
            for rows, row in zip(by_book, found, strict=True):
                rows.append(row)
    return [_marked(rows) for rows in by_book]


def _judged(
    method: str, confidence: float, realised: FloatArray, value: FloatArray, shortfall: FloatArray
) -> list[MethodRow]:
    n_days = realised.shape[1]
    hits = -realised > value[:, :-1]
    counts = hits.sum(axis=1)
    coverage = kupiec_statistic(counts, np.full(len(counts), n_days), confidence=confidence)
    independence = independence_statistic(transition_counts(hits))
    sound: BoolArray = np.all(shortfall[:, :-1] > 0, axis=1)
    losses = np.full(len(counts), np.nan)
    if sound.any():
        scored = fissler_ziegel_loss(
            realised[sound], value[sound, :-1], shortfall[sound, :-1], confidence=confidence
        )
        losses[sound] = scored.mean(axis=1)
    rows = []
    for book, count in enumerate(counts.tolist()):
        light = _light(count, n_days, confidence)
        both = float(coverage[book]) + float(independence[book])
        rows.append(
            MethodRow(
                method=method,
                confidence=confidence,
                value_at_risk=float(value[book, -1]),
                expected_shortfall=float(shortfall[book, -1]),
                n_days=n_days,
                exceedances=count,
                kupiec_p=chi_square_tail(float(coverage[book]), degrees=1),
                christoffersen_p=chi_square_tail(float(independence[book]), degrees=1),
                coverage_p=chi_square_tail(both, degrees=2),
                zone=light.zone,
                frtb_multiplier=light.multiplier,
                fissler_ziegel=float(losses[book]) if sound[book] else None,
            )
        )
    return rows


@cache
def _light(count: int, n_days: int, confidence: float) -> TrafficLight:
    return traffic_light(count, n_days, confidence=confidence)


def _marked(rows: list[MethodRow]) -> tuple[MethodRow, ...]:
    """Mark the lowest loss at each confidence."""
    best = {}
    for confidence in CONFIDENCES:
        scored = [
            (row.fissler_ziegel, row.method)
            for row in rows
            if row.confidence == confidence and row.fissler_ziegel is not None
        ]
        best[confidence] = min(scored)[1] if scored else None
    return tuple(replace(row, best=best[row.confidence] == row.method) for row in rows)
