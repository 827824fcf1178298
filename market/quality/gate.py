"""The gate in the hot path: every rule over the new rows, as polars expressions."""

from collections.abc import Sequence

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import EVENT_TIME, SESSION, SYMBOL, Dataset
from market.quality.checks import CHECKS
from market.quality.rules import Example, Finding, Inspection, Rule, Severity, Surroundings
from market.quality.target import MAX_EXAMPLES_SHOWN, NEW, ROW, Target, target_of


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
    breaches: list[pl.DataFrame] = []
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
        breaches.append(
            bad.filter(pl.col(ROW) >= 0).select(
                ROW, rule=pl.lit(rule.id), severity=pl.lit(rule.severity.value)
            )
        )
    return _divide(rows, breaches, tuple(findings))


def flagged(
    rows: pl.DataFrame, inspection: Inspection, *, dataset: Dataset, rules: Sequence[Rule]
) -> pl.DataFrame:
    """Add to the inspected `rows` one column for each rule that applies: whether a row broke it.

    The columns are named by `flag_column`; suites of other tools read the gate's answer there.
    """
    numbered = rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    flags = [
        pl.col(ROW)
        .is_in(inspection.broken.filter(pl.col("rule") == rule.id)[ROW].implode())
        .alias(flag_column(rule))
        for rule in rules
        if rule.reads(dataset) is not None
    ]
    return numbered.with_columns(flags).drop(ROW)


def flag_column(rule: Rule) -> str:
    """Return the name of the column in which `flagged` marks the rows that broke `rule`."""
    return f"breaks {rule.id}"


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
    return target_of(ordered, dataset=dataset, around=around)


def _finding(rule: Rule, dataset: Dataset, bad: pl.DataFrame) -> Finding:
    examples = tuple(
        Example(str(row[SYMBOL]), row[SESSION], str(row["detail"]))
        for row in bad.head(MAX_EXAMPLES_SHOWN).iter_rows(named=True)
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
    rows: pl.DataFrame, breaches: list[pl.DataFrame], findings: tuple[Finding, ...]
) -> Inspection:
    schema = {ROW: pl.Int64, "rule": pl.String, "severity": pl.String}
    broken = pl.concat([pl.DataFrame(schema=schema), *breaches])
    reasons = (
        broken.filter(pl.col("severity") == Severity.STOP.value)
        .group_by(ROW)
        .agg(pl.col("rule").unique().sort().str.join("; ").alias("reason"))
    )
    numbered = rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    return Inspection(
        passed=numbered.join(reasons, on=ROW, how="anti", maintain_order="left").drop(ROW),
        quarantined=numbered.join(reasons, on=ROW, how="inner", maintain_order="left").drop(ROW),
        findings=findings,
        broken=broken,
    )
