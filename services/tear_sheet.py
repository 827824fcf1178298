"""A portfolio's tear sheet as one typed document: its performance, and how it changed over time.

Beside the stored performance, whose figures bring their intervals, stand what changes (rolling
figures) and how returns are spread (a histogram).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from measures.performance_rolling import (
    rolling_beta,
    rolling_max_drawdown,
    rolling_sharpe_ratio,
    rolling_volatility,
)
from pnl.attribution import Attribution
from services.pnl_performance import Performance

WINDOW = 126  # Half a year of sessions: long enough for a ratio, short enough to move.
BINS = 41
Rolling = Callable[..., FloatArray]


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


def tear_sheet(
    portfolio: str,
    performance: Performance,
    attributions: Sequence[Attribution],
    *,
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
