"""Watches each version in service: what it foretold before and since, on one line of time.

Predictions out of sample, kept with the version, run on into the answers that it gave in service.
What is found is one document for each version and desk date. A breach is told as an alert; it
asks for a training anew when newer bars stand than the version was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import msgspec
import numpy as np

from basics.arrays import FloatArray
from features.panel import FeaturePanel
from measures.evidence_drift import Drift
from models.breaches import Breach, breaches, declared_limits, rates_later
from models.monitoring import (
    ColumnDrift,
    MonitoringPolicy,
    MonitorPoint,
    feature_drift,
    points_over_time,
    prediction_drift,
)
from models.monitoring_limits import LimitRule, Limits, choose_limits
from models.track import CalibrationBin, calibration_bins
from services import model_documents as documents
from services.ports import (
    Alert,
    ModelRegistry,
    ModelVersion,
    PredictionLog,
    ResultStore,
    ServedPrediction,
    Severity,
)
from services.promotion import CHALLENGER, CHAMPION, SHADOW
from services.version_track import VersionTrack, features_on, version_track

MONITOR_KIND = "models.monitor"
LIMITS_KIND = "models.limits"
ALERT_KIND = "model.monitoring"
WATCHED = (CHAMPION, CHALLENGER, SHADOW)
NO_LIMITS = Limits(rule=LimitRule())


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
    limits : Limits
        Where each figure becomes a breach: chosen on the early part of the version's record.
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
    # Documents of earlier days were held against the policy alone.
    limits: Limits = NO_LIMITS

    @property
    def scope(self) -> str:
        """The scope under which it is kept, for example `price v3`."""
        return f"{self.model} v{self.version}"

    @property
    def asks_for_training(self) -> bool:
        """Whether a breach may be cured by the data that came since."""
        return bool(self.breaches) and self.stale


class ModelMonitoring:
    """Measures the versions of a registry against limits that each chose on its early part.

    Parameters
    ----------
    results : ResultStore
        Where the limits of a version are kept as a document.
    seed : int
        Of the resamples that choose limits.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        log: PredictionLog,
        policy: MonitoringPolicy,
        *,
        results: ResultStore,
        seed: int,
    ) -> None:
        self._registry = registry
        self._log = log
        self._policy = policy
        self._results = results
        self._seed = seed

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
            self._measure(
                version,
                [row for row in rows if row.version == version.version],
                features if features and features.content_hash == version.feature_hash else None,
                stale=version.data_version != data_version,
                as_of=as_of,
            )
            for version in versions
            if documents.PREDICTIONS in version.sha256
        )

    def _measure(
        self,
        version: ModelVersion,
        own: Sequence[ServedPrediction],
        known: FeaturePanel | None,
        *,
        stale: bool,
        as_of: date,
    ) -> VersionMonitor:
        told = version_track(self._registry, version, own, known)
        track, policy = told.track, self._policy
        panel = None if known is None else (known.names, features_on(known, track))
        limits = self._limits(version, told, panel, as_of)
        alarms = None if panel is None else limits.alarms(panel[0])
        points = points_over_time(track, panel and panel[1], policy, alarms=alarms)
        moved = prediction_drift(track, sessions=policy.drift_sessions)
        aliases = self._registry.aliases(version.name)
        return VersionMonitor(
            model=version.name,
            version=version.version,
            label=version.label,
            aliases=tuple(a for a in WATCHED if aliases.get(a) == version.version),
            as_of=as_of,
            policy=policy,
            served=told.served,
            stale=stale,
            features=()
            if known is None
            else feature_drift(
                known.names, known.values, sessions=policy.drift_sessions, limits=limits
            ),
            prediction=moved,
            bins=calibration_bins(track.window(len(track.sessions), policy.score_sessions)),
            points=points,
            breaches=breaches(points[-1], limits, prediction=moved, tail=track.tail is not None)
            if points
            else (),
            limits=limits,
        )

    def _limits(
        self,
        version: ModelVersion,
        told: VersionTrack,
        panel: tuple[Sequence[str], FloatArray] | None,
        as_of: date,
    ) -> Limits:
        """Return the limits kept with the version, chosen now if they are not or by another rule.

        Chosen again too where they were chosen without the features that are known now.
        """
        policy, scope = self._policy, f"{version.name} v{version.version}"
        rule = policy.limits
        early = int(told.kept * rule.early_share)
        if early < rule.least_sessions:
            return declared_limits(policy)
        kept = self._kept_limits(scope)
        if kept is not None and kept.stands_for(rule, policy.windows, features=panel is not None):
            return kept
        found = choose_limits(
            told.track.window(early, early),
            None if panel is None else (panel[0], panel[1][:, :, :early]),
            windows=policy.windows,
            rule=rule,
            generator=np.random.default_rng(self._seed),
        )
        later = rates_later(told.track, panel, policy, found, begin=early)
        found = replace(found, later=later)
        lineage = {"model": version.label, "data_version": version.data_version}
        self._results.put(LIMITS_KIND, scope, as_of, msgspec.to_builtins(found), lineage)
        return found

    def _kept_limits(self, scope: str) -> Limits | None:
        if scope not in self._results.scopes(LIMITS_KIND):
            return None
        return msgspec.convert(
            self._results.latest(LIMITS_KIND, scope).payload, Limits, strict=False
        )


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
