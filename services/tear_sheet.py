"""A portfolio's tear sheet as one typed document: its performance, over time and with its doubt.

Beside the stored performance stand what changes (rolling figures), how returns are spread (a
histogram), and how sure the headline is (intervals by resampling blocks of time).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.drawdown import calmar_ratio, max_drawdown, ulcer_index
from measures.evidence_bootstrap import Interval
from measures.performance import cagr, omega_ratio, sharpe_ratio, sortino_ratio, volatility
from measures.performance_interval import bootstrap_intervals
from measures.performance_rolling import (
    rolling_beta,
    rolling_max_drawdown,
    rolling_sharpe_ratio,
    rolling_volatility,
)
from measures.performance_tail import expected_shortfall, tail_ratio, value_at_risk
from measures.performance_wins import hit_rate, profit_factor
from pnl.attribution import Attribution
from services.pnl_performance import Performance

WINDOW = 126  # Half a year of sessions: long enough for a ratio, short enough to move.
BINS = 41
Rolling = Callable[..., FloatArray]
# The figures that get an interval.
SURE: dict[str, Callable[..., Any]] = {
    "cagr": cagr,
    "volatility": volatility,
    "sharpe_ratio": sharpe_ratio,
    "sortino_ratio": sortino_ratio,
    "calmar_ratio": calmar_ratio,
    "omega_ratio": omega_ratio,
    "max_drawdown": max_drawdown,
    "ulcer_index": ulcer_index,
    "value_at_risk": value_at_risk,
    "expected_shortfall": expected_shortfall,
    "tail_ratio": tail_ratio,
    "hit_rate": hit_rate,
    "profit_factor": profit_factor,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often returns fell between two edges.

    Attributes
    ----------
    edges : tuple of float
        One more than the counts, ascending.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TearSheet:
    """One portfolio's record.

    Attributes
    ----------
    window : int
        Sessions behind each rolling figure; the first `window - 1` are None.
    rolling_sharpe, rolling_volatility : tuple of float or None
        Yearly, one for each session.
    rolling_drawdown : tuple of float or None
        Maximum drawdown within the window, a positive fraction.
    rolling_beta : tuple of float or None
        To the benchmark; empty without one.
    benchmark_sharpe, benchmark_volatility, benchmark_drawdown : tuple of float or None
        The same of the benchmark; empty without one.
    intervals : mapping of str to Interval
        Headline figures with their confidence intervals.
    """

    portfolio: str
    performance: Performance
    attributions: tuple[Attribution, ...]
    window: int
    rolling_sharpe: tuple[float | None, ...]
    rolling_volatility: tuple[float | None, ...]
    rolling_drawdown: tuple[float | None, ...]
    rolling_beta: tuple[float | None, ...]
    benchmark_sharpe: tuple[float | None, ...]
    benchmark_volatility: tuple[float | None, ...]
    benchmark_drawdown: tuple[float | None, ...]
    histogram: Histogram
    intervals: dict[str, Interval]


def tear_sheet(
    portfolio: str,
    performance: Performance,
    attributions: Sequence[Attribution],
    *,
    generator: np.random.Generator,
    window: int = WINDOW,
) -> TearSheet:
    """Return the tear sheet of `portfolio`.

    Raises
    ------
    MissingDataError
        If there are fewer than two returns.
    """
    returns = np.array(performance.returns)
    if len(returns) < 2:
        raise MissingDataError(
            f"{portfolio} has {len(returns)} returns: a tear sheet needs two; trade more sessions"
        )
    rival = _returns_of(performance.benchmark_equity, float(performance.initial_capital))
    counts, edges = np.histogram(returns, bins=BINS)
    return TearSheet(
        portfolio=portfolio,
        performance=performance,
        attributions=tuple(attributions),
        window=window,
        rolling_sharpe=_rolled(rolling_sharpe_ratio, returns, window),
        rolling_volatility=_rolled(rolling_volatility, returns, window),
        rolling_drawdown=_rolled(rolling_max_drawdown, returns, window),
        rolling_beta=_rolled(partial(rolling_beta, returns), rival, window),
        benchmark_sharpe=_rolled(rolling_sharpe_ratio, rival, window),
        benchmark_volatility=_rolled(rolling_volatility, rival, window),
        benchmark_drawdown=_rolled(rolling_max_drawdown, rival, window),
        histogram=Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist())),
        intervals=bootstrap_intervals(returns, SURE, generator=generator),
    )


def _returns_of(equity: Sequence[float], initial: float) -> FloatArray:
    """Return the returns of an equity path that starts from `initial`; empty for no path."""
    if not equity:
        return np.zeros(0)
    path = np.concatenate([[initial], equity])
    returns: FloatArray = path[1:] / path[:-1] - 1.0
    return returns


def _rolled(measure: Rolling, returns: FloatArray, window: int) -> tuple[float | None, ...]:
    """Return a rolling measure as plain values, None until the window is full."""
    if len(returns) < window:
        return (None,) * len(returns)
    values = measure(returns, window=window).tolist()
    return tuple(value if math.isfinite(value) else None for value in values)
