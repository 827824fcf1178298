"""Two versions on the rows that both foretold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from models.loading import load_predictor
from models.predictors import FILE_NAMES
from services.model_documents import (
    MANIFEST,
    OUTCOME,
    PREDICTIONS,
    RESULT,
    SHORTFALL,
    Manifest,
    read_manifest,
)
from services.ports import ModelRegistry, ModelVersion

REPLAY_SESSIONS = 504
FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class PairedRows:
    """Both predictions and the outcome as grids of shape (n_symbols, n_sessions).

    Attributes
    ----------
    beside : mapping of str to ndarray
        What a kind is judged by beside its prediction: the shortfall of each version, the result of
        the session that a size was held for.
    """

    symbols: tuple[str, ...]
    sessions: DateArray
    outcome: FloatArray
    first: FloatArray
    second: FloatArray
    beside: Mapping[str, FloatArray] = field(default_factory=dict)

    def last(self, count: int) -> "PairedRows":
        """Return the last `count` sessions."""
        outcome, first, second = (g[:, -count:] for g in (self.outcome, self.first, self.second))
        beside = {name: grid[:, -count:] for name, grid in self.beside.items()}
        return PairedRows(self.symbols, self.sessions[-count:], outcome, first, second, beside)

    @staticmethod
    def of(table: pl.DataFrame, *, beside: Sequence[str] = ()) -> "PairedRows":
        """Spread a table over the grids; NaN where a column has no value.

        Its columns are `symbol`, `session`, `outcome`, `first`, `second` and those of `beside`.
        """
        symbols = table["symbol"].unique().sort()
        sessions = table["session"].unique().sort()
        row = table["symbol"].replace_strict(symbols, pl.int_range(len(symbols), eager=True))
        column = table["session"].replace_strict(sessions, pl.int_range(len(sessions), eager=True))
        grids = {}
        for name in (OUTCOME, FIRST, SECOND, *beside):
            grid = np.full((len(symbols), len(sessions)), np.nan)
            grid[row.to_numpy(), column.to_numpy()] = table[name].to_numpy()
            grids[name] = grid
        days = sessions.to_numpy().astype("datetime64[D]")
        outcome, first, second = (grids.pop(name) for name in (OUTCOME, FIRST, SECOND))
        return PairedRows(tuple(symbols), days, outcome, first, second, grids)


def manifest_of(registry: ModelRegistry, *versions: ModelVersion) -> Manifest:
    """Return the first manifest that one of the versions has; the naive baseline has none."""
    for version in versions:
        if MANIFEST in version.sha256:
            return read_manifest(registry.read(version, MANIFEST))
    raise MissingDataError("neither version has a manifest: train one of them again")


def paired_rows(registry: ModelRegistry, one: ModelVersion, other: ModelVersion) -> PairedRows:
    """Return the rows that both versions foretold out of sample.

    Raises
    ------
    MissingDataError
        If neither kept its predictions, or they share no row.
    """
    tables = {v.version: _predictions(registry, v) for v in (one, other)}
    known = [table for table in tables.values() if table is not None]
    if not known:
        raise MissingDataError(
            f"neither {one.label} nor {other.label} has predictions out of sample"
        )
    joined = known[0].select("symbol", "session", OUTCOME, *_there(known[0], RESULT))
    for side, version in ((FIRST, one), (SECOND, other)):
        own = tables[version.version]
        # The naive baseline keeps no table: it was among the contenders of the other's.
        table = known[0] if own is None else own
        if version.estimator not in table.columns:
            same = _constant(registry, version)
            joined = joined.with_columns(pl.lit(same).alias(side))
            continue
        shortfall = _there(table, f"{version.estimator}{SHORTFALL}")
        column = table.select(
            "symbol",
            "session",
            pl.col(version.estimator).alias(side),
            *(pl.col(name).alias(f"{side}{SHORTFALL}") for name in shortfall),
        )
        joined = joined.join(column, on=["symbol", "session"], how="inner")
    joined = joined.drop_nans().drop_nulls()
    if joined.is_empty():
        raise MissingDataError(f"{one.label} and {other.label} share no predicted row")
    beside = [c for c in joined.columns if c not in {"symbol", "session", OUTCOME, FIRST, SECOND}]
    return PairedRows.of(joined, beside=beside)


def _there(table: pl.DataFrame, name: str) -> list[str]:
    return [name] if name in table.columns else []


def _constant(registry: ModelRegistry, version: ModelVersion) -> float:
    content = registry.read(version, FILE_NAMES[version.format])
    return load_predictor(version.format, content).predict_row(np.empty(0))


def _predictions(registry: ModelRegistry, version: ModelVersion) -> pl.DataFrame | None:
    if PREDICTIONS not in version.sha256:
        return None
    return pl.read_parquet(BytesIO(registry.read(version, PREDICTIONS)))
