"""Daily bars from Yahoo through the optional package `yfinance`.

Yahoo gives closes adjusted for all splits up to the day on which it is asked, not for dividends;
here they are turned back into prices as traded, and splits and dividends become corporate actions.
A split after the span is not in the span's answer, though its prices are divided by it: so the days
after are asked for too. Yahoo says nothing of when it knew: bars count as known 15 minutes after
the close, actions from their ex-date. It answers in float32, so prices carry seven digits.
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
ZONE = "America/New_York"

# Returns the columns Date, Open, High, Low, Close, Volume, Dividends, Stock Splits of a symbol.
History = Callable[[str, date, date], pl.DataFrame]


def yfinance_history(symbol: str, start: date, end: date) -> pl.DataFrame:
    """Ask Yahoo for the bars of `symbol` from `start` to `end`, both included.

    Raises
    ------
    InvalidInputError
        If `yfinance` is not installed, or the symbol trades on an exchange outside New York.
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
    if str(frame.index.tz) != ZONE:
        raise InvalidInputError(
            f"{symbol} trades in {frame.index.tz}; the source yahoo stamps bars by New York's "
            "sessions: save its bars as CSV and import them with --calendar, for instance XETR"
        )
    # Midnight in the exchange's own zone: the date is what counts.
    frame.index = frame.index.tz_localize(None)
    answer: pl.DataFrame = pl.from_pandas(frame.reset_index())
    return answer


@dataclass(frozen=True, slots=True)
class YahooSource:
    """Bars and actions of some symbols from `start` to `end`, asked for on the day `asked`."""

    symbols: Sequence[str]
    start: date
    end: date
    asked: date
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
        """Ask once for each symbol; `split` is a day's, `later` the product of those after it."""
        if symbol not in self._answers:
            raw = self._history(symbol, self.start, self.end)
            after = pl.col("split").shift(-1, fill_value=1.0).cum_prod(reverse=True)
            self._answers[symbol] = raw.with_columns(
                (after * self._split_after_span(symbol)).alias("later")
            )
        return self._answers[symbol]

    def _split_after_span(self, symbol: str) -> float:
        """Return the product of the splits after `end`, which Yahoo has undone in every price."""
        if self.asked <= self.end:
            return 1.0
        try:
            after = self._history(symbol, self.end + timedelta(days=1), self.asked)
        except MissingDataError:  # Not traded since, so not split since.
            return 1.0
        return float(after["split"].product())

    def _history(self, symbol: str, start: date, end: date) -> pl.DataFrame:
        raw = self.history(symbol, start, end)
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
        ratio = pl.col("Stock Splits")
        split = pl.when(ratio > 0).then(ratio).otherwise(1.0).alias("split")
        return raw.with_columns(day.alias(SESSION), *extra).with_columns(split).sort(SESSION)


def _as_traded(answer: pl.DataFrame) -> pl.DataFrame:
    """Undo the splits that came after each bar: prices times, volume over their product."""
    prices = [(pl.col(name.capitalize()) * pl.col("later")).alias(name) for name in PRICES]
    return answer.select(SESSION, *prices, (pl.col("Volume") / pl.col("later")).alias("volume"))


def _actions(answer: pl.DataFrame) -> pl.DataFrame:
    """Return splits, and dividends in the money of their day."""
    # Yahoo divides a dividend by the splits after it, as it does prices.
    dividend = (pl.col("Dividends") * pl.col("later")).alias("dividend")
    found = answer.select(SESSION, "split", dividend)
    return found.filter((pl.col("split") != 1) | (pl.col("dividend") != 0))


def _stamped(rows: pl.DataFrame) -> pl.DataFrame:
    timed = exchange_calendar("XNYS").with_times(rows).rename({"close_time": EVENT_TIME})
    return timed.with_columns((pl.col(EVENT_TIME) + LAG).alias(KNOWLEDGE_TIME))
