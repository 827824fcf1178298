"""Checks that hold a session's rows against each other."""

import polars as pl

from market.datasets import SESSION, SYMBOL
from market.quality.rules import Rule
from market.quality.target import MOVE, NEW, PREVIOUS, PRICE, ROW, Target


def swapped(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find two symbols of one session of which each stands where the other stood.

    Both moved by more than `at_least` (log) and each is within `tolerance` of the other's last
    price.
    """
    del fields
    moved = target.moves.lazy().filter(pl.col(NEW) & (pl.col(MOVE).abs() > rule.number("at_least")))
    sides = moved.select(SESSION, ROW, SYMBOL, PRICE, PREVIOUS)
    tolerance = rule.number("tolerance")
    crossed = (pl.col(PRICE) / pl.col(f"{PREVIOUS}_right")).log().abs() < tolerance
    back = (pl.col(f"{PRICE}_right") / pl.col(PREVIOUS)).log().abs() < tolerance
    found = (
        sides.join(sides, on=SESSION)
        .filter((pl.col(SYMBOL) != pl.col(f"{SYMBOL}_right")) & crossed & back)
        .unique(subset=[ROW], keep="first", maintain_order=True)
        .collect()
    )
    detail = pl.format("stands where {} stood", f"{SYMBOL}_right")
    return found.select(ROW, SYMBOL, SESSION, detail=detail) if found.height else target.nothing()


def session_repeated(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find sessions in which the share `at_least` of three or more prices repeats the last."""
    del fields
    count, same = pl.len().over(SESSION), (pl.col(MOVE) == 0).sum().over(SESSION)
    bad = (count >= 3) & (same >= rule.number("at_least") * count)
    return target.report(bad, pl.lit("the whole session repeats the one before"), moves=True)


def session_jump(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find sessions in which at least half of three or more symbols move beyond `at_least`."""
    del fields
    count = pl.len().over(SESSION)
    far = (pl.col(MOVE).abs() > rule.number("at_least")).sum().over(SESSION)
    return target.report(
        (count >= 3) & (far * 2 >= count), pl.lit("half the market jumped"), moves=True
    )


def session_thin(target: Target, rule: Rule, fields: tuple[str, ...]) -> pl.DataFrame:
    """Find sessions with fewer than `at_least` of the three or more symbols of the one before."""
    del fields
    if target.around.sessions is None:
        return target.nothing()
    per = (
        target.rows.group_by(SESSION)
        .agg(pl.col(SYMBOL).n_unique().alias("_count"), pl.col(NEW).any(), pl.col(ROW).max())
        .sort(SESSION)
        .with_columns(pl.col("_count").shift(1).alias("_before"))
    )
    thin = per.filter(
        pl.col(NEW)
        & (pl.col("_before") >= 3)
        & (pl.col("_count") < rule.number("at_least") * pl.col("_before"))
    )
    if thin.is_empty():
        return target.nothing()
    return thin.select(
        pl.lit(-1, dtype=pl.Int64).alias(ROW),
        pl.lit("*").alias(SYMBOL),
        SESSION,
        detail=pl.format("{} symbols after {}", "_count", "_before"),
    )
