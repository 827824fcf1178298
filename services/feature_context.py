"""What features read beside their own bars: series of other datasets, sectors by date.

`series.DATASET.SYMBOL.FIELD` is one series of the lake on the bars' own sessions, and only what
was published by the end of the session's day (UTC). A dataset that follows an exchange has a
value in its own sessions alone; one that follows none (macro series) shows the newest value that
was out, so that a yield that comes out five days late is known five days late. `reference.sector`
numbers the sector that
a symbol belonged to in the session, as it was known then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL
from services.market_data import MarketData

SERIES, SECTOR = "series.", "reference.sector"


@dataclass(frozen=True, slots=True)
class SeriesName:
    """One series of the lake."""

    dataset: str
    symbol: str
    field: str


@dataclass(frozen=True, slots=True)
class FeatureContext:
    """Reads context from the lake and the reference tables."""

    market: MarketData

    def read(
        self,
        names: Sequence[str],
        symbols: Sequence[str],
        sessions: DateArray,
        *,
        as_of: datetime | None = None,
    ) -> Mapping[str, FloatArray]:
        """Return each of `names`, of shape (n_symbols or 1, n_sessions).

        Raises
        ------
        InvalidInputError
            If a name is none of the forms above.
        MissingDataError
            If the lake has no such dataset, field or symbol.
        """
        return {name: self._read(name, symbols, sessions, as_of) for name in names}

    def version(self, names: Sequence[str]) -> str:
        """Return the content hash of everything that the names may read."""
        series = sorted({s.dataset for s in map(series_of, names) if s is not None})
        sectors = self.market.sector_history if SECTOR in names else None
        dated = None if sectors is None else (sorted(sectors.undated.items()), str(sectors.spans))
        return content_hash([self.market.version(dataset) for dataset in series], dated)

    def _read(
        self, name: str, symbols: Sequence[str], sessions: DateArray, as_of: datetime | None
    ) -> FloatArray:
        if name == SECTOR:
            return self.market.sector_history.numbers(symbols, sessions, as_of=as_of)
        series = series_of(name)
        if series is None:
            raise InvalidInputError(
                f"{name} is no context: there are series.DATASET.SYMBOL.FIELD and {SECTOR}"
            )
        try:
            rows = self._published(series, sessions[-1].item(), as_of)
        except MissingDataError as error:
            raise MissingDataError(f"{name}: {error}") from error
        values = rows["value"].to_numpy()
        if self.market.lake.state(series.dataset).dataset.calendar is None:
            # The newest that was out by the end of each day; several may come out at once.
            out_by = rows["published"].cum_max().to_numpy().astype("datetime64[D]")
            place = np.searchsorted(out_by, sessions, side="right") - 1
            return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)[None, :]
        on_time = (rows["published"] == rows[SESSION]).to_numpy()
        own = rows[SESSION].to_numpy().astype("datetime64[D]")
        out = np.full((1, len(sessions)), np.nan)
        _, here, there = np.intersect1d(sessions, own[on_time], return_indices=True)
        out[0, here] = values[on_time][there]
        return out

    def _published(self, series: SeriesName, end: date, as_of: datetime | None) -> pl.DataFrame:
        """Return session, value and the day on which the row's first version came out."""
        known = self.market.lake.state(series.dataset).dataset
        if series.field not in known.fields:
            raise MissingDataError(
                f"{series.dataset} has no field {series.field}: it has {', '.join(known.fields)}"
            )
        own = pl.col(SYMBOL) == series.symbol
        rows = self.market.bars(
            series.dataset, symbols=(series.symbol,), end=end, as_of=as_of
        ).select(SESSION, EVENT_TIME, pl.col(series.field).alias("value"))
        first = (
            self.market.lake.versions(series.dataset, end=end)
            .filter(own)
            .group_by(EVENT_TIME)
            .agg(pl.col(KNOWLEDGE_TIME).min().dt.date().alias("published"))
        )
        found = rows.join(first, on=EVENT_TIME).sort(EVENT_TIME).collect()
        if found.is_empty():
            raise MissingDataError(f"{series.dataset} has no row of {series.symbol}")
        return found


def series_of(name: str) -> SeriesName | None:
    """Return the parts of `series.DATASET.SYMBOL.FIELD`, None if it is none.

    A symbol may hold dots, a dataset and a field may not.
    """
    parts = name.removeprefix(SERIES).split(".")
    if not name.startswith(SERIES) or len(parts) < 3:
        return None
    return SeriesName(parts[0], ".".join(parts[1:-1]), parts[-1])
