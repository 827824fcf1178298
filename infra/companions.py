"""The web tools that stand beside the desk: the MLflow UI and the Prefect UI.

Each is another project's server, started on a loopback address with the desk's own state and
without telemetry.
"""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from basics.errors import UnavailableError
from infra.isolation import isolated_environment
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Companion:
    """How to start one companion, and where it then answers.

    Attributes
    ----------
    url : str
        The page to open in a browser.
    health_url : str
        Answers 200 once the companion is ready.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    health_url: str


def mlflow_ui(settings: Settings, port: int) -> Companion:
    """Return how to start the MLflow UI on the desk's experiments."""
    base = f"http://127.0.0.1:{port}"
    folder = settings.state_dir / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)  # SQLite makes its file, not the folder.
    command = (
        _tool("mlflow"), "server",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--default-artifact-root", (folder / "artifacts").as_uri(),
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--allowed-hosts", f"127.0.0.1:{port},localhost:{port}",
    )  # fmt: skip
    # The UI opens in a mode for language models: this leads to the experiments, in that for models.
    page = f"{base}/#/experiments?workflowType=machine_learning"
    return Companion("MLflow", command, _environment(settings), page, f"{base}/health")


def prefect_ui(settings: Settings, port: int) -> Companion:
    """Return how to start the Prefect server, which fires schedules and shows runs."""
    base = f"http://127.0.0.1:{port}"
    # By variables and not by options, or the page would call port 4200.
    address = {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"{base}/api",
    }
    command = (_tool("prefect"), "server", "start")
    return Companion(
        "Prefect", command, _environment(settings) | address, base, f"{base}/api/health"
    )


def prefect_for_one_batch(settings: Settings, port: int) -> Companion:
    """Return how to start a Prefect server without pages and schedules, for one batch.

    Prefect starts the same by itself when no server is named, but only then waits for it; here
    the batch's own imports go on meanwhile.
    """
    base = f"http://127.0.0.1:{port}"
    command = (
        sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
        "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--lifespan", "on",
    )  # fmt: skip
    switches = {
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
    return Companion(
        "Prefect", command, _environment(settings) | switches, f"{base}/api", f"{base}/api/health"
    )


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken_port(companion: Companion) -> None:
    """Raise `UnavailableError` when something already listens where `companion` would."""
    port = urlsplit(companion.url).port
    with socket.socket() as probe:
        # As servers do: a port in the last seconds of an earlier connection is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UnavailableError(
                f"port {port} is taken: stop what listens there or choose another "
                "with --port (for `up`: --api-port, --mlflow-port, --prefect-port)"
            ) from error


def _environment(settings: Settings) -> dict[str, str]:
    return dict(os.environ) | isolated_environment(settings.state_dir)


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)
