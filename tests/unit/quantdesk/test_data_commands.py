"""Tests of the `data` commands on a lake of their own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from basics.errors import InvalidInputError, MissingDataError
from quantdesk.commands.data import data


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("QUANTDESK_STATE_DIR", str(tmp_path / "state"))
    return CliRunner()


def test_an_empty_lake_lists_nothing(runner: CliRunner) -> None:
    result = runner.invoke(data, ["ls", "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == []


def test_a_map_without_an_equals_sign_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("date,close\n2022-01-03,1\n")

    result = runner.invoke(data, ["import", str(path), "--map", "close"])

    assert isinstance(result.exception, InvalidInputError)
    assert "--map takes" in str(result.exception)


def test_yahoo_without_symbols_says_what_it_needs(runner: CliRunner) -> None:
    result = runner.invoke(data, ["import", "yahoo"])

    assert isinstance(result.exception, InvalidInputError)
    assert "--symbol AAPL,MSFT and --start" in str(result.exception)


def test_a_path_that_is_nothing_is_missing(runner: CliRunner) -> None:
    result = runner.invoke(data, ["import", "smaple"])

    assert isinstance(result.exception, MissingDataError)
    assert "smaple does not exist" in str(result.exception)
