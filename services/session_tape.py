"""A panel as a trading simulation sees it: session by session, and nothing from the future.

Risk, volume and volatility of a session come from the sessions before and up to it. Prices
become Decimal here, once, because what is sized and booked with them is money.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.money import to_decimal
from market.panel import Panel
from oms.matching import Quote
from services.pre_trade import BookRisk, CovarianceRisk, ScenarioRisk

PRICE_DIGITS: Final = 6  # Adjusted closes carry more digits than a tick.
RISK_SESSIONS: Final = 250
TAIL_SESSIONS: Final = 100  # One of them is the tail at 99%.
VOLUME_SESSIONS: Final = 21


class SessionTape:
    """Prices, quotes and covariances by position in the panel.

    Parameters
    ----------
    panel : Panel
        Fields `close` and `volume`.
    start, end : date
        First and last session on which something may trade.
    session_close : callable
        The moment at which a session's close is known.

    Raises
    ------
    MissingDataError
        If no session lies in the range with one before it to decide on.
    """

    def __init__(
        self,
        panel: Panel,
        *,
        start: date,
        end: date,
        instruments: Mapping[str, Instrument],
        session_close: Callable[[date], datetime],
    ) -> None:
        first = int(np.searchsorted(panel.sessions, np.datetime64(start)))
        stop = int(np.searchsorted(panel.sessions, np.datetime64(end), side="right"))
        self.columns = range(max(first, 1), stop)
        if not self.columns:
            raise MissingDataError(
                f"the panel has no session from {start} to {end} with one before it: widen it"
            )
        self.symbols = panel.symbols
        self._sessions = panel.sessions
        self._session_close = session_close
        self.instruments = instruments
        self._close = _carried_forward(panel["close"])
        self._traded = np.isfinite(panel["close"])
        self._volume = panel["volume"]
        with np.errstate(invalid="ignore", divide="ignore"):
            self._returns = panel["close"][:, 1:] / panel["close"][:, :-1] - 1
        self._prices: dict[int, dict[str, Decimal]] = {}
        self._known: tuple[int, FloatArray] = (-1, np.empty((len(self.symbols), 0)))
        self.sectors = {s: i.sector for s, i in instruments.items() if i.sector is not None}

    def session(self, column: int) -> date:
        """Return the session at `column`."""
        session: date = self._sessions[column].item()
        return session

    def moment(self, column: int) -> datetime:
        """Return the moment of the session's close."""
        return self._session_close(self.session(column))

    def prices(self, column: int) -> Mapping[str, Decimal]:
        """Return the last known close of each symbol that has one."""
        if column not in self._prices:
            self._prices = {c: p for c, p in self._prices.items() if c == column - 1}
            self._prices[column] = {
                symbol: to_decimal(price, digits=PRICE_DIGITS)
                for symbol, price in zip(self.symbols, self._close[:, column], strict=True)
                if math.isfinite(price)
            }
        return self._prices[column]

    def multiplier(self, symbol: str) -> Decimal:
        """Return the money per point of price of one unit."""
        return self.instruments[symbol].multiplier

    def daily_volumes(self, column: int) -> FloatArray:
        """Return each symbol's mean volume over the last sessions, NaN without any."""
        window = self._volume[:, max(0, column + 1 - VOLUME_SESSIONS) : column + 1]
        known = np.isfinite(window)
        total = np.where(known, window, 0.0).sum(axis=1)
        counts = known.sum(axis=1)
        mean: FloatArray = np.full(len(counts), np.nan)
        np.divide(total, counts, out=mean, where=counts > 0)
        return mean

    def covariance(self, column: int) -> FloatArray:
        """Return the covariance of daily returns known at `column`'s close (ddof 1).

        NaN in row and column of a symbol that misses a return in the window.
        """
        window = self._returns[:, max(0, column - RISK_SESSIONS) : column]
        matrix: FloatArray = np.full((len(self.symbols), len(self.symbols)), np.nan)
        whole = np.flatnonzero(np.isfinite(window).all(axis=1))
        if window.shape[1] >= 2 and whole.size:
            matrix[np.ix_(whole, whole)] = np.cov(window[whole]).reshape(whole.size, whole.size)
        return matrix

    def quotes(self, column: int, covariance: FloatArray) -> dict[str, Quote]:
        """Return what the exchange offers at `column`'s close, for symbols that trade then."""
        volumes = self.daily_volumes(column)
        volatilities = np.sqrt(np.diagonal(covariance))
        prices = self.prices(column)
        return {
            symbol: Quote(
                price=prices[symbol],
                daily_volume=float(volumes[row]),
                volatility=float(np.nan_to_num(volatilities[row])),
            )
            for row, symbol in enumerate(self.symbols)
            if self._traded[row, column] and volumes[row] > 0
        }

    def risk(
        self, column: int, covariance: FloatArray, positions: Mapping[str, Decimal]
    ) -> BookRisk:
        """Return the risk of `positions` as known at `column`'s close.

        Historical where the sessions suffice for a tail at 99%, else by the normal law.
        """
        values = {s: float(p * self.multiplier(s)) for s, p in self.prices(column).items()}
        quantities = {symbol: float(quantity) for symbol, quantity in positions.items()}
        notional = self._daily_notional(column, values)
        returns = self._whole_returns(column)
        if returns.shape[1] >= TAIL_SESSIONS:
            return ScenarioRisk(
                symbols=self.symbols,
                returns=returns,
                values=values,
                quantities=quantities,
                daily_notional=notional,
            )
        return CovarianceRisk(
            symbols=self.symbols,
            # Only an exit can be ordered in a symbol without history, and exits need no risk.
            covariance=np.nan_to_num(covariance),
            values=values,
            quantities=quantities,
            daily_notional=notional,
        )

    def _daily_notional(self, column: int, values: Mapping[str, float]) -> dict[str, float]:
        """Return the money traded a day, where volume and price are known."""
        volumes = zip(self.symbols, self.daily_volumes(column).tolist(), strict=True)
        return {s: v * values[s] for s, v in volumes if s in values and math.isfinite(v)}

    def _whole_returns(self, column: int) -> FloatArray:
        """Return the last daily returns known at `column`'s close; zeros without a history."""
        if self._known[0] != column:
            window = self._returns[:, max(0, column - RISK_SESSIONS) : column]
            whole = np.isfinite(window).all(axis=1, keepdims=True)
            self._known = (column, np.where(whole, window, 0.0))
        return self._known[1]


def _carried_forward(close: FloatArray) -> FloatArray:
    """Fill a missing close with the last one known."""
    known = np.where(np.isfinite(close), np.arange(close.shape[1]), 0)
    return np.take_along_axis(close, np.maximum.accumulate(known, axis=1), axis=1)
