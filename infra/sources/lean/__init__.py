"""A QuantConnect Lean data folder: zipped CSV, prices in 1/10,000 dollars, factor and map files.

Layout, as Lean documents and writes it, under `equity/usa`:

    daily/<ticker>.zip, hour/<ticker>.zip               <ticker>.csv, every bar of the ticker
    minute|second/<ticker>/<yyyymmdd>_trade|_quote.zip  the day's bars
    tick/<ticker>/<yyyymmdd>_trade|_quote.zip           the day's trades or quotes
    factor_files/<ticker>.csv                           date, price factor, split factor, price
    map_files/<ticker>.csv                              date, ticker, exchange

Times are New York's and begin the bar. Prices are stored as traded; the factor files become
corporate actions and the map files a ticker history. Each resolution is a dataset of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from basics.errors import MissingDataError
from basics.identifiers import content_hash
from infra.sources.lean.bars import (
    FIELDS,
    QUOTE_BAR_FIELDS,
    daily_bars,
    hour_bars,
    quote_bars,
    trade_bars,
)
from infra.sources.lean.reference import factors, names
from infra.sources.lean.ticks import quotes, trades
from market.actions import action_table
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, Dataset, Partition
from market.reference import TickerHistory
from market.ticks import QUOTE_FIELDS, TRADE_FIELDS

BARS, ACTIONS = "lean_daily", "lean_daily_actions"
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of file, and the dataset that all of them make.

    Attributes
    ----------
    by_day : bool
        Whether a file holds one day, so that the days are read one after the other.
    """

    pattern: str
    read: Callable[[Path], pl.DataFrame]
    fields: tuple[str, ...]
    frequency: str
    partition: Partition
    by_day: bool = True
    sequence: str | None = None


KINDS: Mapping[str, _Kind] = {
    BARS: _Kind("daily/*.zip", daily_bars, FIELDS, "1d", Partition.YEAR, by_day=False),
    "lean_hour": _Kind("hour/*.zip", hour_bars, FIELDS, "1h", Partition.YEAR, by_day=False),
    "lean_minute": _Kind(
        "minute/*/*_trade.zip", partial(trade_bars, length=MINUTE), FIELDS, "1m", Partition.MONTH
    ),
    "lean_minute_quotes": _Kind(
        "minute/*/*_quote.zip",
        partial(quote_bars, length=MINUTE),
        QUOTE_BAR_FIELDS,
        "1m",
        Partition.MONTH,
    ),
    "lean_second": _Kind(
        "second/*/*_trade.zip", partial(trade_bars, length=SECOND), FIELDS, "1s", Partition.DAY
    ),
    "lean_second_quotes": _Kind(
        "second/*/*_quote.zip",
        partial(quote_bars, length=SECOND),
        QUOTE_BAR_FIELDS,
        "1s",
        Partition.DAY,
    ),
    "lean_trades": _Kind(
        "tick/*/*_trade.zip", trades, TRADE_FIELDS, "tick", Partition.DAY, sequence="sequence"
    ),
    "lean_quotes": _Kind(
        "tick/*/*_quote.zip", quotes, QUOTE_FIELDS, "tick", Partition.DAY, sequence="sequence"
    ),
}


@dataclass(frozen=True, slots=True)
class LeanSource:
    """Bars, quotes, trades and actions of one market in a Lean data folder.

    Attributes
    ----------
    folder : Path
        The folder that holds `equity`.
    """

    folder: Path
    name: str = "lean"

    def datasets(self) -> tuple[Dataset, ...]:
        """Describe what the folder holds.

        Raises
        ------
        MissingDataError
            If it holds none of the files above.
        """
        found = [self._describe(name) for name in KINDS if self._files(name)]
        if self._factor_files():
            fields = ("split", "dividend")
            found.insert(
                1 if found and found[0].name == BARS else 0,
                Dataset(name=ACTIONS, fields=fields, calendar=None, partition=Partition.DECADE,
                        source=str(self.folder)),
            )  # fmt: skip
        if not found:
            patterns = ", ".join(kind.pattern for kind in KINDS.values())
            raise MissingDataError(f"{self._root} holds none of {patterns}")
        return tuple(found)

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the names, sizes and times of the files that the dataset reads."""
        files = self._factor_files() if dataset == ACTIONS else self._files(dataset)
        stats = [
            (str(path.relative_to(self._root)), path.stat().st_size, path.stat().st_mtime_ns)
            for path in files
        ]
        return content_hash(dataset, stats)

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows: daily and hourly bars and actions at once, the others day by day."""
        if dataset == ACTIONS:
            found = [a for path in self._factor_files() for a in factors(path, self._closes(path))]
            yield action_table(found).with_columns(pl.col(KNOWLEDGE_TIME).alias(EVENT_TIME))
            return
        kind, files = KINDS[dataset], self._files(dataset)
        batches: dict[str, list[Path]] = {}
        for path in files:
            batches.setdefault(path.name[:8] if kind.by_day else "", []).append(path)
        for batch in sorted(batches):
            yield pl.concat([kind.read(path) for path in batches[batch]])

    def tickers(self) -> TickerHistory:
        """Return the ticker history of the map files, by the file's name as instrument."""
        paths = sorted((self._root / "map_files").glob("*.csv"))
        return TickerHistory(tuple(span for path in paths for span in names(path)))

    def _describe(self, name: str) -> Dataset:
        kind = KINDS[name]
        return Dataset(
            name=name,
            fields=kind.fields,
            frequency=kind.frequency,
            partition=kind.partition,
            sequence=kind.sequence,
            source=str(self.folder),
        )

    def _closes(self, factor_file: Path) -> Callable[[date], float | None]:
        """Return the closes of the daily file beside a factor file, by day; read when asked."""

        def close(day: date) -> float | None:
            path = self._root / "daily" / f"{factor_file.stem}.zip"
            found = daily_bars(path).filter(pl.col(SESSION) == day) if path.exists() else None
            return None if found is None or found.is_empty() else float(found["close"][0])

        return close

    @property
    def _root(self) -> Path:
        return self.folder / "equity" / "usa"

    def _files(self, dataset: str) -> list[Path]:
        return sorted(self._root.glob(KINDS[dataset].pattern))

    def _factor_files(self) -> list[Path]:
        return sorted((self._root / "factor_files").glob("*.csv"))
