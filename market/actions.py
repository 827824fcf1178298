"""Corporate actions: prices are stored as traded and adjusted on read, for a stated purpose.

A split of ratio s makes s new shares of one old; a cash dividend d leaves the price at the open
of its ex-date. Adjusting multiplies what was traded BEFORE an ex-date:

- `AS_TRADED`: nothing; what one could trade at, for fills and limits;
- `SPLITS`: prices by 1 / s, volume by s; comparable share counts, for volume and levels;
- `RETURNS`: prices also by 1 - d / (close before the ex-date), the total return of holding and
  reinvesting (CRSP's method); for returns, features and risk.

An action counts from its knowledge time: adjusted as of a moment, prices know no later action.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from market.datasets import KNOWLEDGE_TIME, SESSION, SYMBOL, UTC_MICROSECONDS

PRICES = ("open", "high", "low", "close", "vwap", "bid", "ask")
VOLUMES = ("volume",)
ACTION_SCHEMA = {
    SYMBOL: pl.String(),
    SESSION: pl.Date(),
    KNOWLEDGE_TIME: UTC_MICROSECONDS,
    "split": pl.Float64(),
    "dividend": pl.Float64(),
}


class Purpose(StrEnum):
    """What adjusted prices are for."""

    AS_TRADED = "as_traded"
    SPLITS = "splits"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """A split or a cash dividend on its ex-date.

    Attributes
    ----------
    split : float
        New shares for one old; 1 for none.
    dividend : float
        Cash for one share as held before the ex-date, in the currency of the price; 0 for none.
    known_at : datetime
        When it was announced, aware.
    """

    symbol: str
    session: date
    known_at: datetime
    split: float = 1.0
    dividend: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.split) and self.split > 0):
            raise InvalidInputError(
                f"{self.symbol} {self.session}: split must be positive, got {self.split}"
            )
        if not (np.isfinite(self.dividend) and self.dividend >= 0):
            raise InvalidInputError(
                f"{self.symbol} {self.session}: dividend must not be negative, got {self.dividend}"
            )
        if self.known_at.tzinfo is None:
            raise InvalidInputError(f"{self.symbol} {self.session}: known_at needs a time zone")


def action_table(actions: Sequence[CorporateAction]) -> pl.DataFrame:
    """Return the actions as rows of `ACTION_SCHEMA`."""
    rows = [(a.symbol, a.session, a.known_at, a.split, a.dividend) for a in actions]
    return pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row")


def adjust(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    purpose: Purpose,
    as_of: datetime | None = None,
) -> pl.DataFrame:
    """Return `bars` (symbol, session, close and others) adjusted for `purpose`.

    Only actions known at `as_of` (None: all) whose ex-date is not after the last bar count, so
    that the last bar of each symbol is as traded.

    Raises
    ------
    MissingDataError
        If a dividend is to be adjusted for and the close before its ex-date is missing.
    """
    if purpose is Purpose.AS_TRADED or bars.is_empty():
        return bars
    known = actions if as_of is None else actions.filter(pl.col(KNOWLEDGE_TIME) <= as_of)
    factors = _factors(bars, known, purpose)
    names = (SYMBOL, SESSION)
    joined = (
        bars.with_row_index("_order")
        .sort(SESSION)
        # A bar takes the factors of the first ex-date after it.
        .join_asof(
            factors.sort(SESSION),
            on=SESSION,
            by=SYMBOL,
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .sort("_order")
    )
    price, shares = pl.col("_price").fill_null(1.0), pl.col("_shares").fill_null(1.0)
    scaled = [pl.col(n) * price for n in PRICES if n in bars.columns and n not in names]
    scaled += [pl.col(n) * shares for n in VOLUMES if n in bars.columns]
    return joined.with_columns(scaled).select(bars.columns)


def infer_actions(bars: pl.DataFrame, *, smallest: float = 1e-4) -> pl.DataFrame:
    """Read splits and dividends out of bars that carry `close` and `adj_close`.

    The ratio adj_close / close is constant between ex-dates; where it steps by a common split
    ratio it was a split, elsewhere a dividend. Steps below `smallest` are rounding. The actions
    are known at the bar of their ex-date: nothing says when they were announced.

    Parameters
    ----------
    bars : DataFrame
        symbol, session, event_time, close, adj_close.
    """
    factor = pl.col("adj_close") / pl.col("close")
    stepped = bars.sort(SYMBOL, SESSION).with_columns(
        (factor.shift(1).over(SYMBOL) / factor).alias("_step"),
        pl.col("close").shift(1).over(SYMBOL).alias("_before"),
    )
    found = stepped.filter((pl.col("_step") - 1).abs() > smallest)
    # Before a split of 2 for 1 the factor is half: the step down in time is 1 / 2.
    ratio = 1 / pl.col("_step")
    whole = ratio.round(0)
    is_split = ((ratio - whole).abs() < 0.05 * whole) & (whole >= 2)
    is_merge = (pl.col("_step") >= 1.9) & ((pl.col("_step") - pl.col("_step").round(0)).abs() < 0.1)
    split = (
        pl.when(is_split).then(whole).when(is_merge).then(1 / pl.col("_step").round(0)).otherwise(1)
    )
    return found.select(
        SYMBOL,
        SESSION,
        pl.col("event_time").alias(KNOWLEDGE_TIME),
        split.cast(pl.Float64).alias("split"),
        pl.when(split == 1)
        .then(pl.col("_before") * (1 - pl.col("_step")))
        .otherwise(0.0)
        .clip(lower_bound=0.0)
        .alias("dividend"),
    )


def _factors(bars: pl.DataFrame, actions: pl.DataFrame, purpose: Purpose) -> pl.DataFrame:
    """Return, for each symbol and ex-date, the product of this and every later action."""
    last = bars.group_by(SYMBOL).agg(pl.col(SESSION).max().alias("_last"))
    due = actions.join(last, on=SYMBOL).filter(pl.col(SESSION) <= pl.col("_last"))
    combined = due.group_by(SYMBOL, SESSION).agg(
        pl.col("split").product(), pl.col("dividend").sum()
    )
    keep = pl.lit(1.0)
    if purpose is Purpose.RETURNS:
        combined = _with_close_before(combined, bars)
        keep = 1 - pl.col("dividend") / pl.col("_close")
    step = combined.with_columns(
        (keep / pl.col("split")).alias("_price"), pl.col("split").alias("_shares")
    ).sort(SYMBOL, SESSION, descending=[False, True])
    return step.select(
        SYMBOL,
        SESSION,
        pl.col("_price").cum_prod().over(SYMBOL),
        pl.col("_shares").cum_prod().over(SYMBOL),
    )


def _with_close_before(actions: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Add the close before each ex-date; an ex-date before every bar adjusts nothing."""
    closes = bars.select(SYMBOL, SESSION, pl.col("close").alias("_close")).sort(SESSION)
    joined = actions.sort(SESSION).join_asof(
        closes,
        on=SESSION,
        by=SYMBOL,
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    first = bars.group_by(SYMBOL).agg(pl.col(SESSION).min().alias("_first"))
    within = joined.join(first, on=SYMBOL).filter(pl.col(SESSION) > pl.col("_first"))
    lost = within.filter(~pl.col("_close").is_finite().fill_null(value=False))
    if not lost.is_empty():
        row = lost.row(0, named=True)
        raise MissingDataError(
            f"{row[SYMBOL]}: no close before the ex-date {row[SESSION]} to adjust a dividend"
        )
    return within
