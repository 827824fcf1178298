"""A night that is killed by the system goes on where it stood, and ends in the same rows."""

import signal
import subprocess
import sys
from pathlib import Path

from infra.bootstrap import open_desk
from infra.isolation import PROJECT_ROOT
from infra.settings import load_settings
from services.nightly_risk import NIGHT_KIND, NIGHT_SUMMARY_KIND
from tests.integration.night_run import DAY, N_BOOKS, run


def stored(state: Path, kind: str = NIGHT_KIND) -> dict[str, dict]:
    with open_desk(load_settings(state_dir=state)) as desk:
        return {d.scope: dict(d.payload) for d in desk.results.of_day(kind, DAY)}


def test_killed_night_goes_on_and_ends_in_the_same_rows(tmp_path: Path) -> None:
    state = tmp_path / "killed"
    died = subprocess.run(
        [sys.executable, "-m", "tests.integration.night_run", str(state), "4"],
        cwd=PROJECT_ROOT, check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    kept = stored(state)
    assert sorted(kept) == ["book0", "book1", "book2", "book3"]
    assert stored(state, NIGHT_SUMMARY_KIND) == {}

    resumed, undisturbed = run(state), run(tmp_path / "whole")

    assert (resumed.measured, undisturbed.measured) == (N_BOOKS - 4, N_BOOKS)
    assert (resumed.rows, resumed.failures) == (undisturbed.rows, undisturbed.failures)
    assert stored(state) == stored(tmp_path / "whole")
    assert run(state).measured == 0
