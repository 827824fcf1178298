"""An experiment as a data scientist makes one: DVC in a checkout of its own, offline."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.isolation import PROJECT_ROOT, isolated_environment

# Less to compute than the demo; what is tested is the path, not the figures.
SMALL = ("-S", "trading.sessions=20", "-S", "price.first_test_year=2021")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout of the files as they stand, with this environment and no remote."""
    root = tmp_path / "a checkout"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (PROJECT_ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_ROOT / name, root / name)
    (root / ".venv").symlink_to(Path(sys.executable).parent.parent)
    (root / "var" / "tmp").mkdir(parents=True)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "start"]):
        run(root, "git", *command)
    return root


def run(root: Path, *command: str) -> str:
    environment = os.environ | isolated_environment(root / "var")
    environment |= {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    environment |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_changed_parameter_is_run_kept_and_compared(checkout: Path) -> None:
    dvc, python = ".venv/bin/dvc", ".venv/bin/python"
    run(checkout, dvc, "exp", "run", "-n", "short", *SMALL)
    run(checkout, "git", "commit", "-q", "-am", "the small experiment")

    run(checkout, dvc, "exp", "run", "-n", "patient", "-S", "trading.hold_sessions=10")

    metrics = json.loads(run(checkout, dvc, "metrics", "diff", "--json"))
    parameters = json.loads(run(checkout, dvc, "params", "diff", "--json"))
    listed = json.loads(run(checkout, python, "-m", "quantdesk", "experiments", "ls", "--json"))
    run(checkout, python, "-m", "quantdesk", "experiments", "diff", "HEAD", "patient")
    page = next((checkout / "var" / "experiment").glob("*-patient.html")).read_text()

    sharpe = metrics["var/experiment/backtest.json"]["sharpe_ratio"]
    assert sharpe["old"] != sharpe["new"]
    assert list(parameters["params.yaml"]) == ["trading.hold_sessions"]
    assert parameters["params.yaml"]["trading.hold_sessions"]["new"] == 10
    assert {"workspace", "patient"} <= {run["name"] for run in listed}
    assert "trading.hold_sessions" in page
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=.?https?:", page)
    # Only what the experiment changed differs from the commit; all else is ignored or committed.
    changed = run(checkout, "git", "status", "--porcelain").split()
    assert changed == ["M", "dvc.lock", "M", "params.yaml"]
