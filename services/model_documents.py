"""The files that a model version consists of: data in open formats, never code.

`manifest.json` says what serves and from which features; `evaluation.json` how it did;
`predictions.parquet` holds every prediction out of sample; `card.md` tells it to people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray, IntArray
from features.panel import FeaturePanel
from market.panel import Panel
from models.assurance import Assurance
from models.comparison import Contender, Verdict
from models.confidence import YearCoverage
from models.coverage import CoverageException
from models.dataset import Dataset
from models.evaluation import YearScore
from models.predictors import FILE_NAMES, Predictor
from models.training import FoldRecord

EVALUATION, PREDICTIONS, MANIFEST, ASSURANCE, CARD = (
    "evaluation.json",
    "predictions.parquet",
    "manifest.json",
    "assurance.json",
    "card.md",
)
SQUARED_ERROR, QLIKE, FISSLER_ZIEGEL = "squared error", "QLIKE", "Fissler-Ziegel loss"
Document = TypeVar("Document")
OUTCOME, BELOW, ABOVE = "outcome", "interval_below", "interval_above"
SCALE = "interval_scale"
# What is kept beside a prediction: the shortfall beyond a value at risk (under the model's name
# with this ending), and what the session that a size is held for returned.
SHORTFALL, RESULT = ".shortfall", "result"
LOSSES = "losses.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is known of a version from its evaluation.

    Attributes
    ----------
    champion_version : int
        The version that reigned when the verdict was given.
    coverage : tuple of YearCoverage
        By calendar year, the share of outcomes inside the candidate's intervals.
    interval_method : str
        How the intervals follow what happened; empty where a rate is told.
    interval_delay : int
        Sessions until an outcome was known to them.
    coverage_exceptions : tuple of CoverageException
        The years whose coverage lies outside 88% to 92%, with their cause.
    """

    verdict: Verdict
    champion_version: int
    metrics: Mapping[str, Mapping[str, float]]
    years: Mapping[str, tuple[YearScore, ...]]
    importances: Mapping[str, float]
    folds: tuple[FoldRecord, ...]
    # Documents written before there were intervals lack it.
    coverage: tuple[YearCoverage, ...] = ()
    interval_method: str = ""
    interval_delay: int = 0
    coverage_exceptions: tuple[CoverageException, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a server must know to use a version.

    Attributes
    ----------
    format, file : str
        The native form and the file that holds it.
    feature_names : tuple of str
        The columns, in order.
    target : str
        What is foretold, in words.
    trained_first, trained_last : date
        First and last session of the training rows.
    example : tuple of float
        One row of features, and `example_prediction` what the model says of it.
    metric : str
        The loss by which the version was judged.
    """

    name: str
    estimator: str
    format: str
    file: str
    feature_set: str
    feature_hash: str
    feature_names: tuple[str, ...]
    target: str
    horizon: int
    data_version: str
    trained_first: date
    trained_last: date
    training_rows: int
    parameters: Mapping[str, Any]
    example: tuple[float, ...]
    example_prediction: float
    metric: str = SQUARED_ERROR


def to_json(document: object) -> bytes:
    """Return a document as JSON, keys in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=1)


def read_json(content: bytes, form: type[Document]) -> Document:
    """Read a document of the given dataclass from JSON."""
    return msgspec.json.decode(content, type=form)


def read_evaluation(content: bytes) -> Evaluation:
    """Read `evaluation.json`."""
    return msgspec.json.decode(content, type=Evaluation)


def read_assurance(content: bytes) -> Assurance:
    """Read `assurance.json`."""
    return msgspec.json.decode(content, type=Assurance)


def read_manifest(content: bytes) -> Manifest:
    """Read `manifest.json`."""
    return msgspec.json.decode(content, type=Manifest)


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


def read_predictions(content: bytes, dataset: Dataset | FeaturePanel) -> dict[str, FloatArray]:
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
    """Return the mean loss of each calendar month out of sample, by year * 100 + month."""
    if contender.sessions is None:
        return []
    months = sessions[contender.sessions].astype("datetime64[M]").astype(np.int64)
    return [
        ((1970 + int(month) // 12) * 100 + int(month) % 12 + 1,
         float(contender.losses[months == month].mean()))
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


def importances(model: Predictor) -> dict[str, float]:
    """Return what the model says of its features, largest first; empty where it says nothing."""
    told = cast(Any, model).importances() if hasattr(model, "importances") else {}
    return by_size(told)


def by_size(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares, largest first; equal ones by name."""
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def native_file(model: Predictor) -> str:
    """Return the name of the file that holds the model's native form."""
    return FILE_NAMES[model.format]


def card(manifest: Manifest, evaluation: Evaluation, environment: Mapping[str, str]) -> bytes:
    """Return the model card: what it is, what it was shown, what it may not be used for."""
    verdict = evaluation.verdict
    lines = [
        f"# {manifest.name}: {manifest.estimator}",
        "",
        f"- Foretells {manifest.target}.",
        f"- Features: {manifest.feature_set}, {len(manifest.feature_names)} columns, "
        f"hash `{manifest.feature_hash[:16]}`; data version `{manifest.data_version[:16]}`.",
        f"- Trained on {manifest.training_rows} rows, {manifest.trained_first} to "
        f"{manifest.trained_last}; judged on {len(evaluation.folds)} walk-forward folds.",
        "",
        "## Verdict",
        "",
        verdict.summary + ".",
        "",
        *[f"- {'held' if r.passed else 'failed'}: {r.name} ({r.detail})" for r in verdict.rules],
        "",
        "## Figures out of sample",
        "",
        *_figures_table(evaluation.metrics),
        "",
        "## Intervals",
        "",
        *_coverage_lines(evaluation),
        "",
        "## Limits",
        "",
        "The universe is what survived to its last day, so every return is flattered alike; the "
        "figures before costs other than the stated rate are no promise of profit.",
        "",
        "## Environment",
        "",
        *[f"- {key}: {value}" for key, value in sorted(environment.items())],
        "",
    ]
    return "\n".join(lines).encode()


def _figures_table(metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return every figure of every model as a table: a row for each figure."""
    figures = list(dict.fromkeys(name for rows in metrics.values() for name in rows))
    return [
        f"| figure | {' | '.join(metrics)} |",
        f"|---|{'---|' * len(metrics)}",
        *[
            f"| {figure} | "
            + " | ".join(f"{m[figure]:.6g}" if figure in m else "" for m in metrics.values())
            + " |"
            for figure in figures
        ],
    ]


def _coverage_lines(evaluation: Evaluation) -> list[str]:
    """Say how many outcomes the 90% intervals held, and name the years that went astray."""
    coverage = evaluation.coverage
    if not coverage:
        return ["What is foretold is a rate: its interval is binomial and holds no outcome."]
    total = sum(year.outcomes for year in coverage)
    held = sum(year.share * year.outcomes for year in coverage) / total
    astray = [f"- {e.year}: {e.share:.1%}. {e.cause}" for e in evaluation.coverage_exceptions]
    return [
        f"{held:.1%} of {total} outcomes fell into the intervals that aim at 90% "
        f"({evaluation.interval_method}).",
        "",
        "Years outside 88% to 92%:" if astray else "No year lies outside 88% to 92%.",
        "",
        *astray,
    ]
