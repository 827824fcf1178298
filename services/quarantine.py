"""Let rows that the gate set aside into the lake after all, because a person looked at them."""

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import Dataset
from services.market_data import MarketData
from services.ports import Appended


def release_rows(
    market: MarketData, dataset: str, rows: pl.DataFrame, *, by: str, why: str
) -> Appended:
    """Append rows past the gate; the lake's commit says by whom and why.

    What makes a row unreadable is no matter of judgement: a row without symbol, time or any value
    is refused, and so is one whose key another released row has.

    Parameters
    ----------
    rows : DataFrame
        The dataset's columns, as text.

    Raises
    ------
    InvalidInputError
        If `by` or `why` is empty, or a row cannot be stored.
    MissingDataError
        If the lake has no such dataset.
    """
    if not by.strip() or not why.strip():
        raise InvalidInputError("a release needs a name and a reason: give --by and --why")
    known = market.lake.state(dataset).dataset
    typed = _typed(known, rows)
    return market.lake.append(
        known, typed, lineage={"source": "quarantine", "released_by": by, "why": why}
    )


def _typed(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in the dataset's types."""
    columns = []
    for name, kind in dataset.schema.items():
        text = pl.col(name)
        if isinstance(kind, pl.Datetime):
            columns.append(text.str.to_datetime(time_unit="us", time_zone="UTC", strict=False))
        elif kind == pl.Date:
            columns.append(text.str.to_date(strict=False))
        else:
            columns.append(text.cast(kind, strict=False))
    typed = dataset.conform(rows.select(columns))
    lost = typed.select(pl.any_horizontal(pl.col(*dataset.key).is_null())).to_series()
    nothing = typed.select(pl.all_horizontal(pl.col(*dataset.fields).is_null())).to_series()
    if (lost | nothing).any():
        place = int((lost | nothing).arg_max() or 0)
        raise InvalidInputError(
            f"row {place + 1} has no symbol, no time or no value: correct it and import it instead"
        )
    if not typed.select(dataset.key).is_unique().all():
        raise InvalidInputError(
            "two of the rows stand for the same symbol and time: import the right one instead"
        )
    return typed
