"""The way into the lake: every delivery through the gate.

What a source brings goes through `market.quality` into the lake: unchanged data costs a hash, bad
rows are set aside with their reasons, good rows land, and a broken stop rule is in the report so
that nothing downstream runs on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from market.actions import ACTION_SCHEMA
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, SESSION, SYMBOL, Dataset
from market.quality import Inspection, Rule, Surroundings, flagged, inspect, pardon
from services.ingest_report import DatasetIngest, IngestReport, Landing, documented_batches
from services.ports import BarLake, BarSource, DataQualityReporter

# Stored days that checks of staleness, outliers and volume look back on; rows within a day are
# many, and their own past is near.
HISTORY_DAYS = 90
HISTORY_DAYS_INTRADAY = 5

ACTIONS = "_actions"  # A dataset's corporate actions stand under its name with this behind.


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketIntake:
    """Judges what a source brings, and lands what is sound.

    Attributes
    ----------
    rules : sequence of Rule
        The table of rules of data quality.
    """

    lake: BarLake
    rules: Sequence[Rule]
    reporter: DataQualityReporter
    clock: Clock

    def ingest(
        self, source: BarSource, *, datasets: Sequence[str] | None = None, again: bool = False
    ) -> IngestReport:
        """Bring what the source has into the lake, or those of its `datasets`.

        Parameters
        ----------
        again : bool
            Read and judge also what the source's fingerprint says is unchanged.

        Raises
        ------
        InvalidInputError
            If the source has no such dataset.
        """
        brought = {dataset.name: dataset for dataset in source.datasets()}
        wanted = list(brought) if datasets is None else list(datasets)
        if unknown := [name for name in wanted if name not in brought]:
            raise InvalidInputError(
                f"source {source.name} has no {', '.join(unknown)}: it has {', '.join(brought)}"
            )
        done = [self._ingest_dataset(source, brought[name], again=again) for name in wanted]
        return IngestReport(source=source.name, datasets=tuple(done))

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
        judged = pardon(judged, rows, self.reporter.released(dataset))
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
        name = f"{dataset.name}{ACTIONS}"
        return actions_of(self.lake, name) if self.lake.has(name) else None

    def _sessions(self, dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame | None:
        """Return the exchange's sessions around the rows; None for a dataset without calendar."""
        first, last = rows[SESSION].min(), rows[SESSION].max()
        if dataset.calendar is None or not isinstance(first, date) or not isinstance(last, date):
            return None
        table = exchange_calendar(dataset.calendar).table
        early = first - timedelta(days=HISTORY_DAYS)
        return table.filter(pl.col(SESSION).is_between(early, last))


def actions_of(lake: BarLake, dataset: str) -> pl.DataFrame:
    """Return the rows of a dataset of corporate actions, with columns of `market.actions`."""
    return lake.scan(dataset).select(list(ACTION_SCHEMA)).collect()
