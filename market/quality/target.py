"""What a check looks at: the new rows behind their history, and the moves between rows."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from market.datasets import SESSION, SYMBOL, Dataset
from market.quality.rules import Rule, Surroundings

ROW, NEW = "_row", "_new"
PRICE, PREVIOUS, MOVE, TYPICAL = "_price", "_previous", "_move", "_typical"
MAX_EXAMPLES_SHOWN = 5
TYPICAL_ROWS = 60  # Rows over which the usual size of a move is measured,
TYPICAL_MIN_ROWS = 20  # and how many it needs.
TO_SIGMA = 1.4826  # Median absolute value to standard deviation, for a normal variable.


@dataclass(frozen=True, slots=True)
class Target:
    """The rows under inspection and what surrounds them.

    Attributes
    ----------
    rows : DataFrame
        History and new rows, ordered by symbol and event time; `_row` is the place in the
        delivery (-1 in history), `_new` tells new rows.
    moves : DataFrame
        The rows that have a positive price, with `_price`, `_previous` (the symbol's price
        before), `_move` (log return) and `_typical` (usual size of a move until then).
    """

    rows: pl.DataFrame
    moves: pl.DataFrame
    dataset: Dataset
    around: Surroundings

    def report(self, bad: pl.Expr, detail: pl.Expr, *, moves: bool = False) -> pl.DataFrame:
        """Return the new rows for which `bad` is true; an unknown comparison is no breach."""
        rows = self.moves if moves else self.rows
        found = rows.lazy().filter(bad.fill_null(value=False) & pl.col(NEW)).collect()
        if found.is_empty():  # Formatting the text of no rows is where polars 2.1 may panic.
            return self.nothing()
        return found.select(ROW, SYMBOL, SESSION, detail=detail)

    def nothing(self) -> pl.DataFrame:
        """Return the answer of a check that found nothing."""
        return self.rows.clear().select(ROW, SYMBOL, SESSION, detail=pl.lit(""))


Check = Callable[[Target, Rule, tuple[str, ...]], pl.DataFrame]


def target_of(rows: pl.DataFrame, *, dataset: Dataset, around: Surroundings) -> Target:
    """Measure the moves of the ordered `rows`; a dataset without price has none."""
    if "close" not in dataset.fields:
        return Target(rows, rows.clear().with_columns(_blank()), dataset, around)
    price = pl.col("close")
    before = price.shift(1).over(SYMBOL)
    move = (price / before).log()
    priced = rows.filter(price.is_finite() & (price > 0)).unique(
        subset=list(dataset.key), keep="first", maintain_order=True
    )
    moves = priced.with_columns(
        price.alias(PRICE), before.alias(PREVIOUS), move.alias(MOVE)
    ).with_columns(
        (
            pl.col(MOVE).abs().shift(1).rolling_median(TYPICAL_ROWS, min_samples=TYPICAL_MIN_ROWS)
            * TO_SIGMA
        )
        .over(SYMBOL)
        .alias(TYPICAL)
    )
    return Target(rows, moves, dataset, around)


def _blank() -> list[pl.Expr]:
    return [pl.lit(None, dtype=pl.Float64).alias(name) for name in (PRICE, PREVIOUS, MOVE, TYPICAL)]
