"""Look back on a portfolio's run: what it earned against what, and what it now risks.

Gathers for the P&L and risk rooms what they measure from: the books of the run, the benchmark,
factor returns, yields. The benchmark is the traded universe equally weighted each session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from basics.arrays import DateArray, FloatArray, IntArray
from basics.errors import MissingDataError
from market.panel import Panel
from pnl.daily import DailyBooks
from risk.book import Holding
from services.market_data import MarketData
from services.risk_inputs import History, PreviousRisk, RiskInputs

BENCHMARK = "20 stocks, equally weighted"
INDEX = "SPX"
FACTOR_NAMES = {
    "MTUM": "momentum",
    "QUAL": "quality",
    "SIZE": "size",
    "USMV": "low volatility",
    "VLUE": "value",
}
YIELDS = ("AAA", "BAA")
# As long as the longest lookback of the risk profile is likely to be.
FACTOR_SESSIONS = 1_500


def universe_returns(prices: Panel, sessions: DateArray) -> FloatArray:
    """Return the mean close-to-close return of the symbols of `prices` on each of `sessions`.

    Shape (n_sessions,); a symbol without a return in a session is left out of its mean.

    Raises
    ------
    MissingDataError
        If a session is not in `prices` or has no return at all.
    """
    chosen = close_returns(prices)[:, _positions(prices.sessions, sessions)]
    known = np.isfinite(chosen)
    if not known.any(axis=0).all():
        day = sessions[~known.any(axis=0)][0]
        raise MissingDataError(f"no symbol of the benchmark has a return on {day}")
    mean: FloatArray = np.where(known, chosen, 0.0).sum(axis=0) / known.sum(axis=0)
    return mean


def close_returns(panel: Panel) -> FloatArray:
    """Return close-to-close returns on the panel's grid, NaN in its first session."""
    close = panel["close"]
    changes = np.full_like(close, np.nan)
    changes[:, 1:] = close[:, 1:] / close[:, :-1] - 1.0
    return changes


def _positions(sessions: DateArray, wanted: DateArray) -> IntArray:
    at = np.searchsorted(sessions, wanted)
    if (at >= len(sessions)).any() or (sessions[at] != wanted).any():
        raise MissingDataError(f"prices do not cover {wanted[0]} to {wanted[-1]}")
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioReview:
    """Gathers what a portfolio is measured against."""

    market: MarketData

    def factor_returns(self, sessions: DateArray) -> Mapping[str, FloatArray]:
        """Return the market's return and each style's return over it, on `sessions`.

        The market is the S&P 500; a style is its exchange-traded fund less the market. NaN on
        sessions that a series does not have.
        """
        start, end = _span(sessions)
        index = self.market.panel(
            "indices", fields=("close",), start=start, end=end, symbols=(INDEX,)
        )
        funds = self.market.panel("factor_etfs", fields=("close",), start=start, end=end)
        market = _returns_on(index, sessions)[INDEX]
        styles = {
            FACTOR_NAMES[symbol]: values - market
            for symbol, values in _returns_on(funds, sessions).items()
        }
        return {"market": market} | styles

    def risk_inputs(
        self,
        *,
        scope: str,
        daily: DailyBooks,
        prices: Panel,
        previous: PreviousRisk | None,
    ) -> RiskInputs:
        """Gather what the risk of the book at the last session of `daily` is computed from.

        Parameters
        ----------
        prices : Panel
            Fields `close` and `volume`, all of history up to the last session.
        """
        as_of: date = daily.sessions[-1].item()
        exposures = exposures_of(daily)
        unit = 10.0**daily.digits
        closes = prices.until(daily.sessions[-1])
        traded = np.nanmean(closes["close"][:, -21:] * closes["volume"][:, -21:], axis=1)
        return RiskInputs(
            scope=scope,
            as_of=as_of,
            holdings=holdings_at_close(exposures, closes),
            prices=closes,
            equity=History(daily.sessions, daily.equity / unit),
            sectors=self.market.sectors,
            exposures=exposures,
            yields=self.yields(as_of),
            daily_notional=dict(zip(closes.symbols, traded.tolist(), strict=True)),
            volume_simulated="volume" in closes.simulated,
            currency=daily.currency,
            previous=previous,
            strategies=_held_by(daily, "strategy"),
            accounts=_held_by(daily, "account"),
            fund=next((book.fund for book, _ in daily.keys), None),
            factors=self._factors(closes.sessions[-FACTOR_SESSIONS:]),
        )

    def _factors(self, sessions: DateArray) -> Mapping[str, History]:
        """Return the factors' histories; one that the lake does not hold is left out."""
        try:
            found = self.factor_returns(sessions)
        except MissingDataError:
            return {}
        return {
            name: History(sessions[known], values[known])
            for name, values in found.items()
            if (known := np.isfinite(values)).any()
        }

    def yields(self, as_of: date) -> Mapping[str, History]:
        """Return the monthly yields; none where the lake holds none, and the profile says so."""
        try:
            panel = self.market.panel("macro", fields=("value",), end=as_of, symbols=YIELDS)
        except MissingDataError:
            return {}
        found = {}
        for row, symbol in enumerate(panel.symbols):
            known = np.isfinite(panel["value"][row])
            found[symbol] = History(panel.sessions[known], panel["value"][row, known])
        return found


def _span(sessions: DateArray) -> tuple[date, date]:
    """Return the span of `sessions`, widened so that its first session has a return."""
    start: date = (sessions[0] - np.timedelta64(10, "D")).item()
    return start, sessions[-1].item()


def _returns_on(panel: Panel, sessions: DateArray) -> Mapping[str, FloatArray]:
    """Return each symbol's close-to-close return on `sessions`, NaN where unknown."""
    changes = close_returns(panel)
    at = np.searchsorted(panel.sessions, sessions).clip(max=len(panel.sessions) - 1)
    there = panel.sessions[at] == sessions
    return {
        symbol: np.where(there, changes[row, at], np.nan)
        for row, symbol in enumerate(panel.symbols)
    }


def exposures_of(daily: DailyBooks) -> Panel:
    """Return the market value of each symbol at each close, over all strategies."""
    symbols = tuple(sorted({symbol for _, symbol in daily.keys if symbol is not None}))
    values = np.zeros((len(symbols), len(daily.sessions)))
    for row, (_, symbol) in enumerate(daily.keys):
        if symbol is not None:
            values[symbols.index(symbol)] += daily.market_value[row] / 10.0**daily.digits
    return Panel(symbols, daily.sessions, {"exposure": values})


def holdings_at_close(exposures: Panel, prices: Panel) -> dict[str, Holding]:
    """Return what is held at the last close of `exposures`, in the last prices."""
    last = dict(zip(prices.symbols, prices["close"][:, -1].tolist(), strict=True))
    return {
        symbol: Holding(quantity=value / last[symbol], market_value=value)
        for symbol, value in zip(
            exposures.symbols, exposures["exposure"][:, -1].tolist(), strict=True
        )
        if value
    }


def _held_by(
    daily: DailyBooks, part: Literal["strategy", "account"]
) -> Mapping[str, Mapping[str, float]]:
    """Return the market value by symbol of each strategy or account at the last close."""
    found: dict[str, dict[str, float]] = {}
    for row, (book, symbol) in enumerate(daily.keys):
        if symbol is not None:
            held = found.setdefault(getattr(book, part), {})
            worth = float(daily.market_value[row, -1]) / 10.0**daily.digits
            held[symbol] = held.get(symbol, 0.0) + worth
    return found
