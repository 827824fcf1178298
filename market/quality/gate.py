"""The gate in the hot path: every rule over the new rows, as polars expressions."""

from collections.abc import Sequence

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import EVENT_TIME, SESSION, SYMBOL, Dataset
from market.quality.checks import CHECKS, Target
from market.quality.rules import Example, Finding, Inspection, Rule, Severity, Surroundings

NEW, ROW = "_new", "_row"
MAX_EXAMPLES = 5


def inspect(
    rows: pl.DataFrame, *, dataset: Dataset, rules: Sequence[Rule], around: Surroundings
) -> Inspection:
    """Judge `rows` (in the order of their source) by every rule that applies to `dataset`.

    Returns
    -------
    Inspection
        Rows that broke a stop rule are quarantined with each reason; all others pass, in order.

    Raises
    ------
    InvalidInputError
        If a rule names a check that does not exist.
    """
    target = _target(rows, dataset, around)
    reasons: list[pl.DataFrame] = []
    findings: list[Finding] = []
    for rule in rules:
        fields = rule.reads(dataset)
        if fields is None:
            continue
        if rule.check not in CHECKS:
            raise InvalidInputError(
                f"rule {rule.id}: unknown check {rule.check!r}; there are {', '.join(CHECKS)}"
            )
        bad = CHECKS[rule.check](target, rule, fields)
        if bad.is_empty():
            continue
        findings.append(_finding(rule, dataset, bad))
        if rule.severity is Severity.STOP:
            reasons.append(bad.filter(pl.col(ROW) >= 0).select(ROW, reason=pl.lit(rule.id)))
    return _divide(rows, reasons, tuple(findings))


def _target(rows: pl.DataFrame, dataset: Dataset, around: Surroundings) -> Target:
    """Order the rows behind their history, numbered by their place in the source."""
    numbered = rows.with_row_index(ROW).with_columns(
        pl.col(ROW).cast(pl.Int64), pl.lit(value=True).alias(NEW)
    )
    frames = [numbered]
    if around.history is not None and not around.history.is_empty():
        stored = around.history.select(rows.columns).join(
            rows.select(dataset.key).unique(), on=list(dataset.key), how="anti"
        )
        frames.insert(
            0,
            stored.with_columns(
                pl.lit(-1, dtype=pl.Int64).alias(ROW), pl.lit(value=False).alias(NEW)
            ).select(numbered.columns),
        )
    ordered = pl.concat(frames).sort(SYMBOL, EVENT_TIME, maintain_order=True)
    return Target(rows=ordered, dataset=dataset, around=around)


def _finding(rule: Rule, dataset: Dataset, bad: pl.DataFrame) -> Finding:
    examples = tuple(
        Example(str(row[SYMBOL]), row[SESSION], str(row["detail"]))
        for row in bad.head(MAX_EXAMPLES).iter_rows(named=True)
    )
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        dataset=dataset.name,
        count=bad.height,
        why=rule.why,
        examples=examples,
    )


def _divide(
    rows: pl.DataFrame, reasons: list[pl.DataFrame], findings: tuple[Finding, ...]
) -> Inspection:
    if not reasons:
        none = rows.clear().with_columns(pl.lit("").alias("reason"))
        return Inspection(passed=rows, quarantined=none, findings=findings)
    by_row = pl.concat(reasons).group_by(ROW).agg(pl.col("reason").unique().sort().str.join("; "))
    numbered = rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    return Inspection(
        passed=numbered.join(by_row, on=ROW, how="anti", maintain_order="left").drop(ROW),
        quarantined=numbered.join(by_row, on=ROW, how="inner", maintain_order="left").drop(ROW),
        findings=findings,
    )
