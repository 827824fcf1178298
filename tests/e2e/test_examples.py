"""The examples run as a newcomer runs them, and say what they promise."""

import os
import subprocess
import sys

import pytest

from infra.isolation import PROJECT_ROOT, isolated_environment


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("add_your_own_feature", "rank IC"),
        ("train_a_challenger", "the sequential test"),
        ("bring_your_own_model", "served as onnx"),
    ],
)
def test_an_example_runs_and_says_what_it_found(
    script: str, says: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = tmp_path_factory.mktemp("state")
    (state / "tmp").mkdir()
    environment = {**os.environ, **isolated_environment(state), "PYTHONPATH": str(PROJECT_ROOT)}
    # Compiled kernels may be shared: they depend on the code alone.
    environment["NUMBA_CACHE_DIR"] = os.environ.get(
        "NUMBA_CACHE_DIR", environment["NUMBA_CACHE_DIR"]
    )

    done = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "examples" / f"{script}.py")],
        capture_output=True, text=True, env=environment, cwd=state, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert says in done.stdout
