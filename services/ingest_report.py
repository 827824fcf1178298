"""What became of a delivery of market data, and how it is shown to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from market.datasets import SESSION, Dataset
from market.quality import Finding, Severity

NEWEST_PARTITIONS = 1  # Validated by themselves for people; older ones of a delivery together.

Status = Literal["unchanged", "landed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetIngest:
    """What became of one dataset of a delivery.

    Attributes
    ----------
    status : str
        `unchanged`: nothing new; `landed`; `stopped`: good rows landed, but a stop rule was
        broken, and what follows must not run.
    new, corrected, unchanged, quarantined : int
        Rows by what became of them.
    document : str or None
        Where the Data Docs of the validation start.
    quarantine : str or None
        File of the rows set aside, with reasons.
    """

    dataset: str
    status: Status
    version: str
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    quarantined: int = 0
    partitions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    document: str | None = None
    quarantine: str | None = None


@dataclass(frozen=True, slots=True)
class Landing:
    """One batch that went through the gate.

    Attributes
    ----------
    broken : DataFrame
        One row for each row of the batch (`_row`, its place) and rule that it broke.
    """

    outcome: DatasetIngest
    broken: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of a delivery."""

    source: str
    datasets: tuple[DatasetIngest, ...]

    @property
    def stopped(self) -> bool:
        """Whether a stop rule was broken, so that nothing downstream may run."""
        return any(item.status == "stopped" for item in self.datasets)

    @property
    def reason(self) -> str:
        """One line that says which stop rules were broken where; empty if none was."""
        return "; ".join(
            f"{item.dataset}: {finding.rule} broken by {finding.count} rows"
            for item in self.datasets
            for finding in item.findings
            if finding.severity is Severity.STOP
        )


def documented_batches(dataset: Dataset, rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Name the batches to validate for people: the newest partitions singly, the rest as one."""
    named = rows.with_columns(dataset.partition.key(pl.col(SESSION)).alias("_partition"))
    parts = {
        str(name): part.drop("_partition")
        for (name,), part in sorted(
            named.group_by("_partition", maintain_order=True), key=lambda item: str(item[0][0])
        )
    }
    newest = sorted(parts)[-NEWEST_PARTITIONS:]
    older = [name for name in sorted(parts) if name not in newest]
    batches = {name: parts[name] for name in newest}
    if len(older) == 1:
        return {older[0]: parts[older[0]]} | batches
    if older:
        span = f"{older[0]} to {older[-1]}"
        return {span: pl.concat([parts[name] for name in older])} | batches
    return batches
