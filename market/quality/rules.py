"""What a rule of data quality is, and what it found.

One table of rules (`policy/data_quality.toml`) drives the gate in the hot path (`gate.inspect`)
and the suites that give people their Data Docs. A rule names a check, the datasets and fields it
looks at, and how bad a breach is. Under `stop` the bad rows are quarantined with the reason and
what follows downstream must not run; under `warn` they land and are reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fnmatch import fnmatchcase

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import Dataset

Parameter = float | int | str | bool


class Severity(StrEnum):
    """How bad a breach is."""

    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table of rules.

    Attributes
    ----------
    check : str
        Name of a check in `market.quality.checks.CHECKS`.
    datasets : tuple of str
        Glob patterns of dataset names.
    fields : tuple of str
        Fields that the check reads; the rule does not apply to a dataset that lacks one of them,
        unless `any_field`, when those that exist are read.
    parameters : mapping
        Thresholds of the check, by name.
    why : str
        The defect that the rule is there to catch.
    """

    id: str
    check: str
    severity: Severity
    datasets: tuple[str, ...] = ("*",)
    fields: tuple[str, ...] = ()
    any_field: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    why: str = ""

    def reads(self, dataset: Dataset) -> tuple[str, ...] | None:
        """Return the fields to read in `dataset`, or None when the rule does not apply."""
        if not any(fnmatchcase(dataset.name, pattern) for pattern in self.datasets):
            return None
        present = tuple(name for name in self.fields if name in dataset.fields)
        if self.fields and not (present if self.any_field else len(present) == len(self.fields)):
            return None
        return present

    def number(self, name: str, default: float | None = None) -> float:
        """Return the numeric parameter `name`.

        Raises
        ------
        InvalidInputError
            If it is not given and has no default, or is not a number.
        """
        value = self.parameters.get(name, default)
        if value is None or isinstance(value, str):
            raise InvalidInputError(f"rule {self.id}: {name} must be a number, got {value!r}")
        return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a check may look at beside the new rows.

    Attributes
    ----------
    now : datetime
        The desk's clock.
    history : DataFrame or None
        The last stored rows of each symbol before the new ones, as now known.
    sessions : DataFrame or None
        Sessions of the dataset's calendar, covering history and new rows, with their open_time
        and close_time; None skips the checks that need a calendar.
    actions : DataFrame or None
        Known corporate actions: columns symbol and session (the ex-date); a move on such a day is
        explained.
    """

    now: datetime
    history: pl.DataFrame | None = None
    sessions: pl.DataFrame | None = None
    actions: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One row that broke a rule."""

    symbol: str
    session: date | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that was broken, how often, and the first rows that did."""

    rule: str
    severity: Severity
    dataset: str
    count: int
    why: str
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the gate lets pass, what it sets aside (with column `reason`), and why.

    `broken` has one row for each row (its number in the delivery) and rule that it broke.
    """

    passed: pl.DataFrame
    quarantined: pl.DataFrame
    findings: tuple[Finding, ...]
    broken: pl.DataFrame

    @property
    def stopped(self) -> bool:
        """Whether a rule of severity stop was broken."""
        return any(finding.severity is Severity.STOP for finding in self.findings)
