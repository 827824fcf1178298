"""Hold two versions against each other on the same rows, out of sample and as time goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.evidence import diebold_mariano
from measures.evidence_bootstrap import Interval, mean_interval
from measures.evidence_sequential import SequentialTest, sequential_test
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure of both versions.

    Attributes
    ----------
    difference : Interval
        First less second, with its block-bootstrap interval.
    first_is_better : bool or None
        None when the interval holds zero: a tie.
    """

    name: str
    first: float
    second: float
    difference: Interval
    first_is_better: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """Two versions on their common rows.

    Attributes
    ----------
    p_value : float
        Diebold-Mariano on the loss of the kind, two-sided.
    replay : SequentialTest
        What an always-valid test on the profit's loss would have said, session by session, over
        the last two years.
    """

    first: str
    second: str
    sessions: int
    rows: int
    first_session: date
    last_session: date
    measured: tuple[Measured, ...]
    p_value: float
    replay: SequentialTest
    verdict: str


class Comparison:
    """Compares registered versions by their stored out-of-sample predictions."""

    def __init__(self, registry: ModelRegistry, *, seed: int) -> None:
        self._registry = registry
        self._seed = seed

    def compare(self, name: str, first: str | int, second: str | int) -> ModelComparison:
        """Compare two versions of `name`, given by alias or number.

        Raises
        ------
        MissingDataError
            If a version is unknown, or the two share no predicted row.
        InvalidInputError
            If both are the same version.
        """
        one, other = self._registry.resolve(name, first), self._registry.resolve(name, second)
        if one.version == other.version:
            raise InvalidInputError(f"{first} and {second} are both {one.label}: name two versions")
        rows = self._common_rows(one, other)
        return _judge(one, other, rows, manifest=self._manifest(one, other), seed=self._seed)

    def _manifest(self, *versions: ModelVersion) -> Manifest:
        for version in versions:
            if MANIFEST in version.sha256:
                return read_manifest(self._registry.read(version, MANIFEST))
        raise MissingDataError("neither version has a manifest: train one of them again")

    def _common_rows(self, one: ModelVersion, other: ModelVersion) -> "_Rows":
        tables = {v.version: self._predictions(v) for v in (one, other)}
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
                same = self._constant(version)
                joined = joined.with_columns(pl.lit(same).alias(f"v{version.version}"))
                continue
            column = table.select(
                "symbol", "session", pl.col(version.estimator).alias(f"v{version.version}")
            )
            joined = joined.join(column, on=["symbol", "session"], how="inner")
        joined = joined.drop_nans().drop_nulls()
        if joined.is_empty():
            raise MissingDataError(f"{one.label} and {other.label} share no predicted row")
        return _Rows.of(joined, f"v{one.version}", f"v{other.version}")

    def _constant(self, version: ModelVersion) -> float:
        content = self._registry.read(version, FILE_NAMES[version.format])
        return load_predictor(version.format, content).predict_row(np.empty(0))

    def _predictions(self, version: ModelVersion) -> pl.DataFrame | None:
        if PREDICTIONS not in version.sha256:
            return None
        return pl.read_parquet(BytesIO(self._registry.read(version, PREDICTIONS)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Both predictions and the outcome as grids of shape (n_symbols, n_sessions)."""

    sessions: DateArray
    outcome: FloatArray
    first: FloatArray
    second: FloatArray

    @staticmethod
    def of(table: pl.DataFrame, first: str, second: str) -> "_Rows":
        symbols = table["symbol"].unique().sort()
        sessions = table["session"].unique().sort()
        row = table["symbol"].replace_strict(symbols, pl.int_range(len(symbols), eager=True))
        column = table["session"].replace_strict(sessions, pl.int_range(len(sessions), eager=True))
        grids = []
        for name in (OUTCOME, first, second):
            grid = np.full((len(symbols), len(sessions)), np.nan)
            grid[row.to_numpy(), column.to_numpy()] = table[name].to_numpy()
            grids.append(grid)
        return _Rows(sessions.to_numpy().astype("datetime64[D]"), *grids)


def _judge(
    one: ModelVersion, other: ModelVersion, rows: _Rows, *, manifest: Manifest, seed: int
) -> ModelComparison:
    generator = np.random.default_rng(seed)
    horizon = manifest.horizon
    series = _series(rows, manifest)
    measured = []
    for name, (a, b, sign) in series.items():
        interval = mean_interval(a - b, block=2.0 * horizon, generator=generator)
        tied = interval.low <= 0.0 <= interval.high
        measured.append(
            Measured(
                name=name,
                first=float(a.mean()),
                second=float(b.mean()),
                difference=interval,
                first_is_better=None if tied else sign * interval.estimate > 0,
            )
        )
    first, second, _ = series[manifest.metric]
    replay = _replay(series, manifest)
    days = rows.sessions.astype(object)
    return ModelComparison(
        first=one.label,
        second=other.label,
        sessions=len(days),
        rows=int(np.isfinite(rows.first).sum()),
        first_session=days[0],
        last_session=days[-1],
        measured=tuple(measured),
        p_value=diebold_mariano(first, second, horizon=horizon).p_value_two_sided,
        replay=replay,
        verdict=_in_words(one, other, measured, replay),
    )


def _series(rows: _Rows, manifest: Manifest) -> Mapping[str, tuple[FloatArray, FloatArray, int]]:
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


def _replay(
    series: Mapping[str, tuple[FloatArray, FloatArray, int]], manifest: Manifest
) -> SequentialTest:
    """Run the sequential test over the last two years, on profit where there is one.

    Overlapping labels depend on one another, so only every `horizon`-th session counts.
    """
    if NET_RETURN in series:
        first, second, _ = series[NET_RETURN]
        return sequential_test((second - first)[-(REPLAY_SESSIONS // manifest.horizon) :])
    first, second, _ = series[manifest.metric]
    return sequential_test((first - second)[-REPLAY_SESSIONS :: manifest.horizon])


def _qlike(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    return VolatilitySpec().loss(prediction, outcome)


def _scores(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the rank correlation by session; a model without opinion scores zero."""
    return np.nan_to_num(rank_information_coefficient(prediction, outcome))


def _in_words(
    one: ModelVersion, other: ModelVersion, measured: list[Measured], replay: SequentialTest
) -> str:
    parts = []
    for figure in measured:
        if figure.first_is_better is None:
            parts.append(f"tie on {figure.name}")
        else:
            better = one if figure.first_is_better else other
            parts.append(f"{better.label} is better on {figure.name}")
    ended = "would still run" if replay.decided_at is None else f"ended at step {replay.decided_at}"
    return f"{'; '.join(parts)}; the sequential test {ended}"
