"""A QuantConnect Lean data folder: zipped CSV, prices in 1/10,000 dollars, factor and map files.

Layout, as Lean documents and writes it:

    equity/usa/daily/<ticker>.zip                       <ticker>.csv
    equity/usa/minute/<ticker>/<yyyymmdd>_trade.zip     one CSV
    equity/usa/factor_files/<ticker>.csv                date, price factor, split factor, price
    equity/usa/map_files/<ticker>.csv                   date, ticker, exchange

Daily rows start with `yyyymmdd hh:mm`, minute rows with milliseconds since midnight; times are
New York's and begin the bar. Prices are stored as traded; the factor files become corporate
actions and the map files a ticker history.
"""

import csv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path

import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from market.actions import CorporateAction, action_table
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset, Partition
from market.reference import TickerHistory, TickerSpan

SCALE = 10_000.0
ZONE = "America/New_York"
FIELDS = ("open", "high", "low", "close", "volume")
ROUNDING = 1e-6  # The files give seven digits.
OPEN_END = date(2049, 1, 1)  # Lean writes 20501231 where a name still runs.
BARS, ACTIONS, MINUTES = "lean_daily", "lean_daily_actions", "lean_minute"


@dataclass(frozen=True, slots=True)
class LeanSource:
    """Bars and actions of one market in a Lean data folder.

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
            If it holds neither daily nor minute bars.
        """
        found = []
        if self._daily():
            found.append(Dataset(name=BARS, fields=FIELDS, source=str(self.folder)))
        if self._factor_files():
            fields = ("split", "dividend")
            found.append(
                Dataset(name=ACTIONS, fields=fields, calendar=None, partition=Partition.DECADE,
                        source=str(self.folder))
            )  # fmt: skip
        if self._minute():
            found.append(
                Dataset(name=MINUTES, fields=FIELDS, frequency="1m", partition=Partition.MONTH,
                        source=str(self.folder))
            )  # fmt: skip
        if not found:
            raise MissingDataError(f"{self._root} holds no daily/*.zip and no minute/*/*_trade.zip")
        return tuple(found)

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the names, sizes and times of the files that the dataset reads."""
        files = {BARS: self._daily, ACTIONS: self._factor_files, MINUTES: self._minute}[dataset]()
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return content_hash(dataset, stats)

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows: all daily bars or actions at once, minute bars a session at a time."""
        if dataset == BARS:
            yield pl.concat([_daily_bars(path) for path in self._daily()])
        elif dataset == ACTIONS:
            found = [a for path in self._factor_files() for a in factors(path, self._closes(path))]
            yield _as_rows(action_table(found))
        else:
            by_day: dict[str, list[Path]] = {}
            for path in self._minute():
                by_day.setdefault(path.name[:8], []).append(path)
            for day in sorted(by_day):
                yield pl.concat([_minute_bars(path) for path in by_day[day]])

    def tickers(self) -> TickerHistory:
        """Return the ticker history of the map files, by the file's name as instrument."""
        paths = sorted((self._root / "map_files").glob("*.csv"))
        return TickerHistory(tuple(span for path in paths for span in names(path)))

    def _closes(self, factor_file: Path) -> Callable[[date], float | None]:
        """Return the closes of the daily file beside a factor file, by day; read when asked."""

        def close(day: date) -> float | None:
            path = self._root / "daily" / f"{factor_file.stem}.zip"
            found = _daily_bars(path).filter(pl.col(SESSION) == day) if path.exists() else None
            return None if found is None or found.is_empty() else float(found["close"][0])

        return close

    @property
    def _root(self) -> Path:
        return self.folder / "equity" / "usa"

    def _daily(self) -> list[Path]:
        return sorted((self._root / "daily").glob("*.zip"))

    def _minute(self) -> list[Path]:
        return sorted((self._root / "minute").glob("*/*_trade.zip"))

    def _factor_files(self) -> list[Path]:
        return sorted((self._root / "factor_files").glob("*.csv"))


def factors(path: Path, closes: Callable[[date], float | None]) -> list[CorporateAction]:
    """Return the splits and dividends of a factor file.

    A row (date, price factor, split factor, close on that date in newer files) holds up to its
    date. From one row to the next the split factor changes by a split and the price factor by a
    dividend, on the session after the earlier row's date.

    Parameters
    ----------
    closes : callable
        Returns the close of a day, for files that do not carry it.

    Raises
    ------
    MissingDataError
        If a dividend's amount needs a close that neither the file nor `closes` has.
    """
    actions = []
    for before, after in pairwise(row for row in _csv(path) if not row[0].startswith("no_")):
        day = _day(before[0], path)
        session = _next_session(day)
        keep = float(before[1]) / float(after[1])
        split = float(after[2]) / float(before[2])
        if session is None or (abs(keep - 1) < ROUNDING and abs(split - 1) < ROUNDING):
            continue
        dividend = 0.0
        if abs(keep - 1) >= ROUNDING:
            close = float(before[3]) if len(before) > 3 else closes(day)
            if not close:
                raise MissingDataError(f"{path.name}: no close of {day} for the dividend after it")
            dividend = max(close * (1 - keep), 0.0)
        actions.append(
            CorporateAction(
                symbol=path.stem.upper(),
                session=session,
                split=round(split, 4),  # Factors have seven digits: 0.142857 / 0.0714286.
                dividend=dividend,
                known_at=datetime.combine(session, datetime.min.time(), UTC),
            )
        )
    return actions


def names(path: Path) -> list[TickerSpan]:
    """Return the spans of a map file: its first row is the first day, each other one an end."""
    rows = [(_day(row[0], path), row[1].upper()) for row in _csv(path)]
    starts = [rows[0][0], *(day + timedelta(days=1) for day, _ in rows[1:])] if rows else []
    return [
        TickerSpan(
            instrument=path.stem.upper(),
            symbol=symbol,
            first=first,
            last=None if last >= OPEN_END else last,
        )
        for first, (last, symbol) in zip(starts, rows[1:], strict=False)
    ]


def _daily_bars(path: Path) -> pl.DataFrame:
    rows = _zipped(path)
    day = pl.col("column_0").str.slice(0, 8).str.to_date("%Y%m%d").alias(SESSION)
    bars = rows.select(pl.lit(path.stem.upper()).alias(SYMBOL), day, *_values(path, rows))
    timed = exchange_calendar("XNYS").with_times(bars)
    return timed.with_columns(
        pl.col("close_time").alias(EVENT_TIME), pl.col("close_time").alias(KNOWLEDGE_TIME)
    ).filter(pl.col(EVENT_TIME).is_not_null())


def _minute_bars(path: Path) -> pl.DataFrame:
    rows = _zipped(path)
    day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    start = (
        pl.lit(day).cast(pl.Datetime("us"))
        + pl.duration(milliseconds=pl.col("column_0").cast(pl.Int64))
    ).dt.replace_time_zone(ZONE)
    # A bar is known when its minute is over.
    end = start.dt.convert_time_zone("UTC") + pl.duration(minutes=1)
    return rows.select(
        pl.lit(path.parent.name.upper()).alias(SYMBOL),
        pl.lit(day).alias(SESSION),
        end.alias(EVENT_TIME),
        end.alias(KNOWLEDGE_TIME),
        *_values(path, rows),
    )


def _values(path: Path, rows: pl.DataFrame) -> list[pl.Expr]:
    if rows.width < 6:
        raise InvalidInputError(f"{path.name}: {rows.width} columns, a Lean bar has 6")
    prices = [
        (pl.col(f"column_{place}").cast(pl.Float64) / SCALE).alias(name)
        for place, name in enumerate(FIELDS[:4], start=1)
    ]
    return [*prices, pl.col("column_5").cast(pl.Float64).alias("volume")]


def _zipped(path: Path) -> pl.DataFrame:
    """Return the rows of the one CSV in a zip file, as text."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
    except (zipfile.BadZipFile, IndexError) as error:
        raise InvalidInputError(f"{path.name} is no zip file with a CSV in it: {error}") from error
    return pl.read_csv(BytesIO(data), has_header=False, infer_schema=False)


def _as_rows(actions: pl.DataFrame) -> pl.DataFrame:
    return actions.with_columns(pl.col(KNOWLEDGE_TIME).alias(EVENT_TIME))


def _csv(path: Path) -> list[list[str]]:
    return [row for row in csv.reader(StringIO(path.read_text(encoding="utf-8"))) if row]


def _day(text: str, path: Path) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidInputError(f"{path.name}: {text!r} is no date (yyyymmdd)") from None


def _next_session(day: date) -> date | None:
    sessions = exchange_calendar("XNYS").table[SESSION]
    place = int(sessions.search_sorted(day, side="right"))
    return sessions[place] if place < len(sessions) else None
