"""Tests of `flows.progress` and of the terminal that listens to it."""

from io import StringIO

import pytest
from rich.console import Console

from flows.progress import Progress, listening, step
from quantdesk.batch_view import BatchView


def test_a_step_tells_that_it_runs_and_what_it_found() -> None:
    heard: list[Progress] = []

    with listening(heard.append), step("features") as summarise:
        summarise("20 features")

    assert heard == [
        Progress("features", "running"),
        Progress("features", "done", "20 features"),
    ]


def test_a_failed_step_says_why_and_lets_the_error_pass() -> None:
    heard: list[Progress] = []

    with pytest.raises(ValueError, match="no bars"), listening(heard.append), step("features"):
        raise ValueError("no bars")

    assert heard[-1] == Progress("features", "failed", "no bars")


def test_without_a_listener_a_step_is_silent() -> None:
    with step("features") as summarise:
        summarise("20 features")


def test_a_log_file_gets_one_line_for_each_change() -> None:
    text = StringIO()

    with (
        BatchView("a day's batch", Console(file=text)) as view,
        listening(view),
        step("features") as summarise,
    ):
        summarise("20 features")

    title, began, ended = text.getvalue().splitlines()
    assert title == "a day's batch"
    assert "features" in began
    assert ended.endswith("s): 20 features")
