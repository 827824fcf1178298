"""Reference tables: sectors, currencies, universes, tickers; shipped ones, a user's beside them.

A user's tables lie under `<state>/reference/` and are added to the shipped ones. Each is a CSV
file that a spreadsheet opens; adding rows checks the whole table first and replaces the file in
one step.
"""

import csv
import fcntl
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TypedDict, TypeVar

from basics.errors import InvalidInputError, MissingDataError
from infra.files import write_whole
from infra.settings import Settings
from market.reference import Membership, TickerHistory, TickerSpan, Universe, universe
from market.sectors import SectorHistory, SectorSpan

SHIPPED = Path(__file__).parent / "sources" / "reference"


class Table(StrEnum):
    """A reference table, named as its file."""

    SECTORS = "sectors"
    UNIVERSES = "universes"
    TICKERS = "tickers"
    SECTOR_SPANS = "sector_spans"
    CURRENCIES = "currencies"


COLUMNS: Mapping[Table, tuple[str, ...]] = {
    Table.SECTORS: ("symbol", "name", "sector"),
    Table.UNIVERSES: ("universe", "symbol", "first", "last", "known_at"),
    Table.TICKERS: ("instrument", "symbol", "first", "last"),
    Table.SECTOR_SPANS: ("symbol", "sector", "first", "last", "known_at"),
    Table.CURRENCIES: ("symbol", "currency"),
}
CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217.
Row = Mapping[str, str]
T = TypeVar("T")


class _Days(TypedDict):
    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class ReferenceTables:
    """The reference tables of one desk.

    Attributes
    ----------
    folder : Path
        Where the user's own tables lie.
    """

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> "ReferenceTables":
        """Return the tables of the desk that the settings describe."""
        return cls(settings.state_dir / "reference")

    def sectors(self) -> dict[str, str]:
        """Return the sector of each symbol; a user's own row replaces a shipped one."""
        return {row["symbol"]: row["sector"] for row in self.rows(Table.SECTORS)}

    def sector_history(self) -> SectorHistory:
        """Return the sector of each symbol by date; undated rows count where no span applies."""
        return SectorHistory(_sector_spans(self.rows(Table.SECTOR_SPANS)), self.sectors())

    def currencies(self) -> dict[str, str]:
        """Return in which currency a symbol is quoted, of those that are not in US dollars."""
        return _currencies(self.rows(Table.CURRENCIES))

    def universes(self) -> dict[str, Universe]:
        """Return the universes by name."""
        return _universes(self.rows(Table.UNIVERSES))

    def tickers(self) -> TickerHistory:
        """Return which symbol named which instrument when."""
        return _tickers(self.rows(Table.TICKERS))

    def rows(self, table: Table) -> list[Row]:
        """Return every row of a table, shipped ones first."""
        return _together(table, _read(SHIPPED / f"{table}.csv", table), self._own(table))

    def add(self, table: Table, rows: Sequence[Row]) -> int:
        """Add the rows that are new to the user's table; return how many were.

        Raises
        ------
        InvalidInputError, ConflictError
            If a row is malformed or contradicts another: nothing is written then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            own, shipped = self._own(table), _read(SHIPPED / f"{table}.csv", table)
            known = [*shipped, *own]
            new = [row for n, row in enumerate(rows) if row not in known and row not in rows[:n]]
            CHECKS[table](_together(table, shipped, [*own, *new]))
            if new:
                write_whole(self.folder / f"{table}.csv", _text(table, [*own, *new]))
        return len(new)

    def add_file(self, table: Table, path: Path) -> int:
        """Add the rows of a CSV file with the table's columns; see `add`."""
        if not path.is_file():
            raise MissingDataError(f"{path} is not a file: check the path")
        return self.add(table, _read(path, table))

    def add_tickers(self, history: TickerHistory) -> int:
        """Add the spans of a history; see `add`."""
        return self.add(
            Table.TICKERS,
            [
                {
                    "instrument": span.instrument,
                    "symbol": span.symbol,
                    "first": span.first.isoformat(),
                    "last": "" if span.last is None else span.last.isoformat(),
                }
                for span in history.spans
            ],
        )

    def _own(self, table: Table) -> list[Row]:
        return _read(self.folder / f"{table}.csv", table)


def _together(table: Table, shipped: Sequence[Row], own: Sequence[Row]) -> list[Row]:
    """Return shipped rows and own ones; a symbol's own spans of sectors replace its shipped one."""
    if table is Table.SECTOR_SPANS:
        told = {row["symbol"] for row in own}
        shipped = [row for row in shipped if row["symbol"] not in told]
    return [*shipped, *own]


def _read(path: Path, table: Table) -> list[Row]:
    """Return the rows of a table's file, none if there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := set(COLUMNS[table]) - set(reader.fieldnames or ()):
            raise InvalidInputError(
                f"{path.name} lacks the column {', '.join(sorted(missing))}: "
                f"{table} have {', '.join(COLUMNS[table])}"
            )
        return [{name: (row[name] or "").strip() for name in COLUMNS[table]} for row in reader]


def _text(table: Table, rows: Sequence[Row]) -> bytes:
    buffer = StringIO()
    writer = csv.DictWriter(buffer, COLUMNS[table], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _sectors(rows: Sequence[Row]) -> None:
    for row in rows:
        if not row["symbol"] or not row["sector"]:
            raise InvalidInputError(f"{dict(row)} has no symbol or no sector")


def _currencies(rows: Sequence[Row]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        symbol, currency = row["symbol"], row["currency"]
        if not symbol or not CURRENCY.fullmatch(currency):
            raise InvalidInputError(
                f"{dict(row)} needs a symbol and a currency of three capital letters (EUR)"
            )
        if found.setdefault(symbol, currency) != currency:
            raise InvalidInputError(
                f"{symbol} is quoted in {found[symbol]} and in {currency}: keep one row"
            )
    return found


def _sector_spans(rows: Sequence[Row]) -> tuple[SectorSpan, ...]:
    return tuple(_parsed(_sector_span, row) for row in rows)


def _sector_span(row: Row) -> SectorSpan:
    _sectors([row])
    return SectorSpan(
        symbol=row["symbol"], sector=row["sector"], known_at=_known_at(row), **_days(row)
    )


def _universes(rows: Sequence[Row]) -> dict[str, Universe]:
    members = [_parsed(_membership, row) for row in rows]
    return {name: universe(name, members) for name in sorted({m.universe for m in members})}


def _tickers(rows: Sequence[Row]) -> TickerHistory:
    return TickerHistory(tuple(_parsed(_span, row) for row in rows))


def _membership(row: Row) -> Membership:
    return Membership(
        universe=row["universe"], symbol=row["symbol"], known_at=_known_at(row), **_days(row)
    )


def _span(row: Row) -> TickerSpan:
    if not row["instrument"] or not row["symbol"]:
        raise ValueError("instrument and symbol must not be empty")
    return TickerSpan(instrument=row["instrument"], symbol=row["symbol"], **_days(row))


def _known_at(row: Row) -> datetime:
    known_at = datetime.fromisoformat(row["known_at"])
    if known_at.tzinfo is None:
        raise ValueError("known_at needs a time zone, for example +00:00")
    return known_at


def _days(row: Row) -> _Days:
    return {
        "first": date.fromisoformat(row["first"]),
        "last": date.fromisoformat(row["last"]) if row["last"] else None,
    }


def _parsed(parse: Callable[[Row], T], row: Row) -> T:
    try:
        return parse(row)
    except ValueError as error:
        raise InvalidInputError(f"{dict(row)} cannot be read: {error}") from None


CHECKS: Mapping[Table, Callable[[Sequence[Row]], object]] = {
    Table.SECTORS: _sectors,
    Table.UNIVERSES: _universes,
    Table.TICKERS: _tickers,
    Table.SECTOR_SPANS: lambda rows: SectorHistory(_sector_spans(rows)),
    Table.CURRENCIES: _currencies,
}
