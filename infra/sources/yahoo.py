"""Daily bars from Yahoo through the optional package `yfinance`.

Yahoo gives closes adjusted for later splits and not for dividends; here they are turned back into
prices as traded, and splits and dividends become corporate actions. Yahoo says nothing of when it
knew: bars count as known 15 minutes after the close, actions from their ex-date.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from basics.errors import InvalidInputError, MissingDataError, UnavailableError
from basics.identifiers import content_hash
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset, Partition

BARS, ACTIONS = "yahoo_daily", "yahoo_daily_actions"
FIELDS = ("open", "high", "low", "close", "volume")
PRICES = FIELDS[:4]
LAG = timedelta(minutes=15)

# Returns the columns Date, Open, High, Low, Close, Volume, Dividends, Stock Splits of a symbol.
History = Callable[[str, date, date], pl.DataFrame]


def yfinance_history(symbol: str, start: date, end: date) -> pl.DataFrame:
    """Ask Yahoo for the bars of `symbol` from `start` to `end`, both included.

    Raises
    ------
    InvalidInputError
        If `yfinance` is not installed.
    MissingDataError
        If Yahoo knows no such symbol, or no price of it in the span.
    UnavailableError
        If Yahoo does not answer, or limits the rate.
    """
    try:
        import yfinance
    except ImportError:
        raise InvalidInputError(
            "the source yahoo needs the package yfinance, which is not installed: "
            "install quantdesk with its extra `yahoo`"
        ) from None
    from yfinance.exceptions import YFTickerMissingError

    yfinance.config.debug.hide_exceptions = False  # Else what failed looks like no data.
    try:
        with warnings.catch_warnings():
            # The package calls what pandas is to remove; that is not the user's to mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame: Any = yfinance.Ticker(symbol).history(
                start=start, end=end + timedelta(days=1), auto_adjust=False, actions=True
            )
    except YFTickerMissingError as error:  # No such symbol, or no prices in the span.
        raise MissingDataError(
            f"Yahoo has nothing of {symbol}, {start} to {end}: {error}"
        ) from error
    except Exception as error:  # yfinance and its transport share no root of errors.
        raise UnavailableError(f"Yahoo did not answer for {symbol}: {error}") from error
    # Midnight in the exchange's own zone: the date is what counts.
    frame.index = frame.index.tz_localize(None)
    answer: pl.DataFrame = pl.from_pandas(frame.reset_index())
    return answer


@dataclass(frozen=True, slots=True)
class YahooSource:
    """Bars and actions of some symbols over a span of days."""

    symbols: Sequence[str]
    start: date
    end: date
    history: History = yfinance_history
    name: str = "yahoo"
    _answers: dict[str, pl.DataFrame] = field(default_factory=dict)

    def datasets(self) -> tuple[Dataset, ...]:
        """Describe bars and actions."""
        return (
            Dataset(name=BARS, fields=FIELDS, source="Yahoo through yfinance"),
            Dataset(
                name=ACTIONS,
                fields=("split", "dividend"),
                calendar=None,
                partition=Partition.DECADE,
                source="Yahoo through yfinance",
            ),
        )

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the answers themselves: only asking tells whether they changed."""
        return content_hash(dataset, [self._answer(s).write_csv() for s in sorted(self.symbols)])

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows, one batch for each symbol that has any."""
        for symbol in sorted(self.symbols):
            answer = self._answer(symbol)
            rows = _as_traded(answer) if dataset == BARS else _actions(answer)
            if not rows.is_empty():
                yield _stamped(rows.with_columns(pl.lit(symbol).alias(SYMBOL)))

    def _answer(self, symbol: str) -> pl.DataFrame:
        """Ask once for each symbol."""
        if symbol not in self._answers:
            raw = self.history(symbol, self.start, self.end)
            missing = {"Date", "Open", "High", "Low", "Close", "Volume"} - set(raw.columns)
            if missing:
                raise UnavailableError(f"Yahoo's answer for {symbol} lacks {sorted(missing)}")
            day = pl.col("Date")
            if isinstance(raw.schema["Date"], pl.Datetime):
                day = day.dt.date()
            extra = [
                pl.lit(0.0).alias(name)
                for name in ("Dividends", "Stock Splits")
                if name not in raw.columns
            ]
            self._answers[symbol] = raw.with_columns(day.alias(SESSION), *extra).sort(SESSION)
        return self._answers[symbol]


def _as_traded(answer: pl.DataFrame) -> pl.DataFrame:
    """Undo the splits that came after each bar: prices times, volume over their product."""
    split = pl.when(pl.col("Stock Splits") > 0).then(pl.col("Stock Splits")).otherwise(1.0)
    later = split.shift(-1, fill_value=1.0).cum_prod(reverse=True)
    prices = [(pl.col(name.capitalize()) * later).alias(name) for name in PRICES]
    return answer.select(SESSION, *prices, (pl.col("Volume") / later).alias("volume"))


def _actions(answer: pl.DataFrame) -> pl.DataFrame:
    """Return splits, and dividends in the money of their day."""
    split = pl.when(pl.col("Stock Splits") > 0).then(pl.col("Stock Splits")).otherwise(1.0)
    # Yahoo divides a dividend by the splits after it, as it does prices.
    later = split.shift(-1, fill_value=1.0).cum_prod(reverse=True)
    found = answer.select(
        SESSION, split.alias("split"), (pl.col("Dividends") * later).alias("dividend")
    )
    return found.filter((pl.col("split") != 1) | (pl.col("dividend") != 0))


def _stamped(rows: pl.DataFrame) -> pl.DataFrame:
    timed = exchange_calendar("XNYS").with_times(rows).rename({"close_time": EVENT_TIME})
    return timed.with_columns((pl.col(EVENT_TIME) + LAG).alias(KNOWLEDGE_TIME))
