"""Real data that ships inside well-kept packages, read from their files without a network.

`skfolio` brings 20 stocks, the index and factor ETFs; `bokeh_sampledata` five stocks with whole
bars; `arch` index bars and macro series. The packages are located, not imported: their files are
all that is needed. No package has the volume of the 20 stocks: all of their bars but the close
is SIMULATED (`market.simulated.bars`) and marked so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from basics.errors import MissingDataError
from basics.identifiers import content_hash, file_sha256
from market.actions import infer_actions
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset, Partition
from market.simulated.bars import Ohlcv, calibrate, simulate

OHLC = ("open", "high", "low", "close")
OHLCV = (*OHLC, "volume")
SIMULATION_VERSION = 1  # Raised when the simulation changes what the same seed draws.
ADV_SHARES = 1e7  # Assumed typical volume of each of the 20 stocks; no package has the real one.
VENDOR_LAG = timedelta(minutes=15)  # After the close, as end-of-day vendors publish.

FILES = {
    "stocks": ("skfolio", "datasets/data/sp500_dataset.csv.gz"),
    "index": ("skfolio", "datasets/data/sp500_index.csv.gz"),
    "factors": ("skfolio", "datasets/data/factors_dataset.csv.gz"),
    "bars": ("bokeh_sampledata", "_data/stocks.csv.gz"),
    "sp500": ("arch", "data/sp500/sp500.csv.gz"),
    "nasdaq": ("arch", "data/nasdaq/nasdaq.csv.gz"),
    "vix": ("arch", "data/vix/vix.csv.gz"),
    "wti": ("arch", "data/wti/wti.csv.gz"),
    "yields": ("arch", "data/default/default.csv.gz"),
}


@dataclass(frozen=True, slots=True)
class MacroSeries:
    """How one macro series reads.

    Attributes
    ----------
    lag : timedelta
        From the end of the period to its publication: an assumption about the publisher.
    monthly : bool
        Whether a value is a month's mean, stamped on the month's first day in the file and on
        its last session here: nobody knew it before.
    scale : float
        From the file's unit to ours: per cent become fractions.
    """

    symbol: str
    file: str
    column: str
    lag: timedelta
    monthly: bool = False
    scale: float = 1.0


MACRO = (
    MacroSeries("VIX", "vix", "vix", VENDOR_LAG),
    MacroSeries("WTI", "wti", "DCOILWTICO", timedelta(days=8)),
    MacroSeries("AAA", "yields", "AAA", timedelta(days=5), monthly=True, scale=0.01),
    MacroSeries("BAA", "yields", "BAA", timedelta(days=5), monthly=True, scale=0.01),
)

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="equities",
            fields=OHLCV,
            simulated=frozenset(OHLCV) - {"close"},
            source="skfolio sp500_dataset",
            notes="Closes are real and adjusted; open, high, low and volume are simulated. The 20 "
            "stocks are survivors: they were chosen after the fact.",
        ),
        Dataset(
            name="equities_ohlcv",
            fields=(*OHLCV, "adj_close"),
            source="bokeh_sampledata stocks",
            notes="Prices and volume as traded; adj_close is adjusted for splits and dividends.",
        ),
        Dataset(
            name="equities_ohlcv_actions",
            fields=("split", "dividend"),
            calendar=None,
            partition=Partition.DECADE,
            source="bokeh_sampledata stocks",
            notes="Read out of the ratio of adjusted to traded closes; known on the ex-date.",
        ),
        Dataset(
            name="indices",
            fields=OHLCV,
            source="skfolio sp500_index, arch sp500 and nasdaq",
            notes="SPX has closes from 1990 to 2022 and whole bars from 1999 to 2018.",
        ),
        Dataset(
            name="factor_etfs",
            fields=("close",),
            source="skfolio factors_dataset",
            notes="Adjusted closes.",
        ),
        Dataset(
            name="macro",
            fields=("value",),
            calendar=None,  # Some series have values on days that are no session.
            partition=Partition.DECADE,
            source="arch vix, wti and default",
            notes="VIX in points, WTI in dollars a barrel, AAA and BAA yields as fractions a year, "
            "monthly means stamped on the month's last session.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class SampleSource:
    """The sample datasets; `seed` draws what is simulated."""

    seed: int
    name: str = field(default="sample", init=False)

    def datasets(self) -> tuple[Dataset, ...]:
        """Describe the sample datasets."""
        return tuple(DATASETS.values())

    def fingerprint(self, dataset: str) -> str:
        """Return a hash of the packages' files and of what shapes the simulation."""
        files = [_path(key) for key in USES[dataset]]
        drawn = [self.seed, SIMULATION_VERSION, ADV_SHARES] if DATASETS[dataset].simulated else []
        return content_hash(dataset, [file_sha256(path) for path in files], drawn)

    def read(self, dataset: str) -> Iterator[pl.DataFrame]:
        """Yield the dataset's rows, in one batch."""
        yield DATASETS[dataset].conform(READERS[dataset](self.seed))


def _equities(seed: int) -> pl.DataFrame:
    wide = pl.read_csv(_path("stocks"))
    symbols = sorted(wide.columns[1:])
    sessions = wide["Date"].str.to_date("%Y-%m-%d")
    close = np.ascontiguousarray(wide.select(symbols).to_numpy().T)
    shape = calibrate(_adjusted_bars())
    drawn = simulate(close, shape, np.random.default_rng(seed), adv_shares=ADV_SHARES)
    fields = {
        "open": drawn.open,
        "high": drawn.high,
        "low": drawn.low,
        "close": close,
        "volume": drawn.volume,
    }
    labels = {
        SYMBOL: np.repeat(symbols, len(sessions)),
        SESSION: np.tile(sessions.to_numpy(), len(symbols)),
    }
    rows = pl.DataFrame(labels | {name: values.ravel() for name, values in fields.items()})
    return _at_close(rows)


def _equities_ohlcv(seed: int) -> pl.DataFrame:
    del seed
    return _at_close(
        _bars_file("bars").select(
            pl.col("Ticker").alias(SYMBOL), SESSION, *OHLCV, pl.col("Adj Close").alias("adj_close")
        )
    )


def _actions(seed: int) -> pl.DataFrame:
    found = infer_actions(_equities_ohlcv(seed))
    return found.with_columns(pl.col(KNOWLEDGE_TIME).alias(EVENT_TIME))


def _indices(seed: int) -> pl.DataFrame:
    del seed
    long = pl.read_csv(_path("index")).select(
        pl.col("Date").str.to_date("%Y-%m-%d").alias(SESSION), pl.col("SP500").alias("close")
    )
    bars = _bars_file("sp500").select(SESSION, *OHLC[:3], "volume", exact=pl.col("close"))
    # The long series is rounded to cents; where a whole bar stands, its own close belongs to it.
    close = pl.coalesce("exact", "close").alias("close")
    spx = long.join(bars, on=SESSION, how="left", maintain_order="left").with_columns(close)
    spx = spx.select(pl.lit("SPX").alias(SYMBOL), SESSION, *OHLCV)
    nasdaq = _bars_file("nasdaq").select(pl.lit("IXIC").alias(SYMBOL), SESSION, *OHLCV)
    return _at_close(pl.concat([spx, nasdaq], how="vertical_relaxed"))


def _factor_etfs(seed: int) -> pl.DataFrame:
    del seed
    wide = pl.read_csv(_path("factors"))
    long = wide.unpivot(index="Date", variable_name=SYMBOL, value_name="close")
    return _at_close(long.with_columns(pl.col("Date").str.to_date("%Y-%m-%d").alias(SESSION)))


def _macro(seed: int) -> pl.DataFrame:
    del seed
    return pl.concat([_macro_series(series) for series in MACRO])


def _macro_series(series: MacroSeries) -> pl.DataFrame:
    """Read one series; a dot stands for a holiday in the file."""
    raw = pl.read_csv(_path(series.file), infer_schema=False, null_values=["."])
    rows = raw.select(
        pl.lit(series.symbol).alias(SYMBOL),
        pl.col("Date").str.to_date("%m/%d/%Y").alias(SESSION),
        (pl.col(series.column).cast(pl.Float64) * series.scale).round(8).alias("value"),
    ).drop_nulls()
    if series.monthly:
        rows = _on_last_session(rows)
    stamped = _at_close(rows, lag=series.lag)
    return stamped.select(SYMBOL, SESSION, EVENT_TIME, KNOWLEDGE_TIME, "value")


def _on_last_session(rows: pl.DataFrame) -> pl.DataFrame:
    """Move each month's value from the month's first day to its last session, or last day."""
    month = pl.col(SESSION).dt.truncate("1mo")
    ends = (
        exchange_calendar("XNYS")
        .table.group_by(month.alias("month"))
        .agg(pl.col(SESSION).max().alias("end"))
    )
    moved = rows.with_columns(month.alias("month")).join(
        ends, on="month", how="left", maintain_order="left"
    )
    # The calendar begins in 1960; before it the month's last day stands for the session.
    return moved.with_columns(pl.coalesce("end", pl.col(SESSION).dt.month_end()).alias(SESSION))


def _at_close(rows: pl.DataFrame, lag: timedelta = VENDOR_LAG) -> pl.DataFrame:
    """Stamp each row with its session's close, and with when the source published it."""
    timed = exchange_calendar("XNYS").with_times(rows)
    # On days that are no session of the exchange (some macro series) 21:00 UTC stands in.
    stand_in = pl.col(SESSION).cast(pl.Datetime("us")).dt.offset_by("21h")
    event = pl.coalesce("close_time", stand_in.dt.replace_time_zone("UTC"))
    return timed.with_columns(event.alias(EVENT_TIME), (event + lag).alias(KNOWLEDGE_TIME))


def _adjusted_bars() -> list[Ohlcv]:
    """Return the five real stocks, prices adjusted for splits and dividends."""
    bars = _bars_file("bars")
    factor = pl.col("Adj Close") / pl.col("close")
    adjusted = bars.with_columns(pl.col(name) * factor for name in OHLC)
    return [
        Ohlcv(*(stock[name].to_numpy() for name in OHLCV))
        for stock in adjusted.partition_by("Ticker", maintain_order=True)
    ]


def _bars_file(key: str) -> pl.DataFrame:
    """Read a file of bars; dates are ISO, or month first."""
    raw = pl.read_csv(_path(key))
    iso = "%Y-%m-%d" if "-" in raw["Date"][0] else "%m/%d/%Y"
    return raw.with_columns(
        pl.col("Date").str.to_date(iso).alias(SESSION),
        *(pl.col(name.capitalize()).cast(pl.Float64).alias(name) for name in OHLCV),
    )


def _path(key: str) -> Path:
    """Return the path of a packaged file, without importing the package."""
    package, inside = FILES[key]
    spec = find_spec(package)
    path = Path(spec.origin).parent / inside if spec and spec.origin else None
    if path is None or not path.is_file():
        raise MissingDataError(f"package {package} does not bring {inside}: run `make setup`")
    return path


USES: dict[str, tuple[str, ...]] = {
    "equities": ("stocks", "bars"),
    "equities_ohlcv": ("bars",),
    "equities_ohlcv_actions": ("bars",),
    "indices": ("index", "sp500", "nasdaq"),
    "factor_etfs": ("factors",),
    "macro": ("vix", "wti", "yields"),
}
READERS: dict[str, Callable[[int], pl.DataFrame]] = {
    "equities": _equities,
    "equities_ohlcv": _equities_ohlcv,
    "equities_ohlcv_actions": _actions,
    "indices": _indices,
    "factor_etfs": _factor_etfs,
    "macro": _macro,
}
