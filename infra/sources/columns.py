"""From a user's columns to the rows of a dataset: names, layouts, dates, numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from basics.errors import InvalidInputError
from infra.sources.text import LINE
from infra.sources.tick_columns import (
    KNOWN_WORDS,
    RATE_NAMES,
    SEQUENCE,
    TICK_NAMES,
    Kind,
    epoch_moments,
)
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, UTC_MICROSECONDS

TIME = "time"
BASE_CURRENCY = "USD"  # A rate is units of it for one of the row's currency.
REASON = "_reason"
# What users call the columns, lower case, spaces and underscores alike.
ALIASES: dict[str, tuple[str, ...]] = {
    SYMBOL: ("symbol", "ticker", "instrument", "code", "sym"),
    TIME: ("date", "session", "datetime", "timestamp", "time", "day", "unnamed: 0"),
    "open": ("open", "o", "open price"),
    "high": ("high", "h", "high price"),
    "low": ("low", "l", "low price"),
    "close": ("close", "c", "close price", "price", "last"),
    "adj_close": ("adj close", "adjclose", "adjusted close"),
    "volume": ("volume", "v", "vol"),
    "value": ("value",),
}
PRICE_FIELDS = tuple(name for name in ALIASES if name not in (SYMBOL, TIME))
TIME_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d",
    "%m/%d/%Y",
)
CURRENCY = r"^[A-Z]{3}$"  # ISO 4217.
MIDNIGHT = r"^\d{4}-\d{2}-\d{2}[T ]00:00(:00(\.0+)?)?(Z|[+-]\d{2}:?\d{2})?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a user's table is to be read.

    Attributes
    ----------
    mapping : mapping of str to str
        Our name of a column (`close`, `symbol`, `time`, or a new field) to the user's.
    symbol : str or None
        The symbol of every row, where no column has it.
    field : str
        What the numbers of a wide table are.
    time_format : str or None
        strptime format of the time column, or epoch_s, epoch_ms, epoch_us, epoch_ns; None tries
        the common formats.
    timezone : str or None
        IANA zone of times of day that state none; without it they are refused.
    calendar : str or None
        Exchange whose closes stamp daily bars; None stamps the day's end in UTC.
    lag : timedelta
        From the event to when it was known.
    kind : Kind
        What a row is: a bar, a quote, a trade, a change of a book's level, or an exchange rate.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    symbol: str | None = None
    field: str = "close"
    time_format: str | None = None
    timezone: str | None = None
    calendar: str | None = None
    lag: timedelta = timedelta(0)
    kind: Kind = Kind.BARS

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """What users call the columns of this kind of row."""
        if self.kind is Kind.BARS:
            return ALIASES
        if self.kind is Kind.RATES:
            return {TIME: ALIASES[TIME]} | dict(RATE_NAMES)
        return {name: ALIASES[name] for name in (SYMBOL, TIME)} | dict(TICK_NAMES[self.kind])


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table keeps what we need.

    Attributes
    ----------
    fields : mapping of str to str
        Our field names to the user's columns; for a wide table, symbols to columns.
    ignored : tuple of str
        Columns that nothing maps to.
    """

    time: str
    symbol: str | None
    fields: Mapping[str, str]
    wide: bool
    ignored: tuple[str, ...]


def recognise(columns: Sequence[str], reading: Reading, *, file: str) -> Layout:
    """Find out which column is what, and whether the table is long or wide.

    Raises
    ------
    InvalidInputError
        If a mapped column does not exist, or no time column is found.
    """
    if absent := [name for name in reading.mapping.values() if name not in columns]:
        raise InvalidInputError(
            f"{file} has no column {', '.join(map(repr, absent))}: it has {', '.join(columns)}"
        )
    taken = set(reading.mapping.values())
    found = dict(reading.mapping)
    for ours, names in reading.names.items():
        if ours not in found:
            match = next((c for c in columns if c not in taken and _plain(c) in names), None)
            if match is not None:
                found[ours] = match
                taken.add(match)
    if TIME not in found:
        raise InvalidInputError(
            f"{file} has no column for the date (it has {', '.join(columns)}): "
            '--map time="Your Column"'
        )
    fields = {ours: theirs for ours, theirs in found.items() if ours not in (SYMBOL, TIME)}
    others = tuple(c for c in columns if c not in found.values())
    _check_needed(fields, columns, reading, file=file)
    if fields:
        return Layout(found[TIME], found.get(SYMBOL), fields, wide=False, ignored=others)
    if SYMBOL in found or not others:
        raise InvalidInputError(
            f'{file} has no column for a price (it has {", ".join(columns)}): --map close="..."'
        )
    return Layout(found[TIME], None, {name: name for name in others}, wide=True, ignored=())


def _check_needed(
    fields: Mapping[str, str], columns: Sequence[str], reading: Reading, *, file: str
) -> None:
    if absent := [name for name in reading.kind.needed if name not in fields]:
        raise InvalidInputError(
            f"{file} has no {', '.join(absent)} (it has {', '.join(columns)}): "
            f'--map {absent[0]}="Your Column"'
        )


def to_rows(table: pl.DataFrame, layout: Layout, reading: Reading, *, symbol: str) -> pl.DataFrame:
    """Return the table as long rows: symbol, session, times, fields, `_line` and `_reason`.

    A value that is no number, or a time that is none, leaves the reason in `_reason`; all rows
    come back, in the order of the file.

    Raises
    ------
    InvalidInputError
        If times of day have no time zone and none is given.
    """
    fields = layout.fields
    if layout.wide:
        table = table.select(LINE, layout.time, *fields).unpivot(
            index=[LINE, layout.time], variable_name=SYMBOL, value_name=reading.field
        )
        table = table.filter(pl.col(reading.field).is_not_null()).sort(LINE, maintain_order=True)
        fields, symbols = {reading.field: reading.field}, pl.col(SYMBOL)
    else:
        own = pl.lit(reading.symbol or symbol)
        symbols = pl.col(layout.symbol).str.strip_chars() if layout.symbol else own
    numbers = [_number(table, ours, theirs) for ours, theirs in fields.items()]
    moments = _moment(table[layout.time].cast(pl.String), reading)
    rows = table.select(
        pl.col(LINE),
        symbols.alias(SYMBOL),
        pl.col(layout.time).cast(pl.String).alias("_time"),
        *(pl.col(theirs).cast(pl.String).alias(f"_{ours}") for ours, theirs in fields.items()),
    ).with_columns(*moments, *numbers)
    if reading.kind in TICK_NAMES and SEQUENCE not in fields:
        rows = rows.with_columns(pl.col(LINE).alias(SEQUENCE))  # Ticks come in the file's order.
    return _stamp(
        rows.with_columns(_reason(list(fields), reading.kind).alias(REASON)), reading
    ).drop("_time", "_day", "_moment", *(f"_{ours}" for ours in fields))


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _number(table: pl.DataFrame, ours: str, theirs: str) -> pl.Series:
    """Parse numbers as they are commonly written; thousands may be grouped by commas."""
    column = table[theirs]
    if column.dtype != pl.String:
        return column.cast(pl.Float64).alias(ours)
    text = column.str.strip_chars()
    if words := KNOWN_WORDS.get(ours):
        text = text.str.to_lowercase().replace(words)
    grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
    plain = pl.select(pl.when(grouped).then(text.str.replace_all(",", "")).otherwise(text))
    return plain.to_series().cast(pl.Float64, strict=False).alias(ours)


def _moment(text: pl.Series, reading: Reading) -> list[pl.Series]:
    """Return `_day` (for daily rows) and `_moment` (UTC, for rows with a time of day)."""
    stripped = text.str.strip_chars()
    if reading.time_format is not None and reading.time_format.startswith("epoch"):
        moments = epoch_moments(stripped, reading.time_format).alias("_moment")
        return [pl.Series("_day", [None] * len(text), dtype=pl.Date), moments]
    if stripped.drop_nulls().str.contains(MIDNIGHT).all():
        stripped = stripped.str.head(10)  # A daily file whose dates are written as midnight.
    days = pl.Series("_day", [None] * len(text), dtype=pl.Date)
    moments = pl.Series("_moment", [None] * len(text), dtype=UTC_MICROSECONDS)
    for pattern in (reading.time_format,) if reading.time_format else TIME_FORMATS:
        if "%H" not in pattern:
            days = days.fill_null(stripped.str.to_date(pattern, strict=False))
        else:
            moments = moments.fill_null(_in_utc(stripped, pattern, reading))
    return [days, moments]


def _in_utc(text: pl.Series, pattern: str, reading: Reading) -> pl.Series:
    """Parse times of day; those that state no zone are in the user's."""
    if pattern.endswith("%:z"):
        zoned = text.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        return zoned.cast(UTC_MICROSECONDS)
    parsed = text.str.to_datetime(pattern, strict=False, time_unit="us")
    if pattern.endswith("Z"):
        return parsed.dt.replace_time_zone("UTC")
    if reading.timezone is None and parsed.drop_nulls().len():
        raise InvalidInputError(
            f"times such as {parsed.drop_nulls()[0]} state no time zone: give --timezone, "
            "for example America/New_York"
        )
    # In the hour that autumn doubles the earlier one counts; the one spring skips is no time.
    local = parsed.dt.replace_time_zone(
        reading.timezone or "UTC", ambiguous="earliest", non_existent="null"
    )
    return local.dt.convert_time_zone("UTC")


def _reason(fields: list[str], kind: Kind) -> pl.Expr:
    """Say what could not be read in each row; null when all could."""
    empty = pl.col(SYMBOL).is_null() | (pl.col(SYMBOL) == "")
    lost = pl.col("_day").is_null() & pl.col("_moment").is_null()
    faults = [
        pl.when(empty).then(pl.lit("no symbol")),
        pl.when(lost).then(pl.format("'{}' is no date", pl.col("_time").fill_null(""))),
    ]
    faults += [
        pl.when(pl.col(name).is_null() & pl.col(f"_{name}").is_not_null()).then(
            pl.format(f"{name} '{{}}' is no number", f"_{name}")
        )
        for name in fields
    ]
    if kind is Kind.RATES:
        code = pl.col(SYMBOL).str.contains(CURRENCY) & (pl.col(SYMBOL) != BASE_CURRENCY)
        said = "'{}' is no currency to convert: a code such as EUR, of another than the base USD"
        faults.append(pl.when(code.not_() & empty.not_()).then(pl.format(said, SYMBOL)))
    joined = pl.concat_str(faults, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def _stamp(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Add session, event time and knowledge time."""
    zone = reading.timezone or "UTC"
    local = pl.col("_moment").dt.convert_time_zone(zone).dt.date()
    rows = rows.with_columns(pl.coalesce("_day", local).alias(SESSION))
    day_end = pl.col(SESSION).cast(pl.Datetime("us")).dt.offset_by("1d").dt.replace_time_zone("UTC")
    close = pl.lit(None, dtype=UTC_MICROSECONDS)
    if reading.calendar is not None:
        rows = exchange_calendar(reading.calendar).with_times(rows)
        close = pl.col("close_time")
    event = pl.coalesce("_moment", close, day_end)
    stamped = rows.with_columns(
        event.alias(EVENT_TIME), (event + reading.lag).alias(KNOWLEDGE_TIME)
    )
    return stamped.drop("open_time", "close_time", strict=False)
