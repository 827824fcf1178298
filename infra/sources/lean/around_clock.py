"""Crypto and forex in a Lean data folder: markets around the clock, prices as they are.

Layout, as Lean documents it, under `crypto/<market>` and `forex/<market>`:

    daily|hour/<symbol>[_trade|_quote].zip                   every bar of the symbol
    minute|second/<symbol>/<yyyymmdd>_trade|_quote.zip       the day's bars
    tick/<symbol>/<yyyymmdd>_trade|_quote.zip                the day's trades or quotes

Prices are not scaled, unlike those of equities. Times begin the bar and are UTC, those of FXCM five
hours behind it the whole year. Forex has quotes alone; its hourly and daily files say no kind. A
day is a session; no exchange calendar applies. Each market and resolution is a dataset of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import polars as pl

from basics.identifiers import content_hash
from infra.sources.lean.bars import FIELDS, QUOTE_BAR_FIELDS, SIDES
from infra.sources.lean.files import count, day_of, moments, zipped_rows
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset, Partition
from market.ticks import QUOTE_FIELDS, TRADE_FIELDS

ASSETS = ("crypto", "forex")
ZONES: Mapping[str, str] = {"fxcm": "Etc/GMT+5"}  # The name counts westwards: UTC-05.
LENGTHS: Mapping[str, timedelta] = {
    "daily": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
FREQUENCY = {"daily": "1d", "hour": "1h", "minute": "1m", "second": "1s", "tick": "tick"}
PARTITIONS = {
    "daily": Partition.YEAR,
    "hour": Partition.YEAR,
    "minute": Partition.MONTH,
    "second": Partition.DAY,
    "tick": Partition.DAY,
}


@dataclass(frozen=True, slots=True)
class _Files:
    """The files that make one dataset."""

    paths: tuple[Path, ...]
    resolution: str
    quotes: bool

    @property
    def by_day(self) -> bool:
        return self.resolution not in {"daily", "hour"}


@dataclass(frozen=True, slots=True)
class AroundClockSource:
    """Bars and ticks of one market, such as crypto on Coinbase or forex at Oanda.

    Attributes
    ----------
    folder : Path
        The market's folder, for example `crypto/coinbase`.
    """

    folder: Path
    name: str = "lean"

    def datasets(self) -> tuple[Dataset, ...]:
        """Describe what the folder holds; empty if nothing."""
        return tuple(self._describe(name, files) for name, files in self._found().items())

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the names, sizes and times of the files that the dataset reads."""
        stats = [
            (str(path.relative_to(self.folder)), path.stat().st_size, path.stat().st_mtime_ns)
            for path in self._found()[dataset].paths
        ]
        return content_hash(dataset, stats)

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the rows: daily and hourly bars at once, the others day by day."""
        files = self._found()[dataset]
        reader = self._reader(files)
        batches: dict[str, list[Path]] = {}
        for path in files.paths:
            batches.setdefault(path.name[:8] if files.by_day else "", []).append(path)
        for batch in sorted(batches):
            yield pl.concat([reader(path) for path in batches[batch]])

    def _reader(self, files: _Files) -> Callable[[Path], pl.DataFrame]:
        zone = ZONES.get(self.folder.name, "UTC")
        if files.resolution == "tick":
            return partial(_tick_rows, zone=zone, quotes=files.quotes)
        length = LENGTHS[files.resolution]
        shape = _within_day if files.by_day else _whole
        return partial(shape, zone=zone, length=length, quotes=files.quotes)

    def _found(self) -> dict[str, _Files]:
        """Return the files of each dataset, by its name."""
        asset, found = self.folder.parent.name, {}
        for resolution in FREQUENCY:
            deep = "*/*.zip" if resolution not in {"daily", "hour"} else "*.zip"
            paths = sorted((self.folder / resolution).glob(deep))
            for quotes in (False, True):
                own = tuple(p for p in paths if _is_quote(p, asset) is quotes)
                if own:
                    name = f"lean_{asset}_{self.folder.name}_{resolution}"
                    found[f"{name}_quotes" if quotes else name] = _Files(own, resolution, quotes)
        return found

    def _describe(self, name: str, files: _Files) -> Dataset:
        tick = files.resolution == "tick"
        fields = FIELDS if not files.quotes else QUOTE_BAR_FIELDS
        if tick:
            fields = QUOTE_FIELDS if files.quotes else TRADE_FIELDS
        return Dataset(
            name=name,
            fields=fields,
            frequency=FREQUENCY[files.resolution],
            calendar=None,
            partition=PARTITIONS[files.resolution],
            sequence="sequence" if tick else None,
            source=str(self.folder),
        )


def around_clock(folder: Path) -> tuple[AroundClockSource, ...]:
    """Return the crypto and forex markets of a Lean data folder that hold files."""
    markets = [path for asset in ASSETS for path in sorted((folder / asset).glob("*"))]
    sources = [AroundClockSource(path) for path in markets if path.is_dir()]
    return tuple(source for source in sources if source.datasets())


def _is_quote(path: Path, asset: str) -> bool:
    kind = path.stem.rsplit("_", 1)[-1]
    return kind == "quote" or (asset == "forex" and kind != "trade")


def _price(place: int) -> pl.Expr:
    return pl.col(f"column_{place}").cast(pl.Float64)


def _values(*, quotes: bool) -> list[pl.Expr]:
    """Return the prices of a bar; a side without a quote is null."""
    if not quotes:
        prices = [_price(place).alias(name) for place, name in enumerate(FIELDS[:4], start=1)]
        return [*prices, count(5).alias("volume")]
    values = []
    for first, side in zip((1, 6), SIDES, strict=True):
        values += [
            pl.when(_price(first + place) > 0).then(_price(first + place)).alias(f"{side}_{name}")
            for place, name in enumerate(FIELDS[:4])
        ]
        values.append(count(first + 4).alias(f"{side}_size"))
    return values


def _whole(path: Path, *, zone: str, length: timedelta, quotes: bool) -> pl.DataFrame:
    """Return every bar of one symbol; each is known when it is over."""
    rows = zipped_rows(path, 11 if quotes else 6)
    start = pl.col("column_0").str.to_datetime("%Y%m%d %H:%M", time_unit="us")
    end = start.dt.replace_time_zone(zone).dt.convert_time_zone("UTC") + length
    symbol = path.stem.removesuffix("_trade").removesuffix("_quote").upper()
    return _stamped(rows, symbol, start.dt.date(), end, _values(quotes=quotes))


def _within_day(path: Path, *, zone: str, length: timedelta, quotes: bool) -> pl.DataFrame:
    """Return the bars of one symbol and day; each is known when it is over."""
    rows, day = zipped_rows(path, 11 if quotes else 6), day_of(path.name[:8], path)
    end = moments(day, pl.col("column_0"), zone=zone) + length
    return _stamped(rows, path.parent.name.upper(), pl.lit(day), end, _values(quotes=quotes))


def _tick_rows(path: Path, *, zone: str, quotes: bool) -> pl.DataFrame:
    """Return the trades, or the best bid and ask after each change, of one symbol and day."""
    rows = zipped_rows(path, 3).with_row_index("sequence")
    day = day_of(path.name[:8], path)
    values = [pl.col("sequence").cast(pl.Int64)]
    if not quotes:
        values += [_price(1).alias("price"), count(2).alias("size")]
        values.append(pl.lit(None, dtype=pl.Float64).alias("side"))  # Lean does not say who took.
    elif "column_4" in rows.columns:
        values += [_price(1).alias("bid"), _price(3).alias("ask")]
        values += [count(2).alias("bid_size"), count(4).alias("ask_size")]
    else:
        none = pl.lit(None, dtype=pl.Float64)
        values += [_price(1).alias("bid"), _price(2).alias("ask")]
        values += [none.alias("bid_size"), none.alias("ask_size")]
    at = moments(day, pl.col("column_0"), zone=zone)
    return _stamped(rows, path.parent.name.upper(), pl.lit(day), at, values)


def _stamped(
    rows: pl.DataFrame, symbol: str, day: pl.Expr, at: pl.Expr, values: list[pl.Expr]
) -> pl.DataFrame:
    return rows.select(
        pl.lit(symbol).alias(SYMBOL),
        day.alias(SESSION),
        at.alias(EVENT_TIME),
        at.alias(KNOWLEDGE_TIME),
        *values,
    )
