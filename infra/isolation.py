"""The environment under which no dependency writes outside the state folder or calls home.

Applied before any heavy import by the command line, and to other programs by
`python -m infra.isolation COMMAND ...`. Standard library only, so that it costs nothing.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
KERNEL_ROOMS = ("measures", "features", "pnl", "models", "risk")


def default_state_dir() -> Path:
    """Return the folder that holds all state: `var` beside the code."""
    return PROJECT_ROOT / "var"


def isolated_environment(state_dir: Path) -> dict[str, str]:
    """Return the variables that keep every dependency inside `state_dir`, and silent."""
    caches, temporary = state_dir / "cache", state_dir / "tmp"
    folders = {
        "TMPDIR": temporary,
        "SQLITE_TMPDIR": temporary,
        "XDG_CACHE_HOME": caches / "xdg",
        "XDG_CONFIG_HOME": caches / "xdg-config",
        "XDG_DATA_HOME": caches / "xdg-data",
        "MPLCONFIGDIR": caches / "matplotlib",
        "NUMBA_CACHE_DIR": caches / "numba" / kernel_version(),
        "PREFECT_HOME": state_dir / "prefect",
        "DVC_SITE_CACHE_DIR": caches / "dvc-site",
        "DVC_GLOBAL_CONFIG_DIR": caches / "dvc-global",
        "DVC_SYSTEM_CONFIG_DIR": caches / "dvc-system",
        "NICEGUI_STORAGE_PATH": state_dir / "nicegui",
        "DASK_TEMPORARY_DIRECTORY": temporary,
        "RUFF_CACHE_DIR": caches / "ruff",
        "HYPOTHESIS_STORAGE_DIRECTORY": caches / "hypothesis",
        "PRE_COMMIT_HOME": caches / "pre-commit",
        "SKLEARN_DATA": caches / "sklearn",
        "MLFLOW_TRACKING_DIR": state_dir / "mlflow",
    }
    switches = {
        "DO_NOT_TRACK": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # A first start without bytecode on a busy machine takes longer than the default 20 s.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "DVC_NO_ANALYTICS": "true",
        "ORT_DISABLE_TELEMETRY": "1",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    return {name: str(path) for name, path in folders.items()} | switches


@cache
def kernel_version() -> str:
    """Return a hash of the rooms that hold compiled kernels.

    numba checks the file of the kernel that it loads, not the files of the kernels which that
    one calls: without this, a changed callee would go on running as it was compiled.
    """
    digest = hashlib.sha256()
    for room in KERNEL_ROOMS:
        for path in sorted((PROJECT_ROOT / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def isolate(state_dir: Path | None = None) -> None:
    """Apply the environment to this process and make the temporary folder."""
    state = state_dir or default_state_dir()
    (state / "tmp").mkdir(parents=True, exist_ok=True)
    os.environ.update(isolated_environment(state))


def main() -> None:
    """Replace this process by the command given, isolated."""
    isolate()
    # A virtual environment's own tools come first, as if it were activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = sys.argv[1:]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()


def hand_on(variables: Mapping[str, str]) -> None:
    """Set variables in this process alone, for a library that takes a secret no other way."""
    os.environ.update(variables)
