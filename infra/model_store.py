"""Reading the model registry without its client: aliases, versions, checked files.

MLflow keeps the embedded registry in one SQLite file and a folder of artefacts. Its client
takes seconds to import, so what serves reads the tables themselves; a contract test holds this
reading against the client. Every file of a version is named by a digest, and the digests are
signed with the desk's own key, so that a changed file or a changed tag is refused.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from basics.errors import MissingDataError, RefusedError, UnavailableError
from services.ports import AliasMove, ModelVersion
from services.ports.models import STUDY_PREFIX, STUDY_TAG, TUNING_LOSS

DATABASE = "mlflow.db"
ARTEFACTS = "artifacts"
MODEL_FOLDER = "model"
SIGNED = ("estimator", "format", "feature_set", "feature_hash", "data_version", "input_key")
MOVE_PREFIX = "move."
SHARPE = "sharpe_per_period"


class ModelStore:
    """The readable half of the registry in `folder`."""

    def __init__(self, folder: Path, *, signing_key: bytes | None = None) -> None:
        self.folder = folder
        self._given_key = signing_key
        self._seen = False

    def find(self, name: str, input_key: str) -> ModelVersion | None:
        """Return the version whose inputs hash to `input_key`, if any."""
        return next((v for v in self.versions(name) if v.input_key == input_key), None)

    def resolve(self, name: str, alias_or_version: str | int) -> ModelVersion:
        """Return the version that an alias or a number means.

        Raises
        ------
        MissingDataError
            If there is none; the message lists what there is.
        """
        text = str(alias_or_version)
        known = self.aliases(name)
        number = int(text) if text.isdecimal() else known.get(text)
        found = [v for v in self.versions(name) if v.version == number]
        if not found:
            numbers = [v.version for v in self.versions(name)]
            raise MissingDataError(
                f"model {name!r} has no {text!r}: aliases {dict(known)}, versions {numbers}, "
                f"models {', '.join(self.names()) or 'none'}"
            )
        return found[0]

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        return [row[0] for row in self._rows("SELECT name FROM registered_models ORDER BY name")]

    def versions(self, name: str) -> list[ModelVersion]:
        """Return every version, oldest first."""
        tags: dict[int, dict[str, str]] = {}
        query = "SELECT version, key, value FROM model_version_tags WHERE name = ?"
        for number, key, value in self._rows(query, name):
            tags.setdefault(number, {})[key] = value
        query = (
            "SELECT version, run_id, creation_time FROM model_versions "
            "WHERE name = ? AND current_stage != 'Deleted_Internal' ORDER BY version"
        )
        return [
            self._version(name, number, run_id, created, tags.get(number, {}))
            for number, run_id, created in self._rows(query, name)
            # A version that someone registered by hand has no signed digests: not ours to serve.
            if "sha256" in tags.get(number, {})
        ]

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return which version each alias means."""
        query = "SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias"
        return dict(self._rows(query, name))

    def moves(self, name: str) -> list[AliasMove]:
        """Return every move of an alias, oldest first."""
        standing = self.aliases(name)
        written = self.written_moves(name)
        last = {move.alias: number for number, move in written.items()}
        # A kill can leave the last move of an alias written and not made.
        return [
            move
            for number, move in written.items()
            if number != last[move.alias] or move.after == standing.get(move.alias)
        ]

    def written_moves(self, name: str) -> dict[int, AliasMove]:
        """Return every move that was written down, made or not, by its number."""
        tags = self._move_tags(name)
        found = {int(key[len(MOVE_PREFIX) :]): json.loads(value) for key, value in tags.items()}
        return {
            number: AliasMove(
                alias=move["alias"], before=move["before"], after=move["after"],
                reason=move["reason"], moved_at=datetime.fromisoformat(move["moved_at"]),
            )
            for number, move in found.items()
        }  # fmt: skip

    def trials(self, name: str) -> Mapping[str, float | None]:
        """Return the Sharpe ratio of every trial ever run, by trial key.

        Failed, killed and deleted runs count: nothing that was tried can be hidden.
        """
        query = (
            "SELECT t.value, m.value FROM experiments e JOIN runs r USING (experiment_id) "
            "JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'trial_key' "
            "LEFT JOIN latest_metrics m ON m.run_uuid = r.run_uuid AND m.key = ? "
            "WHERE e.name = ? AND t.value NOT LIKE ? ORDER BY r.start_time, r.run_uuid"
        )
        trials: dict[str, float | None] = {}
        for key, sharpe in self._rows(query, SHARPE, name, f"{STUDY_PREFIX}%"):
            trials[key] = sharpe if sharpe is not None else trials.get(key)
        return trials

    def study(self, name: str, key: str) -> Mapping[str, Mapping[int, float]]:
        """Return the trials of a tuning study that ended: by trial key, their losses by step."""
        query = (
            "SELECT t.value, m.step, m.value FROM experiments e JOIN runs r USING (experiment_id) "
            "JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = ? AND s.value = ? "
            "JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'trial_key' "
            "JOIN metrics m ON m.run_uuid = r.run_uuid AND m.key = ? "
            "WHERE e.name = ? AND r.status = 'FINISHED' ORDER BY m.step"
        )
        found: dict[str, dict[int, float]] = {}
        for trial, step, value in self._rows(query, STUDY_TAG, key, TUNING_LOSS, name):
            found.setdefault(trial, {})[step] = value
        return found

    def read(self, version: ModelVersion, file: str) -> bytes:
        """Return one file of a version, checked against its signed digest.

        Raises
        ------
        RefusedError
            If the signature or the file's digest is wrong: it was tampered with or cut short.
        MissingDataError
            If the version has no such file, or it is gone.
        """
        if not hmac.compare_digest(self.sign(version.tags), version.tags.get("signature", "")):
            raise RefusedError(
                f"{version.label}: the signature of its digests is wrong; "
                "roll back to an earlier version and train again"
            )
        if file not in version.sha256:
            raise MissingDataError(
                f"{version.label} has no file {file!r}: it has {', '.join(sorted(version.sha256))}"
            )
        try:
            content = self._content(version, file)
        except OSError as error:
            raise MissingDataError(f"{version.label}: {file} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != version.sha256[file]:
            self._forget(version, file)
            raise RefusedError(
                f"{version.label}: {file} was changed or cut short since it was registered "
                f"({len(content)} bytes)"
            )
        return content

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.folder)

    @property
    def hindrance(self) -> str:
        """Why a copy answers in the registry's place; empty, since this is the registry."""
        return ""

    def _move_tags(self, name: str) -> Mapping[str, str]:
        query = (
            "SELECT key, value FROM registered_model_tags WHERE name = ? AND key LIKE 'move.%' "
            "ORDER BY key"
        )
        return dict(self._rows(query, name))

    def _content(self, version: ModelVersion, file: str) -> bytes:
        """Return a file of a version as it lies there, unchecked."""
        return (Path(version.folder) / file).read_bytes()

    def _forget(self, version: ModelVersion, file: str) -> None:
        """Let go of a copy whose digest is wrong; there is none here."""

    def sign(self, tags: Mapping[str, str]) -> str:
        """Return the signature over what decides how a version serves."""
        payload = {key: tags.get(key, "") for key in (*SIGNED, "sha256")}
        text = json.dumps(payload, sort_keys=True).encode()
        return hmac.new(self._key(), text, hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        """Return the desk's key, made at the first need."""
        if self._given_key:
            return self._given_key
        path = self.folder / "signing.key"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"signing.key.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as f:
                f.write(secrets.token_bytes(32))
            try:
                # A link is made whole or not at all; the first process wins.
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
            return path.read_bytes()

    def _version(
        self,
        name: str,
        number: int,
        run_id: str,
        created: int,
        tags: Mapping[str, str],
        *,
        folder: str = "",
    ) -> ModelVersion:
        # Found from the run, not from the address stored: the checkout may have moved.
        folder = folder or str(self.folder / ARTEFACTS / run_id / "artifacts" / MODEL_FOLDER)
        return ModelVersion(
            name=name,
            version=number,
            estimator=tags.get("estimator", ""),
            format=tags.get("format", ""),
            feature_set=tags.get("feature_set", ""),
            feature_hash=tags.get("feature_hash", ""),
            data_version=tags.get("data_version", ""),
            input_key=tags.get("input_key", ""),
            sha256=json.loads(tags["sha256"]),
            folder=folder,
            run_id=run_id,
            created_at=datetime.fromtimestamp(created / 1000, tz=UTC),
            tags=tags,
        )

    def _rows(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        path = self.folder / DATABASE
        if not path.exists():
            # No registry yet, or one that was taken away: its artefacts would still be there.
            kept = self.folder / ARTEFACTS
            if kept.is_dir() and any(kept.iterdir()):
                raise UnavailableError(
                    f"the model registry {path} is gone, though its artefacts stand in {kept}: "
                    "bring the file back from a backup"
                )
            if self._seen:
                raise UnavailableError(
                    f"the model registry {path} was there and is gone: bring it back from a backup"
                )
            return iter(())
        self._seen = True
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
                return iter(connection.execute(query, values).fetchall())
        except sqlite3.Error as error:
            raise UnavailableError(f"the model registry {path} cannot be read: {error}") from error
