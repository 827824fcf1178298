"""The checks that a rule can name: each returns the rows that break it, with the detail shown.

A check sees the rows ordered by symbol and event time behind their stored history; it reports
rows that are new. Rows of the answer that stand for something missing have row number -1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL, Dataset
from market.quality.rules import Rule, Surroundings

ROW, NEW = "_row", "_new"
ANSWER = (ROW, SYMBOL, SESSION, "detail")


@dataclass(frozen=True, slots=True)
class Target:
    """The rows under inspection and what surrounds them."""

    rows: pl.DataFrame
    dataset: Dataset
    around: Surroundings


Check = Callable[[Target, Rule, tuple[str, ...]], pl.DataFrame]


def required(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows where a field is null, NaN or infinite."""
    del rule
    holes = [pl.col(name).is_null() | ~pl.col(name).is_finite() for name in fields]
    named = [pl.when(h).then(pl.lit(n)) for h, n in zip(holes, fields, strict=True)]
    detail = pl.concat_str(named, separator=", ", ignore_nulls=True) + " missing"
    return _report(target, pl.any_horizontal(holes), detail)


def within(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows where a field leaves (`above`, `below`) or [`at_least`, `at_most`]."""
    bounds: list[Callable[[pl.Expr], pl.Expr]] = []
    if "above" in rule.parameters:
        bounds.append(lambda value: value <= rule.number("above"))
    if "at_least" in rule.parameters:
        bounds.append(lambda value: value < rule.number("at_least"))
    if "below" in rule.parameters:
        bounds.append(lambda value: value >= rule.number("below"))
    if "at_most" in rule.parameters:
        bounds.append(lambda value: value > rule.number("at_most"))
    outside = {n: pl.any_horizontal(bound(pl.col(n)) for bound in bounds) for n in fields}
    detail = pl.concat_str(
        [pl.when(bad).then(pl.format(f"{n} {{}}", n)) for n, bad in outside.items()],
        separator=", ",
        ignore_nulls=True,
    )
    return _report(target, pl.any_horizontal(outside.values()), detail)


def bar_order(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find bars whose high is not the highest or whose low is not the lowest of the prices."""
    del fields
    slack = 1 + rule.number("tolerance", 1e-9)
    top, bottom = pl.max_horizontal("open", "low", "close"), pl.min_horizontal("open", "close")
    bad = (pl.col("high") * slack < top) | (pl.col("low") > bottom * slack)
    return _report(
        target, bad, pl.format("open {} high {} low {} close {}", "open", "high", "low", "close")
    )


def unique_key(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows whose key stood earlier in the same delivery."""
    del rule, fields
    again = pl.int_range(pl.len()).over(target.dataset.key, order_by=ROW) > 0
    return _report(target, again, pl.format("{} stands twice", EVENT_TIME))


def in_order(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows stamped earlier than one that stood before them in the delivery.

    A delivery that is sorted otherwise (newest first, by symbol and then any way) is none of this:
    beyond the share `at_most` of rows out of order the check is silent.
    """
    del fields
    delivered = target.rows.lazy().filter(NEW).sort(ROW)
    latest = pl.col(EVENT_TIME).cum_max().over(SYMBOL)
    marked = delivered.with_columns(latest.alias("_latest"))
    late = marked.filter(pl.col(EVENT_TIME) < pl.col("_latest"))
    found = late.select(
        ROW, SYMBOL, SESSION, detail=pl.format("{} stands after {}", EVENT_TIME, "_latest")
    ).collect()
    rows = target.rows.filter(NEW).height
    return found if found.height <= rule.number("at_most", 0.4) * rows else _nothing(target)


def on_calendar(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows on a day that is not a session of the exchange."""
    del rule, fields
    sessions = target.around.sessions
    if sessions is None:
        return _nothing(target)
    return _report(
        target,
        ~pl.col(SESSION).is_in(sessions.implode()),
        pl.format("{} is no session", SESSION),
    )


def not_future(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows stamped after now, or known before they happened."""
    del rule, fields
    now = pl.lit(target.around.now).cast(target.rows.schema[EVENT_TIME])
    bad = (pl.col(EVENT_TIME) > now) | (pl.col(KNOWLEDGE_TIME) < pl.col(EVENT_TIME))
    return _report(target, bad, pl.format("event {} known {}", EVENT_TIME, KNOWLEDGE_TIME))


CHECKS: dict[str, Check] = {
    "required": required,
    "within": within,
    "bar_order": bar_order,
    "unique_key": unique_key,
    "in_order": in_order,
    "on_calendar": on_calendar,
    "not_future": not_future,
}


def _report(target: Target, bad: pl.Expr, detail: pl.Expr) -> pl.DataFrame:
    """Return the new rows for which `bad` is true; an unknown comparison is not a breach."""
    return (
        target.rows.lazy()
        .filter(bad.fill_null(value=False) & pl.col(NEW))
        .select(ROW, SYMBOL, SESSION, detail=detail)
        .collect()
    )


def _nothing(target: Target) -> pl.DataFrame:
    return target.rows.clear().select(ROW, SYMBOL, SESSION, detail=pl.lit(""))
