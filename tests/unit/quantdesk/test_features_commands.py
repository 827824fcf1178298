"""Tests of the `features` commands."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from basics.errors import MissingDataError, RefusedError
from quantdesk.commands.features import features


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


def test_ls_lists_the_sets_and_the_features_of_one(runner: CliRunner) -> None:
    sets = json.loads(runner.invoke(features, ["ls", "--json"]).stdout)
    one = json.loads(runner.invoke(features, ["ls", "alpha158", "--json"]).stdout)

    assert {"alpha158", "close_momentum"} <= {row["set"] for row in sets}
    assert len(one) == 158
    assert one[0] == {
        "set": "alpha158@1",
        "feature": "KMID",
        "lookback": 0,
        "live": "session",
        "fields": ["close", "open"],
        "formula": "((close - open) / open)",
    }


def test_check_passes_an_honest_file_and_refuses_one_that_peeks(
    runner: CliRunner, tmp_path: Path
) -> None:
    honest, peeking = tmp_path / "honest.py", tmp_path / "peeking.py"
    honest.write_text(
        "from features import field, mean\nFEATURES = {'m': mean(field('close'), 5)}\n"
    )
    peeking.write_text(
        "import numpy as np\n"
        "from features import feature_function, field\n"
        "@feature_function(field('close'), lookback=0)\n"
        "def peek(close):\n"
        "    return np.roll(close, -1, axis=1)\n"
        "FEATURES = {'peek': peek}\n"
    )

    passed = runner.invoke(features, ["check", str(honest), "--json"])
    refused = runner.invoke(features, ["check", str(peeking)])

    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["leaks"] == []
    assert isinstance(refused.exception, RefusedError)
    assert "LEAKS" in refused.stdout


def test_describe_names_a_feature_that_is_not_there(runner: CliRunner) -> None:
    result = runner.invoke(features, ["describe", "close_momentum.nothing"])

    assert isinstance(result.exception, MissingDataError)
    assert "no feature 'nothing'" in str(result.exception)
