"""The profit of valued books split by a key: what each position, fill, currency or factor earned.

Three ways lead to a split. Sums of the daily books (symbol, strategy, sector, asset class, period)
need nothing else. What only a fill knows is the difference of the fills' worth at the two ends of
the range. What each currency earned values the books at every close of the range again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.instruments import Instrument
from market.panel import Panel
from pnl.attribution import (
    PERIODS,
    Attribution,
    by_asset_class,
    by_currency,
    by_period,
    by_sector,
    by_strategy,
    by_symbol,
)
from pnl.daily import DailyBooks
from pnl.factors import by_factor
from pnl.fill_attribution import ClosingPrices, by_fill
from services.accounting import Accounting
from services.book_closes import RATE_DIGITS, in_order_of_days, marks_of

BOOK_KEYS = ("symbol", "strategy", "sector", "asset_class", *PERIODS)


@dataclass(frozen=True, slots=True)
class Prices:
    """Closing prices, and exchange rates on the same sessions where there are currencies.

    Attributes
    ----------
    rates : Panel or None
        A row a currency, units of the base for one of it.
    """

    closes: Panel
    rates: Panel | None = None
    field_name: str = "close"

    def at(self, column: int) -> ClosingPrices:
        """Return the prices of one session as the books take them."""
        name, rates = self.field_name, self.rates
        return ClosingPrices(
            marks_of(self.closes.symbols, self.closes[name][:, column]),
            {}
            if rates is None
            else marks_of(rates.symbols, rates[name][:, column], digits=RATE_DIGITS),
        )


def split_of_books(
    daily: DailyBooks, instruments: Mapping[str, Instrument], *, by: str
) -> Attribution:
    """Split profit by one of `BOOK_KEYS`.

    Raises
    ------
    InvalidInputError
        If the key is none of these.
    """
    match by:
        case "symbol":
            return by_symbol(daily)
        case "strategy":
            return by_strategy(daily)
        case "sector":
            return by_sector(daily, {s: i.sector for s, i in instruments.items() if i.sector})
        case "asset_class":
            return by_asset_class(daily, instruments)
    if by in PERIODS:
        return by_period(daily, by)
    raise InvalidInputError(f"cannot attribute by {by!r}: one of {', '.join(BOOK_KEYS)}")


def splits_of_books(
    daily: DailyBooks,
    instruments: Mapping[str, Instrument],
    *,
    by: Iterable[str] = ("symbol", "strategy", "sector", "month"),
    factors: Mapping[str, FloatArray] | None = None,
) -> tuple[Attribution, ...]:
    """Split profit by each key asked for, and by factor where factors are given."""
    found = [split_of_books(daily, instruments, by=name) for name in by]
    if factors:
        found.append(by_factor(daily, factors))
    return tuple(found)


def split_of_fills(
    accounting: Accounting,
    run_id: str,
    daily: DailyBooks,
    prices: Prices,
    *,
    by: str,
    portfolio: str,
) -> Attribution:  # fmt: skip
    """Split profit by `model_version`, `arm`, `order`, `side` or `hour` of the fills.

    `daily` are books of the run; `prices` cover their sessions, and the one before where the
    books do not begin with them. Fills in other currencies count at the rate of the close.

    Raises
    ------
    MissingDataError
        If the run has no entries, or the prices lack a session, a mark or a rate.
    """
    last = daily.sessions[-1]
    marked = accounting.manual(portfolio).marked(prices.closes, field_name=prices.field_name)
    prices = Prices(marked, prices.rates, prices.field_name)
    dated = in_order_of_days(accounting.events(run_id, portfolio=portfolio))
    column = _column_before(daily, marked)
    # What came between two sessions counts in the later one.
    opened = marked.sessions[column].item() if daily.opening else date.min
    before = [event for day, event in dated if day <= opened]
    return by_fill(
        daily,
        [event for day, event in dated if day <= last.item()],
        prices.at(int(np.searchsorted(marked.sessions, last))),
        accounting.instruments,
        by=by,
        before=before,
        opening=prices.at(column) if before else None,
    )


def split_of_currencies(
    accounting: Accounting, run_id: str, daily: DailyBooks, prices: Prices, *, portfolio: str
) -> Attribution:
    """Split profit by currency: what its positions and cash earned, its rate included.

    Parameters and errors as those of `split_of_fills`.
    """
    column = _column_before(daily, prices.closes)
    since = max(column, 0)
    stop = int(np.searchsorted(prices.closes.sessions, daily.sessions[-1])) + 1
    rates = None if prices.rates is None else prices.rates.window(since, stop)
    books = accounting.currency_books(
        run_id,
        prices.closes.window(since, stop),
        portfolio=portfolio,
        field_name=prices.field_name,
        rates=rates,
    )
    return by_currency(books.last(len(daily.sessions)), daily)


def _column_before(daily: DailyBooks, closes: Panel) -> int:
    """Return the column of the session before the books, -1 where they begin with the first."""
    first = daily.sessions[0]
    column = int(np.searchsorted(closes.sessions, first)) - 1
    if daily.opening and column < 0:
        raise MissingDataError(
            f"the books begin before {first}: give the closes of the session before"
        )
    return column
