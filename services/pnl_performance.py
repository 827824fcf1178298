"""The performance of a portfolio as one document of plain values: curves, months, figures."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from measures import drawdown as dd
from pnl.daily import DailyBooks
from services.pnl_figures import (
    Figure,
    Sureness,
    TrialsBehind,
    figures_of,
    money_weighted_figures,
    selection_figure,
    sureness_of,
    turnover_figure,
)

SPELLS = 10  # Drawdowns told, the deepest.


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigure:
    """The compounded return of one calendar month, and the benchmark's."""

    year: int
    month: int
    value: float
    benchmark: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownSpell:
    """A spell below the peak, by dates; recovery is None while it lasts."""

    depth: float
    peak: date | None
    trough: date
    recovery: date | None
    sessions_down: int
    sessions_to_recover: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What a portfolio earned over a span of sessions, after costs.

    Attributes
    ----------
    equity, benchmark_equity : tuple of float
        At each session's close, in `currency`; the benchmark starts at the same capital.
    drawdown, benchmark_drawdown : tuple of float
        Positive fractions below the peak so far.
    sureness : Sureness or None
        How the figures' intervals were drawn; None where nobody asked for any.
    """

    currency: str
    start: date
    end: date
    initial_capital: Decimal
    net_flows: Decimal
    final_equity: Decimal
    total_pnl: Decimal
    total_fees: Decimal
    sessions: tuple[date, ...]
    returns: tuple[float, ...]
    equity: tuple[float, ...]
    drawdown: tuple[float, ...]
    benchmark_equity: tuple[float, ...]
    benchmark_drawdown: tuple[float, ...]
    months: tuple[MonthFigure, ...]
    spells: tuple[DrawdownSpell, ...]
    figures: tuple[Figure, ...]
    benchmark_name: str | None = None
    sureness: Sureness | None = None


def performance_of(
    daily: DailyBooks,
    *,
    benchmark: FloatArray | None = None,
    benchmark_name: str | None = None,
    traded: IntArray | None = None,
    trials: TrialsBehind | None = None,
    generator: np.random.Generator | None = None,
) -> Performance:
    """Measure the daily books.

    Parameters
    ----------
    benchmark : ndarray of shape (n_sessions,), optional
        Returns of the benchmark on the same sessions, finite.
    traded : ndarray of shape (n_sessions,), optional
        Value of the fills in minor units, bought and sold alike.
    trials : TrialsBehind, optional
        What was tried to find what the portfolio follows.
    generator : numpy.random.Generator, optional
        Draws the figures' intervals; without it they have none.

    Raises
    ------
    InvalidInputError
        If the benchmark does not fit the sessions, or a return has no capital under it.
    """
    if benchmark is not None and benchmark.shape != daily.sessions.shape:
        raise InvalidInputError(
            f"the benchmark has shape {benchmark.shape}, the books {daily.sessions.shape}"
        )
    returns = daily.returns()
    sessions = tuple(daily.sessions.tolist())
    capital = daily.opening_capital()
    first = float(capital[np.argmax(capital > 0)])
    growth = None if benchmark is None else np.cumprod(1.0 + benchmark)
    return Performance(
        currency=daily.currency,
        start=sessions[0],
        end=sessions[-1],
        initial_capital=daily.money(round(first * 10**daily.digits)),
        net_flows=daily.money(daily.flows.sum()),
        final_equity=daily.money(daily.equity[-1]),
        total_pnl=daily.money(daily.pnl.sum()),
        total_fees=daily.money(daily.fees.sum()),
        sessions=sessions,
        returns=tuple(returns.tolist()),
        equity=tuple((daily.equity / 10.0**daily.digits).tolist()),
        drawdown=tuple(dd.drawdown_series(returns).tolist()),
        benchmark_equity=() if growth is None else tuple((first * growth).tolist()),
        benchmark_drawdown=()
        if benchmark is None
        else tuple(dd.drawdown_series(benchmark).tolist()),
        months=_months(daily, returns, benchmark),
        spells=_spells(daily, returns),
        figures=(
            *figures_of(returns, benchmark, generator=generator),
            selection_figure(returns, trials),
            turnover_figure(daily, traded),
            *money_weighted_figures(daily),
        ),
        benchmark_name=benchmark_name,
        sureness=None if generator is None else sureness_of(len(returns)),
    )


def _months(
    daily: DailyBooks, returns: FloatArray, benchmark: FloatArray | None
) -> tuple[MonthFigure, ...]:
    months, starts = np.unique(daily.sessions.astype("datetime64[M]"), return_index=True)
    own = np.multiply.reduceat(1.0 + returns, starts) - 1.0
    other = None if benchmark is None else np.multiply.reduceat(1.0 + benchmark, starts) - 1.0
    return tuple(
        MonthFigure(
            year=month.year,
            month=month.month,
            value=float(own[i]),
            benchmark=None if other is None else float(other[i]),
        )
        for i, month in enumerate(months.tolist())
    )


def _spells(daily: DailyBooks, returns: FloatArray) -> tuple[DrawdownSpell, ...]:
    at = daily.sessions.tolist()
    return tuple(
        DrawdownSpell(
            depth=spell.depth,
            peak=at[spell.peak] if spell.peak >= 0 else None,
            trough=at[spell.trough],
            recovery=None if spell.recovery is None else at[spell.recovery],
            sessions_down=spell.periods_down,
            sessions_to_recover=spell.periods_to_recover,
        )
        for spell in dd.drawdown_table(returns, worst=SPELLS)
    )
