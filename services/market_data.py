"""Market data as it was known: panels, rows and as-of joins; `market_intake` is the way in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from market.actions import Purpose, adjust
from market.asof import asof_join_blocks
from market.datasets import EVENT_TIME, SESSION, SYMBOL, DatasetState
from market.panel import Panel, panel_from_bars
from market.quality import Inspection, Rule
from market.reference import TickerHistory, Universe
from market.sectors import SectorHistory
from services.ingest_report import IngestReport
from services.market_intake import ACTIONS, MarketIntake, actions_of
from services.ports import BarLake, BarSource, DataQualityReporter


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketData:
    """Market data: in through the gate, out as it was known.

    Attributes
    ----------
    sources : mapping of str to BarSource
        By the name that a user types.
    rules : sequence of Rule
        The table of rules of data quality.
    sectors : mapping of str to str
        Sector of each symbol that the reference table knows.
    universes : mapping of str to Universe
        Dated membership, by the universe's name.
    tickers : TickerHistory
        Which symbol named which instrument when; a panel follows the instrument.
    sector_history : SectorHistory
        Sector of each symbol by date, as it was known.
    """

    lake: BarLake
    sources: Mapping[str, BarSource]
    rules: Sequence[Rule]
    reporter: DataQualityReporter
    clock: Clock
    sectors: Mapping[str, str]
    universes: Mapping[str, Universe] = field(default_factory=dict)
    tickers: TickerHistory = field(default_factory=lambda: TickerHistory(()))
    sector_history: SectorHistory = field(default_factory=SectorHistory)

    def ingest(
        self, source: str, *, datasets: Sequence[str] | None = None, again: bool = False
    ) -> IngestReport:
        """Bring what `source` has into the lake; unchanged data adds no row.

        Parameters
        ----------
        again : bool
            Read and judge also what the source's fingerprint says is unchanged.

        Raises
        ------
        InvalidInputError
            If the source, or one of `datasets`, is unknown.
        """
        if source not in self.sources:
            known = ", ".join(sorted(self.sources))
            raise InvalidInputError(f"unknown source {source!r}: there are {known}")
        return self.ingest_from(self.sources[source], datasets=datasets, again=again)

    def ingest_from(
        self, source: BarSource, *, datasets: Sequence[str] | None = None, again: bool = False
    ) -> IngestReport:
        """Bring what a source in hand has into the lake; `again` as in `ingest`."""
        return self.intake.ingest(source, datasets=datasets, again=again)

    @property
    def intake(self) -> MarketIntake:
        """The way in: the gate before the lake."""
        return MarketIntake(
            lake=self.lake, rules=self.rules, reporter=self.reporter, clock=self.clock
        )

    def check(self, dataset: str) -> Inspection:
        """Judge the stored rows, as now known, by the table of rules."""
        return self.intake.check(dataset)

    def panel(  # noqa: PLR0913 - what, which part of it, known when, adjusted for what
        self,
        dataset: str,
        *,
        fields: Sequence[str],
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
        purpose: Purpose = Purpose.AS_TRADED,
        universe: str | None = None,
    ) -> Panel:
        """Return daily `fields` as arrays of shape (n_symbols, n_sessions), as known at `as_of`.

        A row stands under the symbol that its instrument has on the panel's last day: FB's past
        is META's. Which day that is follows from `end`, `as_of` and what the lake holds.

        Parameters
        ----------
        purpose : Purpose
            `AS_TRADED` leaves prices as the source stores them; the others adjust for the
            corporate actions in the dataset `<dataset>_actions`, as known at `as_of`.
        universe : str, optional
            NaN where a symbol did not belong, as known at `as_of`; adjusting comes first.

        Raises
        ------
        MissingDataError
            If the dataset, a field, its actions, the universe, or every row is missing.
        """
        known = self.lake.state(dataset).dataset
        if absent := [name for name in fields if name not in known.fields]:
            raise MissingDataError(
                f"{dataset} has no field {', '.join(absent)}: it has {', '.join(known.fields)}"
            )
        on = self._last_day(dataset, end, as_of)
        wanted = None if symbols is None else self.tickers.symbols_behind(symbols, on=on)
        rows = self.bars(dataset, start=start, end=end, symbols=wanted, as_of=as_of)
        columns = dict.fromkeys((SYMBOL, SESSION, *fields))
        if purpose is Purpose.AS_TRADED:
            table = self._follow(rows.select(*columns).collect(), on)
        else:
            traded = self._follow(rows.select(*columns | {"close": None}).collect(), on)
            actions = self._follow(self.actions(dataset), on)
            table = adjust(traded, actions, purpose=purpose, as_of=as_of)
        if symbols is not None and wanted != tuple(sorted(set(symbols))):
            table = table.filter(pl.col(SYMBOL).is_in(list(symbols)))
        panel = panel_from_bars(table, fields=fields, simulated=known.simulated)
        return panel if universe is None else self._within(panel, universe, as_of, on)

    def actions(self, dataset: str) -> pl.DataFrame:
        """Return the corporate actions of a dataset, with columns of `market.actions`."""
        return actions_of(self.lake, f"{dataset}{ACTIONS}")

    def bars(
        self,
        dataset: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> pl.LazyFrame:
        """Return the rows as known at `as_of` (None: now), lazily."""
        return self.lake.scan(dataset, start=start, end=end, symbols=symbols, as_of=as_of)

    def asof_join(
        self,
        labels: pl.LazyFrame,
        dataset: str,
        *,
        time: str,
        fields: Sequence[str],
        tolerance: timedelta,
    ) -> Iterator[pl.DataFrame]:
        """Join each label with what was known at its `time`, block by block: see `market.asof`."""

        def read(start: datetime, end: datetime) -> pl.LazyFrame:
            rows = self.lake.versions(dataset, start=start.date(), end=end.date())
            return rows.filter(pl.col(EVENT_TIME).is_between(start, end))

        return asof_join_blocks(labels, read, time=time, fields=fields, tolerance=tolerance)

    def version(self, dataset: str) -> str:
        """Return the content hash of what a panel follows from: the rows, and who was called what.

        It is the lake's own version of the dataset while no ticker changed.
        """
        rows = self.lake.state(dataset).version
        return content_hash(rows, repr(self.tickers.spans)) if self.tickers.spans else rows

    def catalog(self) -> Sequence[DatasetState]:
        """Return every dataset of the lake, by name."""
        return self.lake.catalog()

    def _last_day(self, dataset: str, end: date | None, as_of: datetime | None) -> date:
        """Return the day whose symbols a panel speaks in."""
        days = [
            end,
            None if as_of is None else as_of.date(),
            self.lake.state(dataset).last_session,
        ]
        return min(day for day in days if day is not None)

    def _follow(self, rows: pl.DataFrame, on: date) -> pl.DataFrame:
        return self.tickers.follow(rows, on=on) if self.tickers.spans else rows

    def _within(self, panel: Panel, universe: str, as_of: datetime | None, on: date) -> Panel:
        """Return the panel with NaN where a symbol did not belong to the universe."""
        if universe not in self.universes:
            known = ", ".join(sorted(self.universes)) or "none"
            raise MissingDataError(f"no universe {universe!r}: there are {known}")
        members = self.universes[universe].followed(self.tickers, on=on)
        mask = members.mask(panel.symbols, panel.sessions, as_of=as_of)
        fields = {name: np.where(mask, values, np.nan) for name, values in panel.fields.items()}
        return replace(panel, fields=fields)
