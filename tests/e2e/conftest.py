"""A desk of its own for each test, and one Prefect server for all."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.companions import Companion, free_port, prefect_ui
from infra.isolation import PROJECT_ROOT
from infra.settings import load_settings


def wait_until_healthy(companion: Companion, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"{companion.name} ended with code {process.returncode}")
        try:
            urllib.request.urlopen(companion.health_url, timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"{companion.name} did not answer at {companion.health_url}")


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Prefect server with a database of its own."""
    home = tmp_path_factory.mktemp("prefect")
    companion = prefect_ui(load_settings(state_dir=home), free_port())
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            companion.command, env=dict(companion.environment), stdout=log, stderr=log
        )
    try:
        wait_until_healthy(companion, process)
        yield companion.environment["PREFECT_API_URL"]
    finally:
        process.terminate()
        process.wait(timeout=30)


# Of the day as it ships: all steps, all data, fewer rounds of training and sessions of trading.
SHORT = {"first_test_year: 1998": "first_test_year: 2018", "sessions: 504": "sessions: 120"}


@pytest.fixture
def desk_environment(tmp_path: Path, prefect_server: str) -> dict[str, str]:
    """The variables of a user whose desk has a state folder of its own and short days."""
    parameters = (PROJECT_ROOT / "params.yaml").read_text()
    for shipped, short in SHORT.items():
        assert parameters.count(shipped) == 1, shipped
        parameters = parameters.replace(shipped, short)
    (tmp_path / "params.yaml").write_text(parameters)
    return os.environ | {
        "QUANTDESK_STATE_DIR": str(tmp_path / "var"),
        "QUANTDESK_PARAMS_FILE": str(tmp_path / "params.yaml"),
        "PREFECT_API_URL": prefect_server,
    }
