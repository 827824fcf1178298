"""The intervals of tomorrow's loss around the value at risk, and the forecasts' promises."""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray
from market.panel import Panel
from models.assurance import Assurance, Contract, fit_assurance, with_contract
from models.confidence import YearCoverage, coverage_by_year
from models.coverage import CoverageException, coverage_exceptions
from models.intervals import IntervalMethod
from models.tail_forecast import SeriesBacktest, TailForecast, TailSpec, next_return

FEATURE = "gjr_volatility"
INTERVALS = IntervalMethod(method="cqr")


@dataclass(frozen=True, slots=True, kw_only=True)
class TailDocument:
    """What a risk version promises, and how each series' forecasts held.

    Attributes
    ----------
    value_at_risk_multiplier, shortfall_multiplier : float
        Times tomorrow's volatility: the forecasts, as positive fractions of value.
    last_multiplier : float
        The multiplier of the value at risk in force in the last session out of sample.
    """

    confidence: float
    value_at_risk_multiplier: float
    shortfall_multiplier: float
    last_multiplier: float
    backtests: tuple[SeriesBacktest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailPromise:
    """The intervals of tomorrow's loss around the value at risk.

    Attributes
    ----------
    loss : ndarray of shape (n_series, n_sessions)
        Tomorrow's loss, positive when money is lost.
    below, above : ndarray of shape (n_series, n_sessions)
        How far the interval reaches from the value at risk. A value at risk is a tail: the 90%
        interval of the loss ends before it, and `above` is negative.
    """

    loss: FloatArray
    below: FloatArray
    above: FloatArray
    scale: FloatArray
    coverage: tuple[YearCoverage, ...]
    exceptions: tuple[CoverageException, ...]
    assurance: Assurance
    rows: int


def tail_promise(
    panel: Panel, spec: TailSpec, forecast: TailForecast, document: TailDocument
) -> TailPromise:
    """Calibrate the interval of tomorrow's loss, session by session, by conformal quantiles."""
    assert forecast.volatility is not None  # The candidate filters.
    loss = -next_return(panel).values
    years = panel.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    tested = np.where(years >= spec.first_test_year, forecast.value_at_risk, np.nan)
    errors = (loss - tested) / forecast.volatility
    below, above = INTERVALS.bounds(errors)
    known = np.isfinite(errors) & np.isfinite(above)
    inside = (errors <= above) & (errors >= -below)
    held = np.where(known, inside * 1.0, np.nan)
    coverage = coverage_by_year(held, years)
    volatility = forecast.volatility[np.isfinite(forecast.volatility)]
    last = np.flatnonzero(np.isfinite(above))[-1]
    passed = [test.kupiec_p_value > spec.rules.significance for test in document.backtests]
    recent = np.abs(errors[:, -INTERVALS.window :])
    fitted = fit_assurance(
        volatility[:, None],
        recent[np.isfinite(recent)],
        names=(FEATURE,),
        scale=(FEATURE, 1.0),
        width=(float(below[last]), float(above[last])),
        coverage=INTERVALS.coverage,
    )
    return TailPromise(
        loss=loss,
        below=below * forecast.volatility,
        above=above * forecast.volatility,
        scale=np.where(np.isfinite(tested), forecast.volatility, np.nan),
        coverage=coverage,
        exceptions=coverage_exceptions(
            coverage, errors, held, panel.sessions, horizon=1, aim=INTERVALS.coverage
        ),
        assurance=with_contract(fitted, Contract(), trust=float(np.mean(passed))),
        rows=len(volatility),
    )
