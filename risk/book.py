"""A book made ready for risk: holdings matched with the history of what they hold.

A position that cannot be measured (no price, too short a history, a value that is not finite)
is left out by name and the rest of the book is measured: one bad instrument never hides the
others, and what was left out is listed beside every number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from market.panel import Panel
from risk.profile import LeftOut

MAX_MISSING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of one symbol is held, and what that is worth, signed alike."""

    quantity: float
    market_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Measurable positions beside their returns.

    Attributes
    ----------
    symbols : tuple of str
        The n measurable holdings, sorted.
    exposures : ndarray of shape (n,)
        Signed market values.
    returns : ndarray of shape (n, n_sessions)
        Daily simple returns without NaN, oldest first.
    sessions : ndarray of shape (n_sessions,)
        The session that each return ends on.
    left_out : tuple of LeftOut
    filled : int
        Missing single returns that were taken as zero.
    """

    symbols: tuple[str, ...]
    quantities: FloatArray
    exposures: FloatArray
    returns: FloatArray
    sessions: DateArray
    left_out: tuple[LeftOut, ...]
    filled: int


def align_book(holdings: Mapping[str, Holding], prices: Panel, *, lookback: int) -> Book:
    """Match holdings with the last `lookback` returns of the panel's closes.

    Raises
    ------
    MissingDataError
        If the panel has no closes.
    """
    close = prices["close"]
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = (close[:, 1:] / close[:, :-1] - 1.0)[:, -lookback:]
    row_of = {symbol: row for row, symbol in enumerate(prices.symbols)}
    kept: list[str] = []
    left_out: list[LeftOut] = []
    for symbol in sorted(s for s, h in holdings.items() if h.quantity != 0):
        reason = _reason_to_leave_out(holdings[symbol], row_of.get(symbol), returns)
        if reason is None:
            kept.append(symbol)
        else:
            value = holdings[symbol].market_value
            left_out.append(
                LeftOut(
                    symbol=symbol,
                    market_value=value if np.isfinite(value) else 0.0,
                    reason=reason,
                )
            )
    chosen = returns[[row_of[s] for s in kept]]
    missing = ~np.isfinite(chosen)
    return Book(
        symbols=tuple(kept),
        quantities=np.array([holdings[s].quantity for s in kept], dtype=np.float64),
        exposures=np.array([holdings[s].market_value for s in kept], dtype=np.float64),
        returns=np.where(missing, 0.0, chosen),
        sessions=prices.sessions[1:][-lookback:],
        left_out=tuple(left_out),
        filled=int(missing.sum()),
    )


def _reason_to_leave_out(holding: Holding, row: int | None, returns: FloatArray) -> str | None:
    if not (np.isfinite(holding.quantity) and np.isfinite(holding.market_value)):
        return f"its market value is {holding.market_value}: no price on the day"
    if holding.quantity * holding.market_value < 0:
        return (
            f"its quantity {holding.quantity:g} and market value {holding.market_value:g} differ "
            "in sign: correct one of them"
        )
    if row is None:
        return "it has no price history: import its bars"
    missing = ~np.isfinite(returns[row])
    if missing.all():
        return "it has no price in the lookback: import its bars"
    if missing.mean() > MAX_MISSING_SHARE:
        return (
            f"{int(missing.sum())} of {len(missing)} returns are missing, "
            f"more than {MAX_MISSING_SHARE:.0%}"
        )
    return None
