"""The day's batch, killed at every step and run again, ends in the same figures."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

QUANTDESK = str(Path(sys.executable).parent / "quantdesk")
STEPS = (
    "Market data",
    "Features",
    "Models",
    "In service",
    "Trading",
    "Profit and loss",
    "Multi-asset",
    "Risk",
    "Stress",
    "Report",
)


def run_batch(environment: dict[str, str], *options: str) -> str:
    done = subprocess.run(
        [QUANTDESK, "demo", *options],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kill_batch_in(step: str, environment: dict[str, str], *, after_seconds: float) -> None:
    """Start the batch and send it SIGKILL `after_seconds` into `step`."""
    process = subprocess.Popen(
        [QUANTDESK, "demo"], env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    began = any(f"… {step}" in line for line in process.stdout)
    assert began, f"the batch never came to {step}"
    time.sleep(after_seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    process.stdout.close()


def test_a_batch_killed_at_every_step_ends_in_the_figures_of_an_undisturbed_one(
    desk_environment: dict[str, str], tmp_path: Path
) -> None:
    undisturbed = desk_environment | {"QUANTDESK_STATE_DIR": str(tmp_path / "undisturbed")}
    run_batch(undisturbed)
    wait = random.Random(7)

    for step in STEPS:
        kill_batch_in(step, desk_environment, after_seconds=wait.uniform(0.0, 1.5))
    run_batch(desk_environment)

    figures = Path(desk_environment["QUANTDESK_STATE_DIR"], "report.json").read_bytes()
    expected = (tmp_path / "undisturbed" / "report.json").read_bytes()
    assert figures == expected
    # Run once more, everything computed again: still the same, byte for byte.
    run_batch(desk_environment, "--fresh")
    state = Path(desk_environment["QUANTDESK_STATE_DIR"])
    assert (state / "report.json").read_bytes() == expected
    # The pages that a process beside was drawing when it was killed with the batch stand too.
    assert not list((state / "data-docs" / "owed").glob("*.json"))
    validations = state / "data-docs" / "gx/uncommitted/data_docs/local_site/validations"
    landed = {folder.name for folder in (state / "lake").glob("[!.]*")}  # Not `.staging`.
    assert {folder.name for folder in validations.iterdir()} == landed
