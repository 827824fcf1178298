"""Tests of `infra.companions`: how the web tools beside the desk are started."""

import socket
from pathlib import Path

import pytest

from basics.errors import UnavailableError
from infra.companions import mlflow_ui, prefect_ui, refuse_taken_port
from infra.settings import load_settings


def test_both_listen_on_the_loopback_address_alone(tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path)

    mlflow, prefect = mlflow_ui(settings, 8320), prefect_ui(settings, 8330)

    assert mlflow.command[mlflow.command.index("--host") + 1] == "127.0.0.1"
    assert prefect.environment["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert prefect.environment["PREFECT_API_URL"] == "http://127.0.0.1:8330/api"
    assert prefect.environment["PREFECT_HOME"] == str(tmp_path / "prefect")


def test_a_taken_port_is_refused_with_the_cure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(UnavailableError, match=f"port {port} is taken.*--port"):
            refuse_taken_port(mlflow_ui(load_settings(state_dir=tmp_path), port))
