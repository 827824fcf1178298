"""The market as the live desk sees it: the last session that is complete in the lake."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import numpy as np

from basics.instruments import Instrument
from market.panel import Panel
from oms.matching import Quote
from risk.live import LiveBook
from services.night_market import NightMarket
from services.pre_trade import BookRisk, MeasuredRisk, market_betas
from services.session_tape import SessionTape


class MarketView(Protocol):
    """What order entry asks of the market at the moment of an order."""

    @property
    def moment(self) -> datetime:
        """The moment that the prices describe."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """What may be traded."""
        ...

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """Reference price of each symbol."""
        ...

    @property
    def previous_prices(self) -> Mapping[str, Decimal]:
        """Reference price of each symbol one session earlier."""
        ...

    @property
    def quotes(self) -> Mapping[str, Quote]:
        """What the venue offers."""
        ...

    @property
    def betas(self) -> Mapping[str, float]:
        """Beta of each symbol on the equally weighted universe, as far as known."""
        ...

    def risk(self, positions: Mapping[str, Decimal]) -> BookRisk:
        """Return the risk of `positions`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMarket:
    """One session's close as a `MarketView`."""

    moment: datetime
    instruments: Mapping[str, Instrument]
    prices: Mapping[str, Decimal]
    previous_prices: Mapping[str, Decimal]
    quotes: Mapping[str, Quote]
    betas: Mapping[str, float]
    risk: Callable[[Mapping[str, Decimal]], BookRisk]


def last_session_market(
    panel: Panel,
    *,
    instruments: Mapping[str, Instrument],
    session_close: Callable[[date], datetime],
) -> SessionMarket:
    """Return the market at the last close of `panel` (fields `close` and `volume`).

    Raises
    ------
    MissingDataError
        If the panel has fewer than two sessions.
    """
    last: date = panel.sessions[-1].item()
    tape = SessionTape(
        panel, start=last, end=last, instruments=instruments, session_close=session_close
    )
    column = tape.columns[-1]
    covariance = tape.covariance(column)
    return SessionMarket(
        moment=tape.moment(column),
        instruments=instruments,
        prices=tape.prices(column),
        previous_prices=tape.prices(column - 1),
        quotes=tape.quotes(column, covariance),
        betas=market_betas(tape.symbols, covariance),
        risk=lambda positions: tape.risk(column, covariance, positions),
    )


def measured_market(market: SessionMarket, night: NightMarket) -> SessionMarket:
    """Return the market with risk on the night's estimates, stresses included."""
    state = night.state
    nothing = np.zeros(len(state.symbols))
    book = LiveBook(state, night.returns, nothing, scenarios=night.scenarios)
    values = {s: float(p * market.instruments[s].multiplier) for s, p in market.prices.items()}
    traded = zip(state.symbols, state.daily_notional.tolist(), strict=True)
    notional = {symbol: money for symbol, money in traded if math.isfinite(money)}

    def risk(positions: Mapping[str, Decimal]) -> BookRisk:
        return MeasuredRisk(
            book,
            scenarios=night.scenarios,
            values=values,
            quantities={symbol: float(quantity) for symbol, quantity in positions.items()},
            daily_notional=notional,
        )

    return replace(market, risk=risk)
