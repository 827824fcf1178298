"""A real MLflow server that tests share, emptied between them."""

import os
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from infra.companions import free_port
from infra.isolation import isolated_environment
from infra.servers.process import GuardedProcess

START_SECONDS = 240
# What the tests leave behind, dependants first.
TABLES = (
    "registered_model_aliases", "registered_model_tags", "model_version_tags", "model_versions",
    "registered_models", "latest_metrics", "metrics", "params", "tags", "runs", "experiments",
)  # fmt: skip


class MlflowServer:
    """A server on a free port, which hands artefacts out itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process = self._start()

    def empty(self) -> None:
        """Forget every model and run; the default experiment stays."""
        with closing(sqlite3.connect(self._folder / "mlflow.db", timeout=30)) as database:
            for table in TABLES:
                kept = " WHERE experiment_id != 0" if table == "experiments" else ""
                database.execute(f"DELETE FROM {table}{kept}")
            database.commit()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Kill the server, and start it again on the same port at the end."""
        self._process.close()
        try:
            yield
        finally:
            self._process = self._start()

    def close(self) -> None:
        """Stop the server."""
        self._process.close()

    def _start(self) -> GuardedProcess:
        command = (
            str(Path(sys.executable).parent / "mlflow"), "server",
            "--backend-store-uri", f"sqlite:///{self._folder / 'mlflow.db'}",
            "--artifacts-destination", str(self._folder / "artifacts"),
            "--host", "127.0.0.1", "--port", str(self._port), "--workers", "1",
            "--allowed-hosts", f"127.0.0.1:{self._port}",
        )  # fmt: skip
        environment = dict(os.environ) | isolated_environment(self._folder)
        process = GuardedProcess(command, log=self._folder / "server.log", environment=environment)
        process.wait_until(self._healthy, seconds=START_SECONDS)
        return process

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
