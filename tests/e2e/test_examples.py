"""The examples run as a newcomer runs them, and say what they promise."""

import ast
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
        ("bring_your_own_model", "served as lightgbm-text"),
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


def test_a_model_of_ones_own_takes_at_most_thirty_lines() -> None:
    text = (PROJECT_ROOT / "examples" / "bring_your_own_model.py").read_text()
    classes = {n.name: n for n in ast.parse(text).body if isinstance(n, ast.ClassDef)}

    def lines(name: str) -> int:
        node = classes[name]
        return (node.end_lineno or 0) - node.decorator_list[0].lineno + 1

    for own in ("BayesianRidge", "HuberTrees"):
        assert lines(own) <= 30
