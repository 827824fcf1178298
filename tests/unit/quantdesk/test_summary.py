"""Tests of `quantdesk.summary`: what the terminal shows of a day."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from quantdesk.summary import summarise
from tests.day_sample import sample_report


@pytest.mark.parametrize("width", [80, 140])
def test_the_headline_the_findings_and_the_places_to_look_are_shown(width: int) -> None:
    console = Console(width=width, record=True, force_terminal=True, file=io.StringIO())

    console.print(summarise(sample_report(), look=[("report", "var/report.html")]))

    shown = console.export_text()
    assert "Net P&L, USD" in shown
    assert "Baseline wins" in shown
    assert "The portfolio ended behind its benchmark." in shown
    assert "Simulated · equities: volume" in shown
    assert "var/report.html" in shown


def test_square_brackets_in_a_name_are_text_not_style() -> None:
    report = replace(sample_report(), portfolio="[red]EQ[/red]")
    console = Console(width=140, record=True, file=io.StringIO())

    console.print(summarise(report))

    assert "[red]EQ[/red]" in console.export_text()
