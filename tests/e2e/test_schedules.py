"""A real Prefect server fires a schedule, and the run completes."""

import subprocess
import sys
import time

import httpx

# Every twenty seconds instead of after the close; all else is what `quantdesk flows serve` does.
SERVE = """
from infra.isolation import isolate
isolate()
from datetime import timedelta
import prefect.schedules
from flows import deployments
deployments.Cron = lambda cron, timezone: prefect.schedules.Interval(timedelta(seconds=20))
deployments.serve_deployments({"ingest": "every twenty seconds"})
"""
DEADLINE_SECONDS = 300


def scheduled_runs(api: str) -> list[dict[str, str]]:
    answer = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_ASC"}, timeout=60)
    answer.raise_for_status()
    runs: list[dict[str, str]] = answer.json()
    return [run for run in runs if run["auto_scheduled"]]


def test_a_scheduled_run_completes_and_says_when_there_is_nothing_new(
    desk_environment: dict[str, str],
) -> None:
    api = desk_environment["PREFECT_API_URL"]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], env=desk_environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    states: list[str] = []
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline and "NoNewData" not in states:
            assert process.poll() is None, "the schedules are no longer served"
            time.sleep(1)
            states = [run["state_name"] for run in scheduled_runs(api)]
    finally:
        process.terminate()
        process.wait(timeout=30)

    assert "Completed" in states, states
    assert "NoNewData" in states, states
