"""Checks that look at one row at a time, or at the delivery's own order and keys."""

from collections.abc import Callable

import polars as pl

from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SESSION, SYMBOL
from market.quality.rules import Rule
from market.quality.target import NEW, ROW, Target


def required(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows where a field is null, NaN or infinite."""
    del rule
    holes = [pl.col(name).is_null() | ~pl.col(name).is_finite() for name in fields]
    named = [pl.when(h).then(pl.lit(n)) for h, n in zip(holes, fields, strict=True)]
    detail = pl.concat_str(named, separator=", ", ignore_nulls=True) + " missing"
    return target.report(pl.any_horizontal(holes), detail)


def within(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows where a field leaves (`above`, `below`), [`at_least`, `at_most`] or is infinite."""
    bounds: list[Callable[[pl.Expr], pl.Expr]] = [lambda value: value.is_infinite()]
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
    return target.report(pl.any_horizontal(outside.values()), detail)


def bar_order(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find bars whose high is not the highest or whose low is not the lowest of the prices."""
    del fields
    slack = 1 + rule.number("tolerance", 1e-9)
    top, bottom = pl.max_horizontal("open", "low", "close"), pl.min_horizontal("open", "close")
    bad = (pl.col("high") * slack < top) | (pl.col("low") > bottom * slack)
    return target.report(
        bad, pl.format("open {} high {} low {} close {}", "open", "high", "low", "close")
    )


def bar_range(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find bars whose high is more than `at_most` times the low."""
    del fields
    wide = pl.col("high") > pl.col("low") * rule.number("at_most")
    return target.report(wide, pl.format("high {} low {}", "high", "low"))


def symbol_form(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find symbols that do not match the regular expression `pattern`."""
    del fields
    odd = ~pl.col(SYMBOL).str.contains(str(rule.parameters["pattern"]))
    return target.report(odd, pl.format("symbol '{}'", SYMBOL))


def unique_key(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows whose key stood earlier in the same delivery."""
    del rule, fields
    again = pl.int_range(pl.len()).over(target.dataset.key, order_by=ROW) > 0
    return target.report(again, pl.format("{} stands twice", EVENT_TIME))


def in_order(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows stamped earlier than one that stood before them in the delivery.

    A delivery that is sorted otherwise (newest first, or not at all) is none of this: beyond the
    share `at_most` of rows out of order the check is silent.
    """
    del fields
    delivered = target.rows.lazy().filter(NEW).sort(ROW)
    latest = pl.col(EVENT_TIME).cum_max().over(SYMBOL)
    late = delivered.with_columns(latest.alias("_latest")).filter(
        pl.col(EVENT_TIME) < pl.col("_latest")
    )
    found = late.collect()
    rows = target.rows.filter(NEW).height
    if found.is_empty() or found.height > rule.number("at_most", 0.4) * rows:
        return target.nothing()
    detail = pl.format("{} stands after {}", EVENT_TIME, "_latest")
    return found.select(ROW, SYMBOL, SESSION, detail=detail)


def on_calendar(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows on a day that is not a session of the exchange."""
    del rule, fields
    calendar = target.around.sessions
    if calendar is None:
        return target.nothing()
    known = calendar[SESSION].implode()
    return target.report(~pl.col(SESSION).is_in(known), pl.format("{} is no session", SESSION))


def in_session_hours(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows stamped outside their session's hours by more than `slack_minutes`."""
    del fields
    if target.around.sessions is None:
        return target.nothing()
    times = target.around.sessions.select(SESSION, "open_time", "close_time")
    slack = pl.duration(minutes=int(rule.number("slack_minutes", 0)))
    stamp = pl.col(EVENT_TIME)
    early, late = stamp < pl.col("open_time") - slack, stamp > pl.col("close_time") + slack
    # A daily bar happens at the close: hours earlier means the wrong zone.
    if target.dataset.frequency == "1d":
        early = stamp < pl.col("close_time") - slack
    found = (
        target.rows.lazy()
        .filter(NEW)
        .join(times.lazy(), on=SESSION, how="inner")
        .filter(early | late)
        .collect()
    )
    detail = pl.format("{} is outside the session", EVENT_TIME)
    return found.select(ROW, SYMBOL, SESSION, detail=detail) if found.height else target.nothing()


def not_future(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows stamped after now."""
    del rule, fields
    now = pl.lit(target.around.now).cast(target.rows.schema[EVENT_TIME])
    return target.report(pl.col(EVENT_TIME) > now, pl.format("event {}", EVENT_TIME))


def known_after_event(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows known before they happened, or more than `at_most_days` after."""
    del fields
    lag = pl.col(KNOWLEDGE_TIME) - pl.col(EVENT_TIME)
    bad = (lag < pl.duration()) | (lag > pl.duration(days=int(rule.number("at_most_days", 36500))))
    return target.report(bad, pl.format("event {} known {}", EVENT_TIME, KNOWLEDGE_TIME))


def ordered_pair(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows whose first field is not below the second."""
    del rule
    lower, upper = fields
    return target.report(
        pl.col(lower) >= pl.col(upper), pl.format(f"{lower} {{}} {upper} {{}}", lower, upper)
    )


def id_gap(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows whose id leaves a gap to the symbol's row before; `snapshot` rows start anew."""
    del rule
    name = fields[0]
    order = target.dataset.sequence or EVENT_TIME
    step = pl.col(name) - pl.col(name).shift(1).over(SYMBOL, order_by=[EVENT_TIME, order])
    fresh = (pl.col("snapshot") != 1) if "snapshot" in target.dataset.fields else pl.lit(value=True)
    return target.report((step > 1) & fresh, pl.format("{} after a gap", name))
