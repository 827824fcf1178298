"""Watches each version in service: what it foretold before and since, on one line of time.

Predictions out of sample, kept with the version, run on into the answers that it gave in service.
What is found is one document for each version and desk date. A breach is told as an alert; it
asks for a training anew when newer bars stand than the version was trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray
from features.panel import FeaturePanel
from measures.evidence_drift import Drift
from models.assurance import Assurance
from models.monitoring import (
    Breach,
    ColumnDrift,
    MonitoringPolicy,
    MonitorPoint,
    breaches,
    feature_drift,
    points_over_time,
    prediction_drift,
)
from models.track import CalibrationBin, Track, calibration_bins, comparable
from services import model_documents as documents
from services.kind_losses import GROWTH
from services.paired_rows import manifest_of
from services.ports import (
    Alert,
    ModelRegistry,
    ModelVersion,
    PredictionLog,
    ServedPrediction,
    Severity,
)
from services.promotion import CHALLENGER, CHAMPION, SHADOW

MONITOR_KIND = "models.monitor"
ENDS = (documents.BELOW, documents.ABOVE)
ALERT_KIND = "model.monitoring"
WATCHED = (CHAMPION, CHALLENGER, SHADOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMonitor:
    """One version as it stands at the desk date, and over the time before.

    Attributes
    ----------
    served : int
        Sessions whose answers were given in service, after those kept with the version.
    stale : bool
        Whether newer data stand than it was trained on.
    features : tuple of ColumnDrift
        The latest window against all before, most moved first; empty where the version's
        features are not at hand.
    points : tuple of MonitorPoint
        Over time, the newest last.
    """

    model: str
    version: int
    label: str
    aliases: tuple[str, ...]
    as_of: date
    policy: MonitoringPolicy
    served: int
    stale: bool
    features: tuple[ColumnDrift, ...]
    prediction: Drift | None
    bins: tuple[CalibrationBin, ...]
    points: tuple[MonitorPoint, ...]
    breaches: tuple[Breach, ...]

    @property
    def scope(self) -> str:
        """The scope under which it is kept, for example `price v3`."""
        return f"{self.model} v{self.version}"

    @property
    def asks_for_training(self) -> bool:
        """Whether a breach may be cured by the data that came since."""
        return bool(self.breaches) and self.stale


class ModelMonitoring:
    """Measures the versions of a registry against a policy."""

    def __init__(
        self, registry: ModelRegistry, log: PredictionLog, policy: MonitoringPolicy
    ) -> None:
        self._registry = registry
        self._log = log
        self._policy = policy

    def watch(
        self,
        name: str,
        *,
        features: FeaturePanel | None,
        data_version: str,
        as_of: date,
    ) -> tuple[VersionMonitor, ...]:
        """Return every version of `name` in service that foretells by features, by its number.

        The naive baseline says the same of every row: there is nothing to watch.

        Parameters
        ----------
        features : FeaturePanel or None
            The newest features; drift is measured for versions trained on this set.
        data_version : str
            Of the data that a version would be trained on now.
        """
        aliases = self._registry.aliases(name)
        in_service = {aliases[alias] for alias in WATCHED if alias in aliases}
        versions = [v for v in self._registry.versions(name) if v.version in in_service]
        rows = self._log.rows(name)
        return tuple(
            self._measure(version, rows, features, data_version, as_of)
            for version in versions
            if documents.PREDICTIONS in version.sha256
        )

    def _measure(
        self,
        version: ModelVersion,
        rows: Sequence[ServedPrediction],
        features: FeaturePanel | None,
        data_version: str,
        as_of: date,
    ) -> VersionMonitor:
        own = [row for row in rows if row.version == version.version]
        known = features if features and features.content_hash == version.feature_hash else None
        track, served = self._track(version, own, known)
        policy = self._policy
        panel = None if known is None else _on(known, track)
        points = points_over_time(track, panel, policy)
        moved = prediction_drift(track, sessions=policy.drift_sessions)
        aliases = self._registry.aliases(version.name)
        return VersionMonitor(
            model=version.name,
            version=version.version,
            label=version.label,
            aliases=tuple(a for a in WATCHED if aliases.get(a) == version.version),
            as_of=as_of,
            policy=policy,
            served=served,
            stale=version.data_version != data_version,
            features=()
            if known is None
            else feature_drift(known.names, known.values, sessions=policy.drift_sessions),
            prediction=moved,
            bins=calibration_bins(track.window(len(track.sessions), policy.score_sessions)),
            points=points,
            breaches=breaches(points[-1], policy, prediction=moved, tail=track.tail is not None)
            if points
            else (),
        )

    def _track(
        self, version: ModelVersion, own: Sequence[ServedPrediction], features: FeaturePanel | None
    ) -> tuple[Track, int]:
        """Return the version's track, and how many of its sessions were served."""
        manifest = manifest_of(self._registry, version)
        kept = pl.read_parquet(BytesIO(self._registry.read(version, documents.PREDICTIONS)))
        table = kept.select(
            "symbol",
            "session",
            documents.OUTCOME,
            pl.col(version.estimator).alias("prediction"),
            *(
                pl.col(name) if name in kept.columns else pl.lit(np.nan).alias(name)
                for name in ENDS
            ),
        )
        assured = self._assurance(version)
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
        return track, len({row.session for row in later})

    def _assurance(self, version: ModelVersion) -> Assurance | None:
        """Return what stands behind the version's intervals; None where it was never calibrated."""
        if documents.ASSURANCE not in version.sha256:
            return None
        return documents.read_assurance(self._registry.read(version, documents.ASSURANCE))


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


def alerts_of(found: VersionMonitor, *, at: datetime) -> tuple[Alert, ...]:
    """Return one alert for each breach of a version; the same day's breach is the same alert."""
    return tuple(
        Alert(
            kind=ALERT_KIND,
            severity=Severity.WARNING,
            scope=found.scope,
            dedupe_key=f"{breach.rule} {found.as_of}",
            message=f"{found.label}, {breach.rule}: {breach.text}",
            figures={"value": breach.value, "limit": breach.limit, "as_of": str(found.as_of)},
            raised_at=at,
        )
        for breach in found.breaches
    )


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


def _on(features: FeaturePanel, track: Track) -> FloatArray:
    """Return the features on the sessions of the track; NaN where the panel has none."""
    values = np.full((len(features.names), len(features.symbols), len(track.sessions)), np.nan)
    at = np.searchsorted(features.sessions, track.sessions)
    inside = np.minimum(at, len(features.sessions) - 1)
    there = features.sessions[inside] == track.sessions
    values[:, :, there] = features.values[:, :, inside[there]]
    return values
