"""A trading run that is killed and run again ends in the same figures, nothing booked twice."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from infra.isolation import PROJECT_ROOT
from tests.integration.trading_run import run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], object]:
    outcome = run(tmp_path_factory.mktemp("undisturbed"))
    return lambda: outcome


# Two reads, then four statements for each session: marker, orders, reports, fills. So 4 is
# inside the first session's transaction, 23 and 44 are in later ones.
@pytest.mark.parametrize("statement", [4, 23, 44])
def test_killed_run_goes_on_and_ends_in_the_same_figures(
    statement: int, tmp_path: Path, undisturbed: Callable[[], object]
) -> None:
    died = subprocess.run(
        [sys.executable, "-m", "tests.integration.trading_run", str(tmp_path), str(statement)],
        cwd=PROJECT_ROOT,
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()

    result, fills = run(tmp_path)

    expected, expected_fills = undisturbed()
    assert fills == expected_fills
    assert (result.orders, result.refused, result.fills, result.fees) == (
        expected.orders,
        expected.refused,
        expected.fills,
        expected.fees,
    )
    for name, equity in expected.equity.items():
        np.testing.assert_array_equal(result.equity[name], equity)


def test_finished_run_books_nothing_more(tmp_path: Path, undisturbed: Callable[[], object]) -> None:
    first, fills = run(tmp_path)
    again, fills_again = run(tmp_path)

    assert fills == fills_again == undisturbed()[1]
    assert first.resumed_after is None
    assert again.resumed_after == first.sessions[-1]
    assert again.equity["spread"].tobytes() == first.equity["spread"].tobytes()
