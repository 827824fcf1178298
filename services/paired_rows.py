"""Two versions on the rows that both foretold, and the losses by which they are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from models.evaluation import (
    long_short_returns,
    rank_information_coefficient,
    squared_error,
)
from models.loading import load_predictor
from models.predictors import FILE_NAMES
from models.volatility import VolatilitySpec
from services.model_documents import (
    MANIFEST,
    OUTCOME,
    PREDICTIONS,
    QLIKE,
    SQUARED_ERROR,
    Manifest,
    read_manifest,
)
from services.ports import ModelRegistry, ModelVersion

REPLAY_SESSIONS = 504
# Cost of trading one unit of weight in the net return: 5 basis points.
COST_RATE = 0.0005
RANK_IC, NET_RETURN = "rank IC", "net return a period"
Series = Mapping[str, tuple[FloatArray, FloatArray, int]]


@dataclass(frozen=True, slots=True)
class PairedRows:
    """Both predictions and the outcome as grids of shape (n_symbols, n_sessions)."""

    symbols: tuple[str, ...]
    sessions: DateArray
    outcome: FloatArray
    first: FloatArray
    second: FloatArray

    def last(self, count: int) -> "PairedRows":
        """Return the last `count` sessions."""
        grids = (grid[:, -count:] for grid in (self.outcome, self.first, self.second))
        return PairedRows(self.symbols, self.sessions[-count:], *grids)

    @staticmethod
    def of(table: pl.DataFrame, first: str, second: str) -> "PairedRows":
        """Spread a table over the grids; NaN where a column has no value."""
        symbols = table["symbol"].unique().sort()
        sessions = table["session"].unique().sort()
        row = table["symbol"].replace_strict(symbols, pl.int_range(len(symbols), eager=True))
        column = table["session"].replace_strict(sessions, pl.int_range(len(sessions), eager=True))
        grids = []
        for name in (OUTCOME, first, second):
            grid = np.full((len(symbols), len(sessions)), np.nan)
            grid[row.to_numpy(), column.to_numpy()] = table[name].to_numpy()
            grids.append(grid)
        return PairedRows(tuple(symbols), sessions.to_numpy().astype("datetime64[D]"), *grids)


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
    known = {v: t for v, t in tables.items() if t is not None}
    if not known:
        raise MissingDataError(
            f"neither {one.label} nor {other.label} has predictions out of sample"
        )
    joined = next(iter(known.values())).select("symbol", "session", OUTCOME)
    for version in (one, other):
        table = known.get(version.version)
        if table is None:
            # The naive baseline keeps no table: it says the same of every row.
            same = _constant(registry, version)
            joined = joined.with_columns(pl.lit(same).alias(f"v{version.version}"))
            continue
        column = table.select(
            "symbol", "session", pl.col(version.estimator).alias(f"v{version.version}")
        )
        joined = joined.join(column, on=["symbol", "session"], how="inner")
    joined = joined.drop_nans().drop_nulls()
    if joined.is_empty():
        raise MissingDataError(f"{one.label} and {other.label} share no predicted row")
    return PairedRows.of(joined, f"v{one.version}", f"v{other.version}")


def loss_series(rows: PairedRows, manifest: Manifest) -> Series:
    """Return each figure's series for both versions, and +1 where more is better."""
    if manifest.metric == QLIKE:
        return {QLIKE: (_qlike(rows.first, rows.outcome), _qlike(rows.second, rows.outcome), -1)}
    first, second = (
        long_short_returns(grid, rows.outcome, every=manifest.horizon, cost_rate=COST_RATE)[0]
        for grid in (rows.first, rows.second)
    )
    return {
        SQUARED_ERROR: (
            squared_error(rows.first, rows.outcome),
            squared_error(rows.second, rows.outcome),
            -1,
        ),
        RANK_IC: (_scores(rows.first, rows.outcome), _scores(rows.second, rows.outcome), 1),
        NET_RETURN: (first, second, 1),
    }


def loss_differences(rows: PairedRows, manifest: Manifest) -> tuple[str, DateArray, FloatArray]:
    """Return the loss's name, and when and by how much the first lost more than the second.

    Where the kind is traded the loss is the net return forgone, else the loss of the kind.
    Overlapping labels depend on one another, so only every `horizon`-th session counts.
    """
    series = loss_series(rows, manifest)
    every = manifest.horizon
    if NET_RETURN in series:
        first, second, _ = series[NET_RETURN]
        name, differences = NET_RETURN, second - first
    else:
        first, second, _ = series[manifest.metric]
        name, differences = manifest.metric, (first - second)[::every]
    known = np.isfinite(differences)
    return name, rows.sessions[::every][known], differences[known]


def _qlike(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    return VolatilitySpec().loss(prediction, outcome)


def _scores(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the rank correlation by session; a model without opinion scores zero."""
    return np.nan_to_num(rank_information_coefficient(prediction, outcome))


def _constant(registry: ModelRegistry, version: ModelVersion) -> float:
    content = registry.read(version, FILE_NAMES[version.format])
    return load_predictor(version.format, content).predict_row(np.empty(0))


def _predictions(registry: ModelRegistry, version: ModelVersion) -> pl.DataFrame | None:
    if PREDICTIONS not in version.sha256:
        return None
    return pl.read_parquet(BytesIO(registry.read(version, PREDICTIONS)))
