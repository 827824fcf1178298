"""Tests of `quantdesk.output`: what a table keeps whole."""

import pytest

from quantdesk.output import WIDE, show_table

ROWS = [("historical", 1_234_567, "a longer remark that may fold at its spaces")]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_number_is_never_cut(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    show_table("Risk", ("method", "value at risk", "note"), ROWS, right=("value at risk",))

    assert "1234567" in capsys.readouterr().out


def test_a_pipe_gets_lines_as_long_as_they_need_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "word " * 25

    show_table("Risk", ("note",), [(long,)])

    assert long.strip() in capsys.readouterr().out
    assert len(long) < WIDE


def test_what_is_not_there_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("Risk", ("method", "value"), [("historical", None)], right=("value",))

    assert "None" not in capsys.readouterr().out
