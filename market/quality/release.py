"""Rows that a person let pass: the same row breaking the same rules stops nothing again."""

from collections.abc import Set
from dataclasses import replace

import numpy as np
import polars as pl

from market.quality.rules import Finding, Inspection, Severity
from market.quality.target import ROW


def line_texts(rows: pl.DataFrame) -> list[str]:
    """Return each row as it is written when it is set aside: its values and its reason."""
    return rows.write_csv(include_header=False).splitlines()


def pardon(judged: Inspection, rows: pl.DataFrame, released: Set[str]) -> Inspection:
    """Return the judgement of `rows` without what was released.

    A row is pardoned as it was set aside, with the values and the reason that it had then: with
    another value, or once it breaks another rule too, it is set aside anew.
    """
    if not released or judged.quarantined.is_empty():
        return judged
    let = np.array([line in released for line in line_texts(judged.quarantined)], bool)
    if not let.any():
        return judged
    stop = pl.col("severity") == Severity.STOP.value
    aside = judged.broken.filter(stop)[ROW].unique().sort().to_numpy()
    free = pl.col(ROW).is_in(aside[let].tolist())
    numbered = rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    still = aside[~let].tolist()
    forgiven = judged.broken.filter(stop & free)
    return replace(
        judged,
        passed=numbered.filter(~pl.col(ROW).is_in(still)).drop(ROW),
        quarantined=judged.quarantined.filter(pl.Series(~let)),
        findings=tuple(_left(judged.findings, forgiven)),
        broken=judged.broken.filter(~(stop & free)),
    )


def _left(findings: tuple[Finding, ...], forgiven: pl.DataFrame) -> list[Finding]:
    """Return the findings less the rows that were let pass."""
    counts = dict(forgiven.group_by("rule").len().rows())
    less = [replace(f, count=f.count - counts.get(f.rule, 0)) for f in findings]
    return [finding for finding in less if finding.count > 0]
