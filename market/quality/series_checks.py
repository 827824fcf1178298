"""Checks that hold a row against its symbol's past."""

import polars as pl

from market.datasets import EVENT_TIME, SESSION, SYMBOL
from market.quality.rules import Rule
from market.quality.target import MOVE, NEW, PREVIOUS, PRICE, ROW, TYPICAL, Target

SPLITS = (2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 10.0, 15.0, 20.0, 1.5)  # New shares for one old.
SHOWN = pl.format("{} after {}", pl.col(PRICE), pl.col(PREVIOUS))


def stale(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows whose `fields` all repeat the row before, `repeats` times in a row or more."""
    repeats = int(rule.number("repeats"))
    same = pl.all_horizontal(pl.col(n).eq(pl.col(n).shift(1).over(SYMBOL)) for n in fields)
    run = pl.col("_same").cast(pl.Int32).rolling_sum(repeats, min_samples=repeats).over(SYMBOL)
    found = (
        target.moves.lazy()
        .with_columns(same.fill_null(value=False).alias("_same"))
        .with_columns(run.alias("_run"))
        .filter((pl.col("_run") >= repeats) & pl.col(NEW))
        .collect()
    )
    detail = pl.format("{} repeats", fields[0])
    return found.select(ROW, SYMBOL, SESSION, detail=detail) if found.height else target.nothing()


def missing_sessions(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find sessions without a row between a symbol's first row and the delivery's last session.

    A symbol that ended more than `ended_after` sessions before is not missed after its end.
    """
    del fields
    calendar = target.around.sessions
    if calendar is None:
        return target.nothing()
    end = target.rows[SESSION].max()
    past = calendar.filter(pl.col(SESSION) <= end)[SESSION]
    if past.is_empty():
        return target.nothing()
    grace = past[-min(len(past), int(rule.number("ended_after", 5)) + 1)]
    span = target.rows.group_by(SYMBOL).agg(
        pl.col(SESSION).min().alias("_first"), pl.col(SESSION).max().alias("_last")
    )
    until = pl.when(pl.col("_last") >= grace).then(pl.lit(end)).otherwise("_last")
    expected = span.join(pl.DataFrame({SESSION: past}), how="cross").filter(
        (pl.col(SESSION) > pl.col("_first")) & (pl.col(SESSION) <= until)
    )
    absent = expected.join(target.rows.select(SYMBOL, SESSION), on=[SYMBOL, SESSION], how="anti")
    # What was missing earlier was reported with the delivery that missed it.
    before = target.rows.filter(~pl.col(NEW))[SESSION].max()
    fresh = absent if before is None else absent.filter(pl.col(SESSION) > before)
    return fresh.sort(SYMBOL, SESSION).select(
        pl.lit(-1, dtype=pl.Int64).alias(ROW), SYMBOL, SESSION, detail=pl.lit("no row")
    )


def outlier(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find moves beyond `at_least` and beyond `multiple` times the usual move of the symbol.

    A move on the ex-date of a known corporate action, or one that the adjusted close does not
    share, is explained.
    """
    del fields
    limit = pl.max_horizontal(
        pl.lit(rule.number("at_least")), rule.number("multiple") * pl.col(TYPICAL).fill_null(0.0)
    )
    bad = (pl.col(MOVE).abs() > limit) & ~_explained(target)
    return target.report(bad, SHOWN, moves=True)


def reversal(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find prices that leave by more than `at_least` (log) and come straight back."""
    del fields
    after = pl.col(MOVE).shift(-1).over(SYMBOL)
    back = (pl.col(MOVE) + after).abs() < rule.number("returns_within", 0.2) * pl.col(MOVE).abs()
    large = pl.col(MOVE).abs() > pl.max_horizontal(
        pl.lit(rule.number("at_least")), rule.number("multiple") * pl.col(TYPICAL).fill_null(0.0)
    )
    # The way back may be in a later delivery: then the row that returns is the one reported.
    left = pl.col(MOVE).shift(1).over(SYMBOL)
    came_back = (pl.col(MOVE) + left).abs() < rule.number("returns_within", 0.2) * left.abs()
    was_new = pl.col(NEW).shift(1).over(SYMBOL)
    return target.report((large & back) | (large & came_back & ~was_new), SHOWN, moves=True)


def scale(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find prices that are about `factor` times, or one `factor`th of, the symbol's last ones.

    Held against the median of the five prices before, of which the wrong ones are few.
    """
    del fields
    usual = pl.col(PRICE).shift(1).rolling_median(5, min_samples=1).over(SYMBOL)
    distance = ((pl.col(PRICE) / usual).log().abs() - pl.lit(rule.number("factor")).log()).abs()
    return target.report(distance < rule.number("tolerance", 0.3), SHOWN, moves=True)


def split_like(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find moves by the ratio of a common split, within `tolerance` (log), that none explains."""
    del fields
    near = pl.any_horizontal(
        (pl.col(MOVE).abs() - pl.lit(ratio).log()).abs() < rule.number("tolerance")
        for ratio in SPLITS
    )
    return target.report(near & ~_explained(target), SHOWN, moves=True)


def volume_spike(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find volume beyond `at_most` times, or below one `at_most`th of, its median before."""
    del fields
    usual = pl.col("volume").shift(1).rolling_median(60, min_samples=20).over(SYMBOL)
    times = pl.col("volume") / usual
    limit = rule.number("at_most")
    bad = (times > limit) | ((times < 1 / limit) & (pl.col("volume") > 0))
    return target.report(bad, pl.format("volume {}", "volume"), moves=True)


def volume_absent(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find rows without volume whose price moved, where the symbol's volume is usually there."""
    del rule, fields
    usual = pl.col("volume").shift(1).rolling_median(60, min_samples=5).over(SYMBOL)
    bad = (pl.col("volume") == 0) & (pl.col(MOVE) != 0) & (usual > 0)
    return target.report(bad, pl.format("volume 0, price {}", PRICE), moves=True)


def new_symbol(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find symbols of which the stored history knows nothing, where there is a history."""
    del rule, fields
    history = target.around.history
    if history is None or history.is_empty():
        return target.nothing()
    seen = history[SYMBOL].unique().implode()
    first = pl.col(EVENT_TIME) == pl.col(EVENT_TIME).min().over(SYMBOL)
    return target.report(first & ~pl.col(SYMBOL).is_in(seen), pl.lit("not in the last sessions"))


def _explained(target: Target) -> pl.Expr:
    """Tell whether a corporate action explains a row's move."""
    explained = pl.lit(value=False)
    if "adj_close" in target.dataset.fields:
        adjusted = (pl.col("adj_close") / pl.col("adj_close").shift(1).over(SYMBOL)).log()
        explained = adjusted.abs() < 0.5 * pl.col(MOVE).abs()
    if target.around.actions is not None:
        known = target.around.actions.select(pl.format("{} {}", SYMBOL, SESSION).alias("_day"))[
            "_day"
        ]
        explained = explained | pl.format("{} {}", SYMBOL, SESSION).is_in(known.implode())
    return explained.fill_null(value=False)
