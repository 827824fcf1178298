"""What a version foretold and what came of it: out of sample, then in service, on one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from features.panel import FeaturePanel
from models.assurance import Assurance
from models.track import Track, comparable
from services import model_documents as documents
from services.kind_losses import GROWTH
from services.paired_rows import manifest_of
from services.ports import ModelRegistry, ModelVersion, ServedPrediction

ENDS = (documents.BELOW, documents.ABOVE)


@dataclass(frozen=True, slots=True)
class VersionTrack:
    """A version's track, and of how many sessions each part of it is.

    Attributes
    ----------
    kept : int
        Sessions foretold out of sample when the version was made: the first of the track.
    served : int
        Sessions whose answers were given in service, after those.
    """

    track: Track
    kept: int
    served: int


def version_track(
    registry: ModelRegistry,
    version: ModelVersion,
    own: Sequence[ServedPrediction],
    features: FeaturePanel | None,
) -> VersionTrack:
    """Return what a version foretold out of sample and, after that, in service.

    Parameters
    ----------
    own : sequence of ServedPrediction
        Its answers in service.
    features : FeaturePanel or None
        What the widths of its intervals in service are read from.
    """
    manifest = manifest_of(registry, version)
    everything = pl.read_parquet(BytesIO(registry.read(version, documents.PREDICTIONS)))
    # The naive baseline speaks of years in which the version was not made yet.
    kept = everything.filter(pl.col(version.estimator).is_finite())
    table = kept.select(
        "symbol",
        "session",
        documents.OUTCOME,
        pl.col(version.estimator).alias("prediction"),
        *(pl.col(name) if name in kept.columns else pl.lit(np.nan).alias(name) for name in ENDS),
    )
    assured = _assurance(registry, version)
    last: date = kept["session"].max()  # type: ignore[assignment]
    later = [row for row in own if row.session > last]
    if later:
        widths = _widths(assured, features)
        served = _served_table(later, widths, known=manifest.metric != GROWTH)
        table = pl.concat([table, served], how="vertical_relaxed")
    sessions, grids = _grids(table)
    told = Track(
        sessions=sessions,
        outcome=grids[documents.OUTCOME],
        prediction=grids["prediction"],
        below=grids[documents.BELOW],
        above=grids[documents.ABOVE],
        horizon=manifest.horizon,
        tail=_tail(manifest),
    )
    track = told if assured is None else comparable(told, assured.contract.form)
    return VersionTrack(
        track=track, kept=kept["session"].n_unique(), served=len({row.session for row in later})
    )


def features_on(features: FeaturePanel, track: Track) -> FloatArray:
    """Return the features on the sessions of the track; NaN where the panel has none."""
    values = np.full((len(features.names), len(features.symbols), len(track.sessions)), np.nan)
    at = np.searchsorted(features.sessions, track.sessions)
    inside = np.minimum(at, len(features.sessions) - 1)
    there = features.sessions[inside] == track.sessions
    values[:, :, there] = features.values[:, :, inside[there]]
    return values


def _assurance(registry: ModelRegistry, version: ModelVersion) -> Assurance | None:
    """Return what stands behind the version's intervals; None where it was never calibrated."""
    if documents.ASSURANCE not in version.sha256:
        return None
    return documents.read_assurance(registry.read(version, documents.ASSURANCE))


def _widths(
    assurance: Assurance | None, features: FeaturePanel | None
) -> Mapping[tuple[str, date], tuple[float, float]]:
    """Return how far below and above the version's interval reaches at each cell."""
    if features is None or assurance is None:
        return {}
    names = list(features.names)
    if assurance.scale_feature not in {"", *names}:
        return {}
    scale = (
        features[assurance.scale_feature] * assurance.scale_factor
        if assurance.scale_feature
        else np.ones(features.values.shape[1:])
    )
    days: list[date] = features.sessions.astype(object).tolist()
    above = assurance.width
    below = above if assurance.width_below is None else assurance.width_below
    return {
        (symbol, day): (below * float(scale[i, j]), above * float(scale[i, j]))
        for j, day in enumerate(days)
        for i, symbol in enumerate(features.symbols)
    }


def _tail(manifest: documents.Manifest) -> float | None:
    """Return how often a loss may lie beyond the forecast, where the kind foretells a tail."""
    if manifest.metric != documents.FISSLER_ZIEGEL:
        return None
    return round(1.0 - float(manifest.parameters["confidence"]), 9)


def _served_table(
    rows: Sequence[ServedPrediction],
    widths: Mapping[tuple[str, date], tuple[float, float]],
    *,
    known: bool,
) -> pl.DataFrame:
    """Return the answers given in service; a version in two arms said the same in both.

    Parameters
    ----------
    known : bool
        Whether the outcomes are in the unit of the prediction; a size's is what it returned.
    """
    cells = {(row.entity, row.session): row for row in rows}
    return pl.DataFrame(
        {
            "symbol": [entity for entity, _ in cells],
            "session": [session for _, session in cells],
            documents.OUTCOME: [
                np.nan if row.outcome is None or not known else row.outcome
                for row in cells.values()
            ],
            "prediction": [row.value for row in cells.values()],
            **{
                name: [widths.get(cell, (np.nan, np.nan))[end] for cell in cells]
                for end, name in enumerate(ENDS)
            },
        }
    )


def _grids(table: pl.DataFrame) -> tuple[DateArray, dict[str, FloatArray]]:
    symbols = table["symbol"].unique().sort()
    sessions = table["session"].unique().sort()
    row = table["symbol"].replace_strict(symbols, pl.int_range(len(symbols), eager=True))
    column = table["session"].replace_strict(sessions, pl.int_range(len(sessions), eager=True))
    grids = {}
    for name in (documents.OUTCOME, "prediction", *ENDS):
        grid = np.full((len(symbols), len(sessions)), np.nan)
        grid[row.to_numpy(), column.to_numpy()] = table[name].to_numpy()
        grids[name] = grid
    return sessions.to_numpy().astype("datetime64[D]"), grids
