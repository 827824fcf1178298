"""The model registry on MLflow, whose pages show what a data scientist looks for.

Writing goes through MLflow's client, imported when something is first written; reading is
`ModelStore`. Making a version is the one step that counts: all files of a run are in place
before it, and it carries the input key and the signed digests in the same transaction, so
that a process killed at any point leaves either a whole version or none.
"""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError, UnavailableError
from infra.mlflow_runs import (
    DIGEST_LENGTH,
    NOTE_TAG,
    card_of,
    foretold,
    points_of,
    run_key,
    short,
    tags_of,
)
from infra.model_store import (
    ARTEFACTS,
    DATABASE,
    MODEL_FOLDER,
    MOVE_PREFIX,
    SIGNED,
    ModelStore,
)
from services.ports import ModelRun, ModelVersion

# Which of MLflow's two user interfaces an experiment opens in: that of models, not of prompts.
KIND_TAG = "mlflow.experimentKind"

Alone = Callable[[str], AbstractContextManager[object]]


class MlflowRegistry(ModelStore):
    """Experiments, versions and aliases in `folder`, on SQLite.

    Attributes
    ----------
    alone : callable
        Holds a lock of a name that all machines share, while an alias moves; none by itself.
    """

    def __init__(self, folder: Path, *, clock: Clock, signing_key: bytes | None = None) -> None:
        super().__init__(folder, signing_key=signing_key)
        self._clock = clock
        self.alone: Alone = nullcontext

    def record(self, run: ModelRun) -> str:
        """Keep a run that makes no version, and return its id; the same trial is kept once."""
        with self._writing():
            return self._finished(run) or self._log(run)

    def register(self, run: ModelRun, *, format: str, input_key: str) -> ModelVersion:
        """Keep a run and make its version; the version of this input key that stands wins."""
        with self._writing():
            standing = self.find(run.name, input_key)
            if standing is not None:
                return standing
            tags = self._signed_tags(run, format, input_key)
            run_id = self._log(run)
            self._ensure_model(run.name)
            self._describe(run)
            source = f"{self._client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
            made = self._client.create_model_version(
                run.name, source=source, run_id=run_id, tags=tags, description=card_of(run)
            )
            return self.resolve(run.name, int(made.version))

    def move_alias(
        self, name: str, alias: str, version: int | None, *, expected: int | None, reason: str
    ) -> None:
        """Point `alias` to `version` (None takes it away), if it still stands on `expected`."""
        with self._writing(), self.alone(f"model aliases of {name}"):
            if version is not None:
                self.resolve(name, version)
            before = self.aliases(name).get(alias)
            if before == version:
                return
            if before != expected:
                raise ConflictError(
                    f"alias {alias!r} of {name} stands on version {before}, not {expected}: "
                    "look again and decide anew"
                )
            move = {
                "alias": alias, "before": before, "after": version, "reason": reason,
                "moved_at": self._clock.now().isoformat(),
            }  # fmt: skip
            # Written first: a kill in between leaves a move that the next call overwrites.
            key = f"{MOVE_PREFIX}{self._next_move(name, alias, before):06d}"
            self._client.set_registered_model_tag(name, key, json.dumps(move))
            self._require_own(name, key, move)
            if version is None:
                self._client.delete_registered_model_alias(name, alias)
            else:
                self._client.set_registered_model_alias(name, alias, str(version))
            self._require_own(name, key, move)
            stands = self.aliases(name).get(alias)
            if stands != version:
                raise ConflictError(
                    f"alias {alias!r} of {name} was moved to version {version} and stands on "
                    f"{stands}: another machine moved it meanwhile, look again and decide anew"
                )

    def _require_own(self, name: str, key: str, move: Mapping[str, object]) -> None:
        """Refuse where another machine wrote its own move under the same number."""
        stands = self._move_tags(name).get(key)
        if stands is None or json.loads(stands) != move:
            raise ConflictError(
                f"alias {move['alias']!r} of {name}: another machine writes a move of it at this "
                f"moment ({stands}), look again and decide anew"
            )

    def annotate(self, name: str, version: int, key: str, value: str) -> None:
        """Write a tag on a version; what is signed cannot be written."""
        if key in {*SIGNED, "sha256", "signature"}:
            raise InvalidInputError(f"tag {key!r} is signed: it never changes")
        with self._writing():
            self._client.set_model_version_tag(name, str(version), key, value)

    def _signed_tags(self, run: ModelRun, format: str, input_key: str) -> dict[str, str]:
        prefix = f"{MODEL_FOLDER}/"
        digests = {
            path.removeprefix(prefix): hashlib.sha256(content).hexdigest()
            for path, content in sorted(run.files.items())
            if path.startswith(prefix)
        }
        tags = dict(run.tags) | {
            "estimator": run.estimator,
            "format": format,
            "input_key": input_key,
            "trial_key": run.trial_key,
            "sha256": json.dumps(digests, sort_keys=True),
        }
        return tags | {"signature": self.sign(tags)}

    def _finished(self, run: ModelRun) -> str | None:
        """Return the run of this trial on this data that ended well, if there is one."""
        query = (
            "SELECT r.run_uuid FROM experiments e JOIN runs r USING (experiment_id) "
            "JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'run_key' AND t.value = ? "
            "WHERE e.name = ? AND r.status = 'FINISHED' LIMIT 1"
        )
        return next((row[0] for row in self._rows(query, run_key(run), run.name)), None)

    def _log(self, run: ModelRun) -> str:
        from mlflow.entities import Metric, Param, RunTag

        experiment = self._ensure_experiment(run.name)
        self._close_unfinished(run)
        made = self._client.create_run(experiment, run_name=run.estimator)
        run_id = str(made.info.run_id)
        at = int(self._clock.now().timestamp() * 1000)
        metrics = [Metric(*point) for point in points_of(run, at=at)]
        params = [Param(key, short(value)) for key, value in run.parameters.items()]
        written = [RunTag(key, value) for key, value in tags_of(run).items()]
        # The trial is counted from here on, whatever becomes of the run.
        self._client.log_batch(run_id, params=params, tags=written)
        self._log_data(run_id, run)
        for first in range(0, len(metrics), 1000):
            self._client.log_batch(run_id, metrics=metrics[first : first + 1000])
        self._upload(run_id, run.files)
        self._client.set_terminated(run_id)
        return run_id

    def _log_data(self, run_id: str, run: ModelRun) -> None:
        """Name the data of the run where MLflow's pages look for it."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        version = run.tags.get("data_version", "")
        if not version:
            return
        dataset = Dataset(
            name=run.tags.get("feature_set", run.name),
            digest=version[:DIGEST_LENGTH],
            source_type="lake",
            source=json.dumps({"data_version": version, "dvc": run.tags.get("dvc.data", "")}),
        )
        told = DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
        self._client.log_inputs(run_id, [told])

    def _upload(self, run_id: str, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            for path, content in files.items():
                target = Path(place) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            self._client.log_artifacts(run_id, place)

    def _close_unfinished(self, run: ModelRun) -> None:
        """Mark as killed the runs of these inputs that never ended: their process is gone."""
        for run_id in self._unfinished(run):
            self._client.set_terminated(run_id, status="KILLED")

    def _unfinished(self, run: ModelRun) -> Sequence[str]:
        query = (
            "SELECT r.run_uuid FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
            "AND t.key = 'run_key' AND t.value = ? WHERE r.status = 'RUNNING'"
        )
        return [row[0] for row in self._rows(query, run_key(run))]

    def _next_move(self, name: str, alias: str, before: int | None) -> int:
        """Return the number of the next move: that of a move never made, or a new one."""
        written = self.written_moves(name)
        own = [(number, move) for number, move in written.items() if move.alias == alias]
        if own and own[-1][1].after != before:
            return own[-1][0]
        return max(written, default=0) + 1

    def _ensure_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = self._artefact_location()
        made = str(self._client.create_experiment(name, artifact_location=location))
        # Afterwards: a server writes a tag of that name itself, and a second one fails.
        self._client.set_experiment_tag(made, KIND_TAG, "custom_model_development")
        return made

    def _artefact_location(self) -> str | None:
        return (self.folder / ARTEFACTS).absolute().as_uri()

    def _ensure_model(self, name: str) -> None:
        if name not in self.names():
            self._client.create_registered_model(name)

    def _describe(self, run: ModelRun) -> None:
        """Say what is foretold where MLflow lists experiments and models, if nothing does yet."""
        told = foretold(run)
        if not told:
            return
        experiment = self._client.get_experiment_by_name(run.name)
        if NOTE_TAG not in experiment.tags:
            self._client.set_experiment_tag(experiment.experiment_id, NOTE_TAG, told)
        if not self._client.get_registered_model(run.name).description:
            self._client.update_registered_model(run.name, description=told)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one process write at a time, and turn MLflow's errors into the house's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "write.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            from mlflow.exceptions import MlflowException

            try:
                yield
            except MlflowException as error:
                raise UnavailableError(f"MLflow in {self.address} failed: {error}") from error

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - MLflow is untyped here
        from mlflow import MlflowClient

        path = self.folder / DATABASE
        if not path.exists():
            self._create_database(path)
        uri = f"sqlite:///{path.absolute()}"
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    def _create_database(self, path: Path) -> None:
        """Make the tables under another name: a kill half-way leaves no half-made registry."""
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        store = SqlAlchemyStore(
            f"sqlite:///{fresh.absolute()}", (self.folder / ARTEFACTS).absolute().as_uri()
        )
        store.engine.dispose()
        fresh.rename(path)
