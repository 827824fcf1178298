"""Evidence: each estimator forecast every past day, and what then happened.

The forecast for a day uses the book as it stood at the close before, priced on the sessions
before; it is held against the book's realised P&L of the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.tail_scores import fissler_ziegel_loss, pinball_loss
from measures.var_backtests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    exceedances,
    kupiec,
    traffic_light,
)
from risk.estimators import Estimator, check_history

MIN_BACKTEST_DAYS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How an estimator did at one confidence over the days tested.

    Attributes
    ----------
    expected, exceedances : float, int
        Days beyond VaR that were to be expected, and that came.
    kupiec_p, independence_p, coverage_p, dynamic_quantile_p : float or None
        P-values of the forecast being right; None where a test has too few days.
    z1, z2 : float or None
        Acerbi-Szekely; negative when ES was too small.
    pinball, fissler_ziegel : float
        Mean losses of the forecasts, lower is better; comparable between estimators at one
        confidence on the same days.
    """

    estimator: str
    confidence: float
    n_days: int
    exceedances: int
    expected: float
    kupiec_p: float
    independence_p: float
    coverage_p: float
    dynamic_quantile_p: float | None
    zone: str
    frtb_multiplier: float
    z1: float | None
    z2: float | None
    pinball: float
    fissler_ziegel: float


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """One estimator's forecasts, of shape (n_confidences, n_days), and their tests."""

    estimator: str
    value_at_risk: FloatArray
    expected_shortfall: FloatArray
    tests: tuple[Backtest, ...]


def backtest(
    rows: FloatArray,
    realised: FloatArray,
    *,
    estimators: Mapping[str, Estimator],
    confidences: Sequence[float],
) -> tuple[BacktestRun, ...]:
    """Backtest every estimator on the same days.

    Parameters
    ----------
    rows : ndarray of shape (n_days, window)
        What each day's book would have made on the sessions before (`windowed_book_pnl`).
    realised : ndarray of shape (n_days,)
        What the book made on the day.

    Raises
    ------
    MissingDataError
        If there are fewer than MIN_BACKTEST_DAYS days or the window is too short.
    """
    if len(realised) < MIN_BACKTEST_DAYS:
        raise MissingDataError(
            f"{len(realised)} days are too few to backtest: {MIN_BACKTEST_DAYS} are needed"
        )
    check_history(rows, confidences)
    runs = []
    for name, estimate in estimators.items():
        value, shortfall = estimate(rows, confidences)
        tests = tuple(
            judge(name, realised, value[i], shortfall[i], confidence=c)
            for i, c in enumerate(confidences)
        )
        runs.append(BacktestRun(name, value, shortfall, tests))
    return tuple(runs)


def judge(
    name: str,
    realised: FloatArray,
    value_at_risk: FloatArray,
    shortfall: FloatArray,
    *,
    confidence: float,
) -> Backtest:
    """Run every test on one estimator's forecasts."""
    hits = exceedances(realised, value_at_risk)
    n_hits, n_days = int(hits.sum()), len(hits)
    light = traffic_light(n_hits, n_days, confidence=confidence)
    # A book in cash forecasts zero: nothing to scale by, so the ES tests have no answer.
    scaled = bool((shortfall > 0).all())
    return Backtest(
        estimator=name,
        confidence=confidence,
        n_days=n_days,
        exceedances=n_hits,
        expected=round(n_days * (1 - confidence), 9),
        kupiec_p=kupiec(n_hits, n_days, confidence=confidence).p_value,
        independence_p=christoffersen(hits).p_value,
        coverage_p=conditional_coverage(hits, confidence=confidence).p_value,
        dynamic_quantile_p=dynamic_quantile(hits, value_at_risk, confidence=confidence).p_value,
        zone=light.zone,
        frtb_multiplier=light.multiplier,
        z1=acerbi_szekely_z1(realised, value_at_risk, shortfall) if scaled and n_hits else None,
        z2=acerbi_szekely_z2(realised, value_at_risk, shortfall, confidence=confidence)
        if scaled
        else None,
        pinball=float(pinball_loss(realised, value_at_risk, confidence=confidence).mean()),
        fissler_ziegel=float(
            fissler_ziegel_loss(
                realised[shortfall > 0],
                value_at_risk[shortfall > 0],
                shortfall[shortfall > 0],
                confidence=confidence,
            ).mean()
        )
        if (shortfall > 0).any()
        else 0.0,
    )


def best_scored(runs: Sequence[BacktestRun], *, confidence: float) -> str:
    """Return the estimator with the lowest Fissler-Ziegel loss at `confidence`."""
    tests = [t for run in runs for t in run.tests if np.isclose(t.confidence, confidence)]
    if not tests:
        raise MissingDataError(f"no backtest at confidence {confidence}")
    return min(tests, key=lambda t: (t.fissler_ziegel, t.estimator)).estimator
