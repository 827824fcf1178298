"""The figures of a series of returns and of a portfolio, each beside the reason where it is none.

A figure that cannot be given is None beside the reason, never NaN. The table of figures is the
one list of what is shown; its order is the order on the page.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from measures import drawdown as dd
from measures import performance as pf
from measures import performance_relative as rel
from measures import performance_tail as tails
from measures import performance_wins as wins
from measures.evidence_bootstrap import Interval
from measures.performance_flows import (
    internal_rate_of_return,
    modified_dietz_return,
    turnover,
)
from measures.performance_interval import Resampling, bootstrap_intervals
from measures.performance_selection import deflated_sharpe_ratio, probabilistic_sharpe_ratio
from pnl.daily import DailyBooks

NO_SPREAD = "the returns do not vary"
NO_LOSS = "no return is negative"
NO_DRAWDOWN = "the series never fell below its peak"
FLAT_BENCHMARK = "the benchmark does not vary"
RESAMPLING = Resampling()
LEAST_RESAMPLED = 20  # Periods; blocks of fewer tell next to nothing.
MEASURED_AS = {"kappa_3_ratio": "kappa_ratio"}  # Figures that bear another name than their measure.


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure of the portfolio, beside the benchmark's.

    Attributes
    ----------
    unit : str
        `rate` (a fraction), `ratio`, `count` or `periods`.
    reason : str or None
        Why `value` is None.
    basis : str or None
        What it rests on beside the returns, where that must be told.
    low, high : float or None
        Its interval by resampling (see `Sureness`); None where it has none.
    """

    name: str
    unit: str
    value: float | None
    benchmark: float | None = None
    reason: str | None = None
    basis: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """How the intervals of figures were drawn: stationary blocks, benchmark beside returns.

    Attributes
    ----------
    block : float
        Mean length of a block, in periods.
    reason : str or None
        Why there are none, though they were asked for.
    """

    confidence: float
    resamples: int
    block: float
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsBehind:
    """What was tried to find what a portfolio follows.

    Attributes
    ----------
    sharpe_variance : float or None
        Variance (ddof 1) of the trials' Sharpe ratios per session; None where fewer than two are
        known.
    source : str
        Who counted them.
    """

    count: int
    source: str
    sharpe_variance: float | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidInputError(f"the number of trials must be positive, got {self.count}")


Measured = Callable[..., Any]


# Name, unit, measure of one series, and why it may be undefined.
FIGURES: tuple[tuple[str, str, Measured, str], ...] = (
    ("total_return", "rate", pf.total_return, ""),
    ("cagr", "rate", pf.cagr, ""),
    ("geometric_mean", "rate", pf.geometric_mean, ""),
    ("mean_return", "rate", pf.mean_return, ""),
    ("volatility", "rate", pf.volatility, ""),
    ("downside_deviation", "rate", pf.downside_deviation, ""),
    ("upside_deviation", "rate", pf.upside_deviation, ""),
    ("sharpe_ratio", "ratio", pf.sharpe_ratio, NO_SPREAD),
    ("probabilistic_sharpe_ratio", "rate", probabilistic_sharpe_ratio, NO_SPREAD),
    ("adjusted_sharpe_ratio", "ratio", pf.adjusted_sharpe_ratio, NO_SPREAD),
    ("sortino_ratio", "ratio", pf.sortino_ratio, NO_LOSS),
    ("omega_ratio", "ratio", pf.omega_ratio, NO_LOSS),
    ("kappa_3_ratio", "ratio", pf.kappa_ratio, NO_LOSS),
    ("upside_potential_ratio", "ratio", pf.upside_potential_ratio, NO_LOSS),
    ("max_drawdown", "rate", dd.max_drawdown, ""),
    ("current_drawdown", "rate", dd.current_drawdown, ""),
    ("pain_index", "rate", dd.pain_index, ""),
    ("ulcer_index", "rate", dd.ulcer_index, ""),
    ("time_under_water", "rate", dd.time_under_water, ""),
    ("calmar_ratio", "ratio", dd.calmar_ratio, NO_DRAWDOWN),
    ("sterling_ratio", "ratio", dd.sterling_ratio, NO_DRAWDOWN),
    ("burke_ratio", "ratio", dd.burke_ratio, NO_DRAWDOWN),
    ("martin_ratio", "ratio", dd.martin_ratio, NO_DRAWDOWN),
    ("pain_ratio", "ratio", dd.pain_ratio, NO_DRAWDOWN),
    ("value_at_risk", "rate", tails.value_at_risk, ""),
    ("expected_shortfall", "rate", tails.expected_shortfall, ""),
    ("tail_ratio", "ratio", tails.tail_ratio, "the lower quantile is zero"),
    ("skewness", "ratio", pf.skewness, NO_SPREAD),
    ("kurtosis", "ratio", pf.kurtosis, NO_SPREAD),
    ("best_return", "rate", pf.best_return, ""),
    ("worst_return", "rate", pf.worst_return, ""),
    ("hit_rate", "rate", wins.hit_rate, "every return is zero"),
    ("average_win", "rate", wins.average_win, "no return is positive"),
    ("average_loss", "rate", wins.average_loss, NO_LOSS),
    ("payoff_ratio", "ratio", wins.payoff_ratio, "there are not both gains and losses"),
    ("profit_factor", "ratio", wins.profit_factor, NO_LOSS),
    ("gain_to_pain_ratio", "ratio", wins.gain_to_pain_ratio, NO_LOSS),
    ("expectancy", "rate", wins.expectancy, "every return is zero"),
    ("kelly_fraction", "rate", wins.kelly_fraction, "there are not both gains and losses"),
    ("longest_losing_streak", "periods", wins.longest_losing_streak, ""),
    ("stability", "ratio", pf.stability, "the returns do not vary, or all was lost"),
)

RELATIVE_FIGURES: tuple[tuple[str, str, Measured, str], ...] = (
    ("alpha", "rate", rel.alpha, FLAT_BENCHMARK),
    ("beta", "ratio", rel.beta, FLAT_BENCHMARK),
    ("correlation", "ratio", rel.correlation, NO_SPREAD),
    ("r_squared", "ratio", rel.r_squared, NO_SPREAD),
    ("active_return", "rate", rel.active_return, ""),
    ("tracking_error", "rate", rel.tracking_error, ""),
    ("information_ratio", "ratio", rel.information_ratio, "it never differs from the benchmark"),
    ("appraisal_ratio", "ratio", rel.appraisal_ratio, "the benchmark explains everything"),
    ("treynor_ratio", "ratio", rel.treynor_ratio, "beta is zero or undefined"),
    ("m_squared", "rate", rel.m_squared, NO_SPREAD),
    ("up_capture", "ratio", rel.up_capture, "the benchmark never rose"),
    ("down_capture", "ratio", rel.down_capture, "the benchmark never fell"),
    ("capture_ratio", "ratio", rel.capture_ratio, "the benchmark never fell or never rose"),
    ("batting_average", "rate", rel.batting_average, ""),
)


def figures_of(
    returns: FloatArray,
    benchmark: FloatArray | None = None,
    *,
    periods_per_year: float = pf.PERIODS_PER_YEAR,
    generator: np.random.Generator | None = None,
) -> tuple[Figure, ...]:
    """Return every figure of one series of returns; what is undefined carries its reason.

    Parameters
    ----------
    generator : numpy.random.Generator, optional
        Draws the intervals; without it there are none.
    """
    figures = []
    for name, unit, measure, reason in FIGURES:
        yearly = _annualised(measure, periods_per_year)
        value, why = _value(yearly, returns, reason=reason)
        other = None if benchmark is None else _value(yearly, benchmark, reason="")[0]
        figures.append(Figure(name=name, unit=unit, value=value, benchmark=other, reason=why))
    if benchmark is not None:
        for name, unit, measure, reason in RELATIVE_FIGURES:
            yearly = _annualised(measure, periods_per_year)
            value, why = _value(yearly, returns, benchmark, reason=reason)
            figures.append(Figure(name=name, unit=unit, value=value, reason=why))
    if generator is None or sureness_of(len(returns)).reason:
        return tuple(figures)
    intervals = bootstrap_intervals(
        returns,
        benchmark,
        generator=generator,
        resampling=RESAMPLING,
        periods_per_year=periods_per_year,
    )
    return tuple(_with_interval(figure, intervals) for figure in figures)


def sureness_of(periods: int) -> Sureness:
    """Return how intervals over so many periods are drawn, or why there are none."""
    few = f"{periods} periods are fewer than the {LEAST_RESAMPLED} that intervals need"
    return Sureness(
        confidence=RESAMPLING.confidence,
        resamples=RESAMPLING.resamples,
        block=RESAMPLING.block_of(periods),
        reason=few if periods < LEAST_RESAMPLED else None,
    )


def given_trials(count: int) -> TrialsBehind:
    """Return trials that a person counted, whose Sharpe ratios nobody kept."""
    return TrialsBehind(count=count, source="as given")


def selection_figure(returns: FloatArray, trials: TrialsBehind | None) -> Figure:
    """Return the deflated Sharpe ratio: how sure it is that the record beats the luck of trying.

    Where the spread of the trials is unknown it is that of worthless ones of the same length,
    1 / (n - 1).
    """
    name = "deflated_sharpe_ratio"
    if trials is None:
        return Figure(
            name=name,
            unit="rate",
            value=None,
            reason="nobody counted the trials behind it: give their number (--trials)",
        )
    spread = trials.sharpe_variance
    known = "" if spread is not None else ", their spread that of luck"
    measure = partial(deflated_sharpe_ratio, trials=trials.count, variance=spread)
    value, reason = _value(measure, returns, reason=NO_SPREAD)
    basis = f"{trials.count} trials: {trials.source}{known}"
    return Figure(name=name, unit="rate", value=value, reason=reason, basis=basis)


def turnover_figure(daily: DailyBooks, traded: IntArray | None) -> Figure:
    """Return what was bought and sold together over the mean capital, times a year."""
    name, basis = "turnover", "bought and sold together, times a year; one way it is half"
    if traded is None:
        reason = "the days were kept before trades were counted: value them again"
        return Figure(name=name, unit="ratio", value=None, reason=reason)
    unit = 10.0**daily.digits
    try:
        value = turnover(
            traded / unit, daily.opening_capital(), periods_per_year=pf.PERIODS_PER_YEAR
        )
    except InvalidInputError as error:
        return Figure(name=name, unit="ratio", value=None, reason=str(error))
    return Figure(name=name, unit="ratio", value=value, basis=basis)


def money_weighted_figures(daily: DailyBooks) -> tuple[Figure, ...]:
    """Return what the owners' money earned: Modified Dietz over the span, and the yearly rate.

    Payments count from the start of their session, which the rate dates a day before it.
    """
    flows = daily.flows / 10.0**daily.digits
    opening, closing = (
        daily.opening / 10.0**daily.digits,
        float(daily.equity[-1]) / 10.0**daily.digits,
    )
    n = len(flows)
    paid = np.flatnonzero(flows)
    days: list[date] = (daily.sessions - np.timedelta64(1, "D")).tolist()
    dates = [days[0], *(days[i] for i in paid), daily.sessions[-1].item()]
    amounts = np.array([-opening, *-flows[paid], closing])

    def dietz() -> float:
        return modified_dietz_return(opening, closing, flows[paid], (n - paid) / n)

    def rate() -> float:
        return internal_rate_of_return(dates, amounts)

    found = []
    for name, measure in (("modified_dietz_return", dietz), ("internal_rate_of_return", rate)):
        try:
            value, reason = measure(), None
        except (InvalidInputError, MissingDataError) as error:
            value, reason = None, str(error)
        found.append(Figure(name=name, unit="rate", value=value, reason=reason))
    return tuple(found)


def _with_interval(figure: Figure, intervals: Mapping[str, Interval]) -> Figure:
    interval = intervals.get(MEASURED_AS.get(figure.name, figure.name))
    if interval is None or figure.value is None or not np.isfinite(interval.low):
        return figure
    return replace(figure, low=interval.low, high=interval.high)


def _annualised(measure: Measured, periods_per_year: float) -> Measured:
    """Bind the periods of a year where the measure knows of years."""
    if "periods_per_year" not in inspect.signature(measure).parameters:
        return measure
    return partial(measure, periods_per_year=periods_per_year)


def _value(
    measure: Measured, *arguments: FloatArray, reason: str
) -> tuple[float | None, str | None]:
    try:
        value = float(measure(*arguments))
    except MissingDataError as error:
        return None, str(error)
    return (value, None) if np.isfinite(value) else (None, reason or "it is undefined here")
