"""The tables that a model version keeps, as Parquet: predictions, losses, contributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray, IntArray
from features.panel import FeaturePanel
from market.panel import Panel
from models.contest import Contender
from models.dataset import Dataset
from services.model_documents import OUTCOME


def predictions_table(
    dataset: Dataset | Panel, grids: Mapping[str, FloatArray], outcome: FloatArray
) -> bytes:
    """Return every out-of-sample prediction as Parquet: symbol, session, outcome, one per model."""
    known = np.any([np.isfinite(grid) for grid in grids.values()], axis=0)
    symbol, session = np.nonzero(known)
    table = pl.DataFrame(
        {
            "symbol": np.array(dataset.symbols)[symbol],
            "session": dataset.sessions[session].astype("datetime64[ms]"),
            OUTCOME: outcome[known],
            **{name: grid[known] for name, grid in grids.items()},
        }
    ).with_columns(pl.col("session").cast(pl.Date))
    buffer = BytesIO()
    table.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def read_predictions(
    content: bytes, dataset: Dataset | FeaturePanel | Panel
) -> dict[str, FloatArray]:
    """Return each model's predictions on the grid of `dataset`, NaN where there is none."""
    table = pl.read_parquet(BytesIO(content))
    row = {symbol: i for i, symbol in enumerate(dataset.symbols)}
    where = np.array([row.get(symbol, -1) for symbol in table["symbol"].to_list()])
    days = table["session"].to_numpy().astype("datetime64[D]")
    column = np.searchsorted(dataset.sessions, days)
    inside = np.minimum(column, len(dataset.sessions) - 1)
    kept = (where >= 0) & (dataset.sessions[inside] == days)
    grids = {}
    for name in table.columns[3:]:
        grid = np.full((len(dataset.symbols), len(dataset.sessions)), np.nan)
        grid[where[kept], column[kept]] = table[name].to_numpy()[kept]
        grids[name] = grid
    return grids


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionGrids:
    """A table of predictions on its own grid of symbols and sessions."""

    symbols: tuple[str, ...]
    sessions: DateArray
    outcome: FloatArray
    values: Mapping[str, FloatArray]


def prediction_grids(content: bytes) -> PredictionGrids:
    """Return every column of a table of predictions as a grid, NaN where it has no row."""
    table = pl.read_parquet(BytesIO(content))
    symbols = tuple(table["symbol"].unique(maintain_order=True).to_list())
    days = table["session"].to_numpy().astype("datetime64[D]")
    sessions = np.unique(days)
    place = {symbol: i for i, symbol in enumerate(symbols)}
    row = np.array([place[symbol] for symbol in table["symbol"].to_list()])
    column = np.searchsorted(sessions, days)
    grids = {}
    for name in table.columns[2:]:
        grid = np.full((len(symbols), len(sessions)), np.nan)
        grid[row, column] = table[name].to_numpy()
        grids[name] = grid
    outcome = grids.pop(OUTCOME)
    return PredictionGrids(symbols=symbols, sessions=sessions, outcome=outcome, values=grids)


def last_predictions(content: bytes, model: str) -> dict[str, float]:
    """Return the newest prediction of `model` for each symbol, in the table's order."""
    table = pl.read_parquet(BytesIO(content)).filter(pl.col(model).is_finite())
    newest = table.sort("session").group_by("symbol", maintain_order=True).last().sort("symbol")
    return dict(zip(newest["symbol"].to_list(), newest[model].to_list(), strict=True))


def loss_by_month(contender: Contender, sessions: DateArray) -> list[tuple[int, float]]:
    """Return the mean loss of each calendar month out of sample, by months since January 1970."""
    if contender.sessions is None:
        return []
    months = sessions[contender.sessions].astype("datetime64[M]").astype(np.int64)
    return [
        (int(month), float(contender.losses[months == month].mean()))
        for month in np.unique(months)
    ]  # fmt: skip


def losses_table(field: Mapping[str, Contender], sessions: DateArray) -> bytes:
    """Return the loss of every contender on every session of the verdict, as Parquet."""
    columns = {name: c.losses for name, c in field.items() if c.sessions is not None}
    at = next((c.sessions for c in field.values() if c.sessions is not None), None)
    days = sessions[:0] if at is None else sessions[at]
    table = pl.DataFrame({"session": days.astype("datetime64[ms]"), **columns})
    buffer = BytesIO()
    table.with_columns(pl.col("session").cast(pl.Date)).write_parquet(
        buffer, compression="zstd", statistics=False
    )
    return buffer.getvalue()


def contributions_table(
    dataset: Dataset, rows: IntArray, contributions: FloatArray, *, names: Sequence[str]
) -> bytes:
    """Return what each feature added to each row's prediction, as Parquet; `base` is the rest."""
    columns = [*names, "base"]
    table = pl.DataFrame(
        {
            "symbol": np.array(dataset.symbols)[dataset.symbol[rows]],
            "session": dataset.sessions[dataset.session[rows]].astype("datetime64[ms]"),
            **{name: contributions[:, j] for j, name in enumerate(columns)},
        }
    ).with_columns(pl.col("session").cast(pl.Date))
    buffer = BytesIO()
    table.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()
