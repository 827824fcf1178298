"""Bring market data into the lake, and read it as it was known.

`ingest` takes what a source brings through the gate (`market.quality`) into the lake: unchanged
data costs a hash, bad rows are set aside with their reasons, good rows land, and a broken stop
rule is in the report so that nothing downstream runs on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from market.actions import ACTION_SCHEMA, Purpose, adjust
from market.asof import asof_join_blocks
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, SESSION, SYMBOL, Dataset, DatasetState
from market.panel import Panel, panel_from_bars
from market.quality import Inspection, Rule, Surroundings, flagged, inspect
from market.reference import TickerHistory, Universe
from market.sectors import SectorHistory
from services.ingest_report import DatasetIngest, IngestReport, Landing, documented_batches
from services.ports import BarLake, BarSource, DataQualityReporter

# Stored days that checks of staleness, outliers and volume look back on; rows within a day are
# many, and their own past is near.
HISTORY_DAYS = 90
HISTORY_DAYS_INTRADAY = 5

ACTIONS = "_actions"  # A dataset's corporate actions stand under its name with this behind.


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
        brought = {dataset.name: dataset for dataset in source.datasets()}
        wanted = list(brought) if datasets is None else list(datasets)
        if unknown := [name for name in wanted if name not in brought]:
            raise InvalidInputError(
                f"source {source.name} has no {', '.join(unknown)}: it has {', '.join(brought)}"
            )
        done = [self._ingest_dataset(source, brought[name], again=again) for name in wanted]
        return IngestReport(source=source.name, datasets=tuple(done))

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
        rows = self.lake.scan(f"{dataset}{ACTIONS}").select(list(ACTION_SCHEMA))
        return rows.collect()

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

    def check(self, dataset: str) -> Inspection:
        """Judge the stored rows, as now known, by the table of rules."""
        known = self.lake.state(dataset).dataset
        # The order of delivery is not kept; time's own order is the one to judge.
        rows = self.lake.scan(dataset).sort(EVENT_TIME, SYMBOL).collect()
        around = Surroundings(
            now=self.clock.now(),
            sessions=self._sessions(known, rows),
            actions=self._known_actions(known),
        )
        return inspect(rows, dataset=known, rules=self.rules, around=around)

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

    def _ingest_dataset(self, source: BarSource, dataset: Dataset, *, again: bool) -> DatasetIngest:
        fingerprint = source.fingerprint(dataset.name)
        if self.lake.has(dataset.name) and not again:
            state = self.lake.state(dataset.name)
            if state.fingerprint == fingerprint and state.dataset == dataset:
                return DatasetIngest(
                    dataset=dataset.name, status="unchanged", version=state.version
                )
        batches = [
            self.land(dataset, rows, origin=source.name).outcome
            for rows in source.read(dataset.name)
        ]
        return self._conclude(source, dataset, batches, fingerprint)

    def land(self, dataset: Dataset, rows: pl.DataFrame, *, origin: str) -> Landing:
        """Take one batch, in the order of its source, through the gate into the lake.

        Raises
        ------
        InvalidInputError
            If the rows lack columns of the dataset.
        """
        rows = dataset.conform(rows)
        around = self.surroundings(dataset, rows)
        judged = inspect(rows, dataset=dataset, rules=self.rules, around=around)
        marked = flagged(rows, judged, dataset=dataset, rules=self.rules)
        document = self.reporter.validate(
            dataset, documented_batches(dataset, marked).items(), self.rules
        )
        appended = self.lake.append(dataset, judged.passed, lineage={"source": origin})
        outcome = DatasetIngest(
            dataset=dataset.name,
            status="stopped" if judged.stopped else "landed",
            version=appended.version,
            new=appended.new,
            corrected=appended.corrected,
            unchanged=appended.unchanged,
            quarantined=judged.quarantined.height,
            partitions=appended.partitions,
            findings=judged.findings,
            document=document.location,
            quarantine=self.reporter.set_aside(dataset, judged.quarantined),
        )
        return Landing(outcome, judged.broken)

    def remember(self, dataset: Dataset, fingerprint: str | None, *, origin: str) -> str:
        """Note what the source looked like when all of it had landed; return the version."""
        nothing = pl.DataFrame(schema=dataset.schema)
        done = self.lake.append(
            dataset, nothing, fingerprint=fingerprint, lineage={"source": origin}
        )
        return done.version

    def _conclude(
        self, source: BarSource, dataset: Dataset, batches: list[DatasetIngest], fingerprint: str
    ) -> DatasetIngest:
        """Add up the batches; remember the fingerprint only of a delivery without a stop."""
        if not batches:
            raise MissingDataError(f"source {source.name} brought no rows for {dataset.name}")
        stopped = any(batch.status == "stopped" for batch in batches)
        # Empty equals no source: even one that goes back to what it was is read again.
        noted = "" if stopped else fingerprint
        version = self.remember(dataset, noted, origin=source.name)
        return DatasetIngest(
            dataset=dataset.name,
            status="stopped" if stopped else "landed",
            version=version,
            new=sum(batch.new for batch in batches),
            corrected=sum(batch.corrected for batch in batches),
            unchanged=sum(batch.unchanged for batch in batches),
            quarantined=sum(batch.quarantined for batch in batches),
            partitions=tuple(sorted({name for batch in batches for name in batch.partitions})),
            findings=tuple(finding for batch in batches for finding in batch.findings),
            document=batches[-1].document,
            quarantine=next((b.quarantine for b in reversed(batches) if b.quarantine), None),
        )

    def surroundings(self, dataset: Dataset, rows: pl.DataFrame) -> Surroundings:
        """Return what the rows are judged beside: their past, the calendar, the actions."""
        return Surroundings(
            now=self.clock.now(),
            history=self._history(dataset, rows),
            sessions=self._sessions(dataset, rows),
            actions=self._known_actions(dataset),
        )

    def _history(self, dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame | None:
        """Return the stored rows of the days before the first new one."""
        first = rows[SESSION].min()
        if not isinstance(first, date) or not self.lake.has(dataset.name):
            return None
        slow = dataset.frequency in {"1d", "1w", "1mo"}
        days = HISTORY_DAYS if slow else HISTORY_DAYS_INTRADAY
        before = self.lake.scan(
            dataset.name,
            start=first - timedelta(days=days),
            end=first,
            symbols=rows[SYMBOL].unique().to_list(),
        )
        stored = set(self.lake.state(dataset.name).dataset.schema)
        gained = [
            pl.lit(None, dtype=kind).alias(name)
            for name, kind in dataset.schema.items()
            if name not in stored
        ]
        return before.with_columns(gained).select(list(dataset.schema)).collect()

    def _known_actions(self, dataset: Dataset) -> pl.DataFrame | None:
        """Return the dataset's corporate actions, which explain moves; None where it has none."""
        return self.actions(dataset.name) if self.lake.has(f"{dataset.name}{ACTIONS}") else None

    def _sessions(self, dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame | None:
        """Return the exchange's sessions around the rows; None for a dataset without calendar."""
        first, last = rows[SESSION].min(), rows[SESSION].max()
        if dataset.calendar is None or not isinstance(first, date) or not isinstance(last, date):
            return None
        table = exchange_calendar(dataset.calendar).table
        early = first - timedelta(days=HISTORY_DAYS)
        return table.filter(pl.col(SESSION).is_between(early, last))
