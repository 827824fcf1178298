"""The model registry on an MLflow server, and what of it is kept on this machine.

Reading speaks the server's REST protocol without MLflow's client, which takes seconds to import;
writing goes through the client. Whatever was read is mirrored: the versions and aliases of each
model, and every file by its digest. While the server is down, what was read before goes on serving
from the mirror; what needs the server (training, promotion, counting trials) says that it is gone.

The server has no compare-and-set: an alias is looked at before it is moved and again after, and so
is the note of the move. A machine that finds another's move in the place of its own says so, and
what the server has last stands; the note of the other's move is never written over.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError, UnavailableError
from basics.identifiers import content_hash
from infra.breaker import Breaker
from infra.files import write_whole
from infra.mlflow_access import Access
from infra.mlflow_runs import run_key
from infra.model_registry import MlflowRegistry
from infra.model_store import MOVE_PREFIX, SHARPE
from services.ports import ModelRun, ModelVersion
from services.ports.models import STUDY_PREFIX, STUDY_TAG, TUNING_LOSS

PAGE = 200
PROXIED = "mlflow-artifacts:/"
BREAKER_SECONDS = 2.0


class RemoteRegistry(MlflowRegistry):
    """Experiments, versions and aliases on the MLflow server at `url`.

    Parameters
    ----------
    folder : Path
        Of the mirror and the signing key.
    signing_key : bytes, optional
        Shared by the machines that read what one of them signed.
    access : Access
        The user, or the token, that the server asks for.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        clock: Clock,
        timeout_seconds: float,
        signing_key: bytes | None = None,
        access: Access | None = None,
    ) -> None:
        super().__init__(folder, clock=clock, signing_key=signing_key)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise InvalidInputError(f"mlflow.url {url!r} is no address: write http://host:port")
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._access = access or Access()
        self._breaker = Breaker("registry", open_seconds=BREAKER_SECONDS)
        self._mirror = folder / "mirror" / content_hash(self._url)[:16]

    @property
    def address(self) -> str:
        """Where it is."""
        return self._url

    @property
    def hindrance(self) -> str:
        """Why the mirror answers in the server's place; empty while the server does."""
        return self._breaker.detail

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        try:
            found = list(self._pages("registered-models/search", "registered_models"))
        except UnavailableError:
            return sorted(path.stem for path in self._mirror.glob("models/*.json"))
        return sorted(model["name"] for model in found)

    def versions(self, name: str) -> list[ModelVersion]:
        """Return every version, oldest first."""
        found = [self._told(name, row) for row in self._model(name)["versions"]]
        return sorted(
            (version for version in found if version is not None), key=lambda v: v.version
        )

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return which version each alias means."""
        told = self._model(name)["model"].get("aliases", ())
        return {row["alias"]: int(row["version"]) for row in sorted(told, key=_alias)}

    def trials(self, name: str) -> Mapping[str, float | None]:
        """Return the Sharpe ratio of every trial ever run, by trial key; never from the mirror."""
        trials: dict[str, float | None] = {}
        for run in sorted(self._runs(name), key=_started):
            key = _tags(run["data"]).get("trial_key")
            if key is not None and not key.startswith(STUDY_PREFIX):
                metrics = {m["key"]: m["value"] for m in run["data"].get("metrics", ())}
                sharpe = metrics.get(SHARPE)
                trials[key] = sharpe if sharpe is not None else trials.get(key)
        return trials

    def study(self, name: str, key: str) -> Mapping[str, Mapping[int, float]]:
        """Return the trials of a tuning study that ended: by trial key, their losses by step."""
        found: dict[str, dict[int, float]] = {}
        for run in self._runs(name):
            tags = _tags(run["data"])
            if tags.get(STUDY_TAG) == key and run["info"]["status"] == "FINISHED":
                losses = self._losses(str(run["info"]["run_id"]))
                if losses:
                    found[tags["trial_key"]] = losses
        return found

    def _losses(self, run_id: str) -> dict[int, float]:
        query = {"run_id": run_id, "metric_key": TUNING_LOSS}
        rows = self._pages("metrics/get-history", "metrics", query)
        return {int(row["step"]): float(row["value"]) for row in sorted(rows, key=_step)}

    def _move_tags(self, name: str) -> Mapping[str, str]:
        tags = _tags(self._model(name)["model"])
        return {key: tags[key] for key in sorted(tags) if key.startswith(MOVE_PREFIX)}

    def _content(self, version: ModelVersion, file: str) -> bytes:
        """Return a file of a version: from the mirror if it is there, by its digest."""
        kept = self._mirror / "files" / version.sha256[file]
        if kept.is_file():
            return kept.read_bytes()
        content = self._download(version, file)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, content)
        return content

    def _forget(self, version: ModelVersion, file: str) -> None:
        (self._mirror / "files" / version.sha256[file]).unlink(missing_ok=True)

    def _download(self, version: ModelVersion, file: str) -> bytes:
        if not version.folder.startswith(PROXIED):
            path = self._client.download_artifacts(version.run_id, f"model/{file}")
            return Path(path).read_bytes()
        path = urllib.parse.quote(f"{version.folder.removeprefix(PROXIED)}/{file}".lstrip("/"))
        return self._call(f"{self._url}/api/2.0/mlflow-artifacts/artifacts/{path}", None)

    def _model(self, name: str) -> dict[str, Any]:
        """Return the model and its versions as the server has them, else as they were last."""
        snapshot = self._mirror / "models" / f"{name}.json"
        try:
            model = self._ask("registered-models/get", {"name": name})["registered_model"]
            query = {"filter": f"name='{name}'"}
            versions = list(self._pages("model-versions/search", "model_versions", query))
        except MissingDataError:
            return {"model": {}, "versions": []}
        except UnavailableError:
            if snapshot.is_file():
                return dict(json.loads(snapshot.read_bytes()))
            raise
        told = {"model": model, "versions": versions}
        content = json.dumps(told, sort_keys=True).encode()
        if not snapshot.is_file() or snapshot.read_bytes() != content:
            snapshot.parent.mkdir(parents=True, exist_ok=True)
            write_whole(snapshot, content)
        return told

    def _told(self, name: str, row: Mapping[str, Any]) -> ModelVersion | None:
        tags = _tags(row)
        if "sha256" not in tags:
            return None  # Registered by hand, without signed digests: not ours to serve.
        created = int(row["creation_timestamp"])
        return self._version(
            name, int(row["version"]), row["run_id"], created, tags, folder=row["source"]
        )

    def _runs(self, name: str) -> list[dict[str, Any]]:
        try:
            asked = {"experiment_name": name}
            experiment = self._ask("experiments/get-by-name", asked)["experiment"]
        except MissingDataError:
            return []
        body = {"experiment_ids": [experiment["experiment_id"]], "run_view_type": "ALL"}
        return list(self._pages("runs/search", "runs", body, post=True))

    def _finished(self, run: ModelRun) -> str | None:
        for found in self._runs(run.name):
            same = _tags(found["data"]).get("run_key") == run_key(run)
            if same and found["info"]["status"] == "FINISHED":
                return str(found["info"]["run_id"])
        return None

    def _unfinished(self, run: ModelRun) -> Sequence[str]:
        return [
            found["info"]["run_id"]
            for found in self._runs(run.name)
            if _tags(found["data"]).get("run_key") == run_key(run)
            and found["info"]["status"] == "RUNNING"
        ]

    def _artefact_location(self) -> str | None:
        return None  # The server knows where its artefacts lie.

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # The client would try again for minutes: ask first whether the server is there.
        self._call(f"{self._url}/health", None)
        with super()._writing():
            yield

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - MLflow is untyped here
        self._access.tell_client()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._url, registry_uri=self._url)

    def _pages(
        self, method: str, field: str, query: Mapping[str, Any] | None = None, *, post: bool = False
    ) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            asked = {**(query or {}), "max_results": PAGE}
            if token:
                asked["page_token"] = token
            answer = self._ask(method, asked, post=post)
            yield from answer.get(field, ())
            token = answer.get("next_page_token", "")
            if not token:
                return

    def _ask(self, method: str, query: Mapping[str, Any], *, post: bool = False) -> dict[str, Any]:
        address = f"{self._url}/api/2.0/mlflow/{method}"
        body = json.dumps(query).encode() if post else None
        if not post:
            address += f"?{urllib.parse.urlencode(query)}"
        return dict(json.loads(self._call(address, body)))

    def _call(self, address: str, body: bytes | None) -> bytes:
        """Return the server's answer; refused at once while it is known to be gone."""
        if not self._breaker.allows():
            raise UnavailableError(self._breaker.detail)
        headers = {"Content-Type": "application/json", **self._access.header}
        request = urllib.request.Request(address, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_seconds) as answer:
                content = bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()  # It is the answer too, and holds the connection.
            if error.code == 404:
                raise MissingDataError(f"{address} is not there") from None
            if error.code in {401, 403}:
                raise UnavailableError(
                    f"the registry {self._url} refuses this user ({error.code}): look at "
                    "mlflow.user and mlflow.password, mlflow.token or mlflow.secret_file"
                ) from None
            self._breaker.failed(f"the registry {self._url} answered {error.code}: look at its log")
            raise UnavailableError(self._breaker.detail) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            self._breaker.failed(
                f"the registry {self._url} does not answer ({reason}): is it running, and is "
                "mlflow.url right (`quantdesk config show`)?"
            )
            raise UnavailableError(self._breaker.detail) from error
        self._breaker.succeeded()
        return content


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in row.get("tags", ())}


def _alias(row: Mapping[str, Any]) -> str:
    return str(row["alias"])


def _step(row: Mapping[str, Any]) -> int:
    return int(row["step"])


def _started(run: Mapping[str, Any]) -> tuple[int, str]:
    return int(run["info"].get("start_time", 0)), str(run["info"]["run_id"])
