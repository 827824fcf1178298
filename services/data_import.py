"""Import a user's own bars: good rows land, and every row that did not is listed with its line."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from basics.errors import MissingDataError
from market.datasets import EVENT_TIME, KNOWLEDGE_TIME
from market.quality import Finding, Severity
from services.market_data import MarketData
from services.ports import BarFiles, Delivery, Rejection, RejectionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of the files.

    Attributes
    ----------
    rejected : int
        Rows that did not land, whatever kept them out.
    rejections : str or None
        File that lists each of them, and each ignored column.
    """

    dataset: str
    status: Literal["landed", "unchanged"]
    version: str
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    rejections: str | None = None
    document: str | None = None


def import_bars(files: BarFiles, *, market: MarketData, report: RejectionReport) -> ImportReport:
    """Bring the rows of `files` into the lake.

    Raises
    ------
    InvalidInputError
        If the files hold no table with a date and a price.
    MissingDataError
        If not one row landed or stood there already; the message names the list of rejections.
    """
    dataset = files.describe()
    fingerprint = files.fingerprint()
    if market.lake.has(dataset.name):
        state = market.lake.state(dataset.name)
        if state.fingerprint == fingerprint:
            return ImportReport(dataset=dataset.name, status="unchanged", version=state.version)
    counts = [0, 0, 0]
    rejections: list[Rejection] = []
    findings: list[Finding] = []
    document = None
    for delivery in files.deliveries(dataset):
        rejections += delivery.rejected
        if delivery.rows.is_empty():
            continue
        landing = market.intake.land(dataset, delivery.rows, origin=delivery.file)
        outcome = landing.outcome
        for place, value in enumerate((outcome.new, outcome.corrected, outcome.unchanged)):
            counts[place] += value
        rejections += _quarantined(delivery, landing.broken)
        findings += outcome.findings
        document = outcome.document
    rows_rejected = [r for r in rejections if r.row]
    listed = report.write(dataset.name, rejections)
    if not any(counts):
        raise MissingDataError(f"not one row of {dataset.name} could be imported: see {listed}")
    noted = market.intake.remember(dataset, fingerprint, origin=dataset.source)
    return ImportReport(
        dataset=dataset.name,
        status="landed",
        version=noted,
        new=counts[0],
        corrected=counts[1],
        unchanged=counts[2],
        rejected=len(rows_rejected),
        reasons=_tally(rows_rejected),
        findings=tuple(findings),
        rejections=listed,
        document=document,
    )


def _quarantined(delivery: Delivery, broken: pl.DataFrame) -> list[Rejection]:
    """Name the lines of the rows that the gate set aside."""
    stops = broken.filter(pl.col("severity") == Severity.STOP.value)
    by_row = stops.group_by("_row").agg(pl.col("rule").unique().sort()).sort("_row")
    return [
        Rejection(
            delivery.file,
            delivery.lines[number],
            "; ".join(rules),
            ", ".join(
                f"{name}={value}"
                for name, value in delivery.rows.row(number, named=True).items()
                if name not in (EVENT_TIME, KNOWLEDGE_TIME)
            ),
        )
        for number, rules in by_row.iter_rows()
    ]


def _tally(rejections: Sequence[Rejection]) -> tuple[tuple[str, int], ...]:
    """Count the rejections by reason, most frequent first; quoted values are left out."""
    counts = Counter(
        re.sub(r"'[^']*' ", "", reason)
        for rejection in rejections
        for reason in rejection.reason.split("; ")
    )
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
