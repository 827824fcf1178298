"""Tests of `infra.isolation`: every folder under the state folder, every switch off."""

import os
import subprocess
import sys
from pathlib import Path

from infra.isolation import PROJECT_ROOT, isolated_environment


def test_every_path_lies_under_the_state_folder(tmp_path: Path) -> None:
    paths = [v for v in isolated_environment(tmp_path).values() if os.sep in v]
    assert len(paths) > 10
    assert all(Path(path).is_relative_to(tmp_path) for path in paths)


def test_the_command_runs_in_the_isolated_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.isolation", "printenv", "PREFECT_HOME"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(PROJECT_ROOT / "var" / "prefect")
