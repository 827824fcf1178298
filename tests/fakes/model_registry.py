"""A model registry in memory, held to the same contract as the real one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from basics.errors import ConflictError, InvalidInputError, MissingDataError, RefusedError
from services.ports import AliasMove, ModelRun, ModelVersion
from services.ports.models import STUDY_PREFIX, STUDY_TAG, TUNING_LOSS

NOW = datetime(2022, 12, 28, tzinfo=UTC)


class MemoryRegistry:
    """Keeps versions, runs and aliases in dictionaries."""

    def __init__(self) -> None:
        self.runs: list[ModelRun] = []
        self.files: dict[str, dict[str, bytes]] = {}
        self._versions: dict[str, list[ModelVersion]] = {}
        self._aliases: dict[str, dict[str, int]] = {}
        self._moves: dict[str, list[AliasMove]] = {}

    def record(self, run: ModelRun) -> str:
        known = [(r.name, r.trial_key, r.tags.get("data_version")) for r in self.runs]
        key = (run.name, run.trial_key, run.tags.get("data_version"))
        if key not in known:
            self.runs.append(run)
            return f"run-{len(self.runs)}"
        return f"run-{known.index(key) + 1}"

    def register(self, run: ModelRun, *, format: str, input_key: str) -> ModelVersion:
        standing = self.find(run.name, input_key)
        if standing is not None:
            return standing
        self.runs.append(run)
        run_id = f"run-{len(self.runs)}"
        prefix = "model/"
        files = {k.removeprefix(prefix): v for k, v in run.files.items() if k.startswith(prefix)}
        self.files[run_id] = files
        version = ModelVersion(
            name=run.name,
            version=len(self._versions.get(run.name, [])) + 1,
            estimator=run.estimator,
            format=format,
            feature_set=run.tags.get("feature_set", ""),
            feature_hash=run.tags.get("feature_hash", ""),
            data_version=run.tags.get("data_version", ""),
            input_key=input_key,
            sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            folder="",
            run_id=run_id,
            created_at=NOW,
            tags=dict(run.tags),
        )
        self._versions.setdefault(run.name, []).append(version)
        return version

    def find(self, name: str, input_key: str) -> ModelVersion | None:
        return next((v for v in self.versions(name) if v.input_key == input_key), None)

    def resolve(self, name: str, alias_or_version: str | int) -> ModelVersion:
        text = str(alias_or_version)
        number = int(text) if text.isdecimal() else self.aliases(name).get(text)
        for version in self.versions(name):
            if version.version == number:
                return version
        raise MissingDataError(f"model {name!r} has no {text!r}")

    def names(self) -> Sequence[str]:
        return sorted(self._versions)

    def versions(self, name: str) -> Sequence[ModelVersion]:
        return list(self._versions.get(name, []))

    def aliases(self, name: str) -> Mapping[str, int]:
        return dict(self._aliases.get(name, {}))

    def move_alias(
        self, name: str, alias: str, version: int | None, *, expected: int | None, reason: str
    ) -> None:
        if version is not None:
            self.resolve(name, version)
        before = self.aliases(name).get(alias)
        if before == version:
            return
        if before != expected:
            raise ConflictError(f"alias {alias!r} stands on version {before}, not {expected}")
        standing = self._aliases.setdefault(name, {})
        if version is None:
            standing.pop(alias, None)
        else:
            standing[alias] = version
        move = AliasMove(alias=alias, before=before, after=version, reason=reason, moved_at=NOW)
        self._moves.setdefault(name, []).append(move)

    def moves(self, name: str) -> Sequence[AliasMove]:
        return list(self._moves.get(name, []))

    def annotate(self, name: str, version: int, key: str, value: str) -> None:
        if key in {"sha256", "signature", "input_key"}:
            raise InvalidInputError(f"tag {key!r} is signed: it never changes")
        old = self.resolve(name, version)
        at = self._versions[name].index(old)
        self._versions[name][at] = replace(old, tags={**old.tags, key: value})

    def read(self, version: ModelVersion, file: str) -> bytes:
        content = self.files[version.run_id].get(file)
        if content is None:
            raise MissingDataError(f"{version.label} has no file {file!r}")
        if hashlib.sha256(content).hexdigest() != version.sha256[file]:
            raise RefusedError(f"{version.label}: {file} was changed or cut short")
        return content

    def trials(self, name: str) -> Mapping[str, float | None]:
        return {
            run.trial_key: run.metrics.get("sharpe_per_period")
            for run in self.runs
            if run.name == name and not run.trial_key.startswith(STUDY_PREFIX)
        }

    def study(self, name: str, key: str) -> Mapping[str, Mapping[int, float]]:
        return {
            run.trial_key: dict(run.series[TUNING_LOSS])
            for run in self.runs
            if run.name == name and run.tags.get(STUDY_TAG) == key and TUNING_LOSS in run.series
        }

    def trust(self, version: ModelVersion) -> None:
        """Take the files as they are now for those that were registered."""
        at = version.version - 1
        files = self.files[version.run_id]
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        self._versions[version.name][at] = replace(self._versions[version.name][at], sha256=digests)
