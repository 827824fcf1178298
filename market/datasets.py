"""What a dataset is: its fields, how often it ticks, what in it is real and what simulated.

Every dataset is a table of long rows with two times. `event_time` is when the row happened;
`knowledge_time` is when it was known: a correction is a new row of the same key with a later
knowledge time, and nothing is ever overwritten.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from basics.errors import InvalidInputError

UTC_MICROSECONDS = pl.Datetime("us", "UTC")
SYMBOL, SESSION, EVENT_TIME, KNOWLEDGE_TIME = "symbol", "session", "event_time", "knowledge_time"
TIME_SCHEMA: dict[str, pl.DataType] = {
    SYMBOL: pl.String(),
    SESSION: pl.Date(),
    EVENT_TIME: UTC_MICROSECONDS,
    KNOWLEDGE_TIME: UTC_MICROSECONDS,
}


class Partition(StrEnum):
    """How much time one partition of the lake holds."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    DECADE = "decade"

    def key(self, session: pl.Expr) -> pl.Expr:
        """Return the partition's name for each session: 2012-03-01, 2012-03, 2012 or 2010s."""
        if self is Partition.DECADE:
            return pl.format("{}s", session.dt.year() // 10 * 10)
        pattern = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[self.value]
        return session.dt.strftime(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The description of a dataset, kept in the lake beside its rows.

    Attributes
    ----------
    fields : tuple of str
        Numeric columns (float64) next to the four that every row has.
    frequency : str
        Time between rows of one symbol: `1d`, `1m`, `1mo`, or `tick`.
    calendar : str or None
        ISO 10383 code of the exchange whose sessions the rows follow; None for none.
    partition : Partition
        How the lake splits the rows by session.
    simulated : frozenset of str
        Fields that are drawn from a seed, not observed.
    sequence : str or None
        Further key column (int64) where several rows share symbol and event time.
    source, notes : str
        Where it comes from; what a reader must know.
    """

    name: str
    fields: tuple[str, ...]
    frequency: str = "1d"
    calendar: str | None = "XNYS"
    partition: Partition = Partition.YEAR
    simulated: frozenset[str] = frozenset()
    sequence: str | None = None
    source: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        if not self.name.replace("_", "").replace("-", "").isalnum():
            raise InvalidInputError(
                f"a dataset's name holds letters, digits, - and _ only, got {self.name!r}"
            )
        taken = set(self.fields) & set(TIME_SCHEMA)
        if taken or not self.fields or len(set(self.fields)) != len(self.fields):
            raise InvalidInputError(
                f"{self.name}: fields must be distinct, not empty and not {', '.join(TIME_SCHEMA)}"
            )
        if unknown := self.simulated - set(self.fields):
            raise InvalidInputError(f"{self.name}: simulated names unknown fields {unknown}")

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that name a row; two rows of one key differ in knowledge time."""
        return (SYMBOL, EVENT_TIME) + ((self.sequence,) if self.sequence else ())

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns and types, in the order in which they are stored."""
        extra: dict[str, pl.DataType] = {self.sequence: pl.Int64()} if self.sequence else {}
        return TIME_SCHEMA | extra | {name: pl.Float64() for name in self.fields}

    def conform(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` with exactly the columns and types of the dataset, times in UTC.

        Raises
        ------
        InvalidInputError
            If a column is missing or cannot become the type, or times state no zone.
        """
        if missing := [name for name in self.schema if name not in rows.columns]:
            raise InvalidInputError(f"{self.name}: rows lack the columns {', '.join(missing)}")
        for name in (EVENT_TIME, KNOWLEDGE_TIME):
            kind = rows.schema[name]
            if isinstance(kind, pl.Datetime) and kind.time_zone is None:
                raise InvalidInputError(
                    f"{self.name}: {name} states no time zone: say which with "
                    "dt.replace_time_zone before it comes in"
                )
        try:
            return rows.select(pl.col(name).cast(kind) for name, kind in self.schema.items())
        except pl.exceptions.PolarsError as error:
            raise InvalidInputError(f"{self.name}: rows have the wrong type: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetState:
    """A dataset as it stands in the lake.

    Attributes
    ----------
    version : str
        Content hash of every row, corrections included; layout does not change it.
    fingerprint : str or None
        What its source last looked like; equal means that nothing is new.
    rows, corrections : int
        Rows in all; rows among them that correct earlier ones.
    """

    dataset: Dataset
    version: str
    fingerprint: str | None
    rows: int
    corrections: int
    partitions: tuple[str, ...]
    files: int
    first_session: date | None
    last_session: date | None
