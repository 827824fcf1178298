"""Tests of the command line as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def quantdesk(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "quantdesk"), *arguments],
        capture_output=True, text=True, check=False, env=os.environ | variables,
    )  # fmt: skip


def test_help_names_the_product_and_its_commands() -> None:
    done = quantdesk("--help")
    assert done.returncode == 0
    assert "trading desk" in done.stdout
    assert "config" in done.stdout


def test_settings_are_shown_as_json() -> None:
    rows = json.loads(quantdesk("config", "show", "--json", QUANTDESK_THREADS="4").stdout)
    threads = next(row for row in rows if row["name"] == "threads")
    assert threads == {
        "name": "threads",
        "value": "4",
        "source": "environment QUANTDESK_THREADS",
    }


def test_a_typo_in_a_setting_is_one_line_and_exit_code_2() -> None:
    done = quantdesk("config", "show", QUANTDESK_THREDS="4")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "QUANTDESK_THREDS" in done.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("config", "show", "--loud")])
def test_an_unknown_word_exits_with_2(arguments: tuple[str, ...]) -> None:
    assert quantdesk(*arguments).returncode == 2
