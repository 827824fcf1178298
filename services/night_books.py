"""The books of a night: the portfolio and each of its strategies, in one universe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.drawdown import drawdown_series
from pnl.daily import DailyBooks
from risk.book import Holding, align_book
from risk.nightly import NightBooks, NightMarket
from risk.stress import StressScenario
from services.risk_found_stress import found_scenario
from services.risk_inputs import RiskInputs
from services.risk_measures import measure_book


def night_books(
    daily: DailyBooks, symbols: tuple[str, ...], *, portfolio: str, capital: Mapping[str, Decimal]
) -> NightBooks:
    """Return the portfolio's book and one for each strategy at the last session of `daily`.

    Parameters
    ----------
    symbols : tuple of str
        Columns of the exposures.
    capital : mapping of str to Decimal
        Money that each strategy was given at the start.

    Raises
    ------
    InvalidInputError
        If a strategy traded without capital.
    """
    if strangers := {book.strategy for book, _ in daily.keys} - set(capital):
        raise InvalidInputError(f"no capital is given for {', '.join(sorted(strangers))}")
    unit = 10.0**daily.digits
    column = {symbol: at for at, symbol in enumerate(symbols)}
    strategies = tuple(sorted(capital))
    exposures = np.zeros((1 + len(strategies), len(symbols)))
    profit = np.zeros((1 + len(strategies), len(daily.sessions)))
    for row, (book, symbol) in enumerate(daily.keys):
        own = 1 + strategies.index(book.strategy)
        if symbol is not None:
            exposures[[0, own], column[symbol]] += daily.market_value[row, -1] / unit
        profit[[0, own]] += daily.pnl[row] / unit
    given = np.array([float(capital[name]) for name in strategies])
    start = np.concatenate([[given.sum()], given])
    equity = start[:, None] + np.cumsum(profit, axis=1)
    paths = zip(equity, start, strict=True)
    return NightBooks(
        names=(portfolio, *(f"{portfolio}/{name}" for name in strategies)),
        exposures=exposures,
        equity=equity[:, -1],
        drawdown=np.array([_drawdown(path, first) for path, first in paths]),
        strategies=(None, *strategies),
    )


def books_until(daily: DailyBooks, session: date) -> DailyBooks:
    """Return the books as they stood at the close of `session`: nothing later is in them.

    Raises
    ------
    MissingDataError
        If the books have no such session.
    """
    at = int(np.searchsorted(daily.sessions, np.datetime64(session, "D")))
    if at >= len(daily.sessions) or daily.sessions[at] != np.datetime64(session, "D"):
        raise MissingDataError(
            f"the books have no session {session}: they run from {daily.sessions[0]} to "
            f"{daily.sessions[-1]}"
        )
    known = slice(0, at + 1)
    return replace(
        daily,
        sessions=daily.sessions[known],
        pnl=daily.pnl[:, known],
        fees=daily.fees[:, known],
        market_value=daily.market_value[:, known],
        flows=daily.flows[known],
        equity=daily.equity[known],
    )


def night_market(inputs: RiskInputs, *, lookback: int) -> NightMarket:
    """Return what every book of the night shares, over all symbols of `inputs.prices`.

    Raises
    ------
    MissingDataError
        If a symbol of the universe has too short a history.
    """
    whole = {symbol: Holding(1.0, 1.0) for symbol in inputs.prices.symbols}
    book = align_book(whole, inputs.prices, lookback=lookback)
    if book.left_out:
        raise MissingDataError(
            "the night's universe must be measurable: "
            + "; ".join(f"{item.symbol}: {item.reason}" for item in book.left_out)
        )
    measured = measure_book(inputs, book, float(inputs.equity.values[-1]))
    return NightMarket(state=measured.state, returns=book.returns, sectors=inputs.sectors)


def night_scenarios(
    inputs: RiskInputs, scenarios: Sequence[StressScenario], *, lookback: int
) -> tuple[StressScenario, ...]:
    """Return the scenarios that every book of the night can run.

    A past window is replayed once, over the whole universe, and factors move once; a reverse
    stress is of one book and is left to its profile. A window without prices is left out.
    """
    whole = {symbol: Holding(1.0, 1.0) for symbol in inputs.prices.symbols}
    book = align_book(whole, inputs.prices, lookback=lookback)
    measured = measure_book(inputs, book, float(inputs.equity.values[-1]))
    ready = []
    for scenario in scenarios:
        if scenario.is_given:
            ready.append(scenario)
        elif scenario.window is not None or scenario.factors is not None:
            replayed = found_scenario(inputs, measured, scenario)
            ready += [] if replayed is None else [replayed[0]]
    return tuple(ready)


def _drawdown(path: FloatArray, start: float) -> float:
    """Return how far the last value lies below the highest, as a positive fraction."""
    levels = np.concatenate([[start], path])
    return float(drawdown_series(levels[1:] / levels[:-1] - 1.0)[-1])
