"""Reconcile the books with a custodian's statement at the end of a day, and keep what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from basics.errors import MissingDataError
from pnl.reconciliation import (
    Break,
    Resolution,
    StatementKey,
    find_breaks,
    ledger_lines,
    resolve,
)
from services.accounting import Accounting
from services.ports import ResultStore

RECONCILIATION_KIND = "pnl.reconciliation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationReport:
    """One statement held against the books.

    Attributes
    ----------
    lines : int
        Lines compared, on either side.
    breaks : tuple of Break
        Open and settled ones; settled ones stay in view while they last.
    """

    day: date
    lines: int
    breaks: tuple[Break, ...]

    @property
    def open(self) -> tuple[Break, ...]:
        """Breaks that nobody has settled."""
        return tuple(one for one in self.breaks if one.resolution is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Compares, ages and settles breaks."""

    accounting: Accounting
    results: ResultStore

    def run(
        self, run_id: str, statement: Mapping[StatementKey, Decimal], *, day: date
    ) -> ReconciliationReport:
        """Compare the books at the end of `day` with `statement`.

        The same day compared again replaces the first; a break's age counts from the statements
        until then, whichever came in first.
        """
        ours = ledger_lines(self.accounting.ledger_at(run_id, day))
        report = ReconciliationReport(
            day=day,
            lines=len(ours.keys() | statement.keys()),
            breaks=find_breaks(ours, statement, day=day, before=self._before(run_id, day)),
        )
        self._keep(run_id, report)
        return report

    def settle(
        self, run_id: str, key: StatementKey, resolution: Resolution
    ) -> ReconciliationReport:
        """Settle a break of the latest statement; it needs a reason and a second person.

        Raises
        ------
        RefusedError, MissingDataError
            As `pnl.reconciliation.resolve`.
        """
        latest = self.latest(run_id)
        report = ReconciliationReport(
            day=latest.day, lines=latest.lines, breaks=resolve(latest.breaks, key, resolution)
        )
        self._keep(run_id, report)
        return report

    def latest(self, run_id: str) -> ReconciliationReport:
        """Return the latest report; `MissingDataError` if there is none."""
        stored = self.results.latest(RECONCILIATION_KIND, run_id)
        return msgspec.convert(stored.payload, ReconciliationReport, strict=False)

    def _before(self, run_id: str, day: date) -> tuple[Break, ...]:
        try:
            stored = self.results.latest(RECONCILIATION_KIND, run_id, until=day)
        except MissingDataError:
            return ()
        return msgspec.convert(stored.payload, ReconciliationReport, strict=False).breaks

    def _keep(self, run_id: str, report: ReconciliationReport) -> None:
        document: dict[str, Any] = msgspec.to_builtins(report)
        self.results.put(RECONCILIATION_KIND, run_id, report.day, document, {"run": run_id})
