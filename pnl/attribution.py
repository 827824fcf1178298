"""Where profit came from: the daily books summed by a key, exactly.

Parts are sums of integers in minor units, so that parts plus residual equal the total to the
cent; for keys of the books the residual is zero by construction. Estimated splits (by risk
factor) stand in `pnl.factors` and show what they leave unexplained.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import DateArray
from basics.errors import InvalidInputError
from basics.instruments import Instrument
from pnl.currency_books import CurrencyBooks
from pnl.daily import DailyBooks
from pnl.ledger import Key

CASH_NAME = "(cash)"
UNKNOWN_SECTOR = "(no sector)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionPart:
    """One part of the profit.

    Attributes
    ----------
    pnl : Decimal
        Profit after costs, in the base currency.
    fees : Decimal or None
        Fees paid, positive, already inside `pnl`; None for an estimated part.
    standard_error : float or None
        Of an estimated part, in the base currency; None for a booked one.
    """

    name: str
    pnl: Decimal
    fees: Decimal | None = None
    standard_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Profit split by one key: parts plus residual equal the total.

    Attributes
    ----------
    exact : bool
        True where the parts are booked (the residual is zero), False where estimated.
    notes : tuple of str
        What a reader should know, such as sessions left out.
    """

    by: str
    currency: str
    start: date
    end: date
    parts: tuple[AttributionPart, ...]
    residual: Decimal
    total: Decimal
    exact: bool
    notes: tuple[str, ...] = ()


PositionKey = Callable[[Key], str]


def by_position(
    daily: DailyBooks, key: PositionKey, *, by: str, largest_first: bool = True
) -> Attribution:
    """Split the profit of `daily` by a name given to each (book, symbol)."""
    pnl: dict[str, int] = {}
    fees: dict[str, int] = {}
    sums = zip(daily.keys, daily.pnl.sum(axis=1), daily.fees.sum(axis=1), strict=True)
    for position, profit, fee in sums:
        name = key(position)
        pnl[name] = pnl.get(name, 0) + int(profit)
        fees[name] = fees.get(name, 0) + int(fee)
    names = sorted(pnl, key=lambda name: (-pnl[name], name)) if largest_first else sorted(pnl)
    return _attribution(daily, by, [(name, pnl[name], fees[name]) for name in names])


def by_symbol(daily: DailyBooks) -> Attribution:
    """Split by instrument; what no instrument earned stands under `(cash)`."""
    return by_position(daily, lambda key: key[1] or CASH_NAME, by="symbol")


def by_strategy(daily: DailyBooks) -> Attribution:
    """Split by strategy."""
    return by_position(daily, lambda key: key[0].strategy, by="strategy")


def by_sector(daily: DailyBooks, sectors: Mapping[str, str]) -> Attribution:
    """Split by the sector of each symbol; unmapped symbols stand under `(no sector)`."""
    return by_position(
        daily,
        lambda key: CASH_NAME if key[1] is None else sectors.get(key[1], UNKNOWN_SECTOR),
        by="sector",
    )


def by_asset_class(daily: DailyBooks, instruments: Mapping[str, Instrument]) -> Attribution:
    """Split by the kind of instrument; what no instrument earned stands under `(cash)`."""
    return by_position(
        daily,
        lambda key: CASH_NAME if key[1] is None else instruments[key[1]].kind.value,
        by="asset_class",
    )


def by_currency(books: CurrencyBooks, daily: DailyBooks) -> Attribution:
    """Split by currency, what its rate earned on cash and positions included.

    Parameters
    ----------
    books : CurrencyBooks
        Of the same portfolio and sessions as `daily`, which give the total and the fees.
    """
    sums = zip(books.currencies, books.pnl.sum(axis=1).tolist(), strict=True)
    parts = sorted(sums, key=lambda part: (-part[1], part[0]))
    total = int(daily.pnl.sum())
    return Attribution(
        by="currency",
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(AttributionPart(name=name, pnl=daily.money(pnl)) for name, pnl in parts),
        residual=daily.money(total - sum(pnl for _, pnl in parts)),
        total=daily.money(total),
        exact=True,
    )


PERIODS: dict[str, Callable[[DateArray], DateArray]] = {
    "day": lambda sessions: sessions,
    # Day 0 of numpy's epoch is a Thursday: three days on, whole weeks start on Monday.
    "week": lambda s: ((s.astype(np.int64) + 3) // 7 * 7 - 3).astype("datetime64[D]"),
    "month": lambda sessions: sessions.astype("datetime64[M]"),
    "year": lambda sessions: sessions.astype("datetime64[Y]"),
}


def by_period(daily: DailyBooks, period: str) -> Attribution:
    """Split by `day`, `week` (named by its Monday), `month`, `year`.

    Raises
    ------
    InvalidInputError
        If the period is none of these.
    """
    if period not in PERIODS:
        raise InvalidInputError(f"unknown period {period!r}: one of {', '.join(PERIODS)}")
    names, where = np.unique(PERIODS[period](daily.sessions), return_inverse=True)
    pnl = np.zeros(len(names), dtype=np.int64)
    fees = np.zeros(len(names), dtype=np.int64)
    np.add.at(pnl, where, daily.pnl.sum(axis=0))
    np.add.at(fees, where, daily.fees.sum(axis=0))
    return _attribution(
        daily, period, [(str(n), int(p), int(f)) for n, p, f in zip(names, pnl, fees, strict=True)]
    )


def _attribution(daily: DailyBooks, by: str, parts: list[tuple[str, int, int]]) -> Attribution:
    total = int(daily.pnl.sum())
    return Attribution(
        by=by,
        currency=daily.currency,
        start=daily.sessions[0].item(),
        end=daily.sessions[-1].item(),
        parts=tuple(
            AttributionPart(name=name, pnl=daily.money(pnl), fees=daily.money(fees))
            for name, pnl, fees in parts
        ),
        residual=daily.money(total - sum(pnl for _, pnl, _ in parts)),
        total=daily.money(total),
        exact=True,
    )
