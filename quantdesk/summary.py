"""The day in the terminal: the headline figures, what they say, and where to look further."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.report.day import day_page
from infra.report.page import KeyFigure, Notice
from services.report import DayReport, Tone

STYLES = {Tone.GOOD: "green", Tone.BAD: "red", Tone.WARN: "yellow", Tone.PLAIN: "default"}
MARKS = {Tone.GOOD: "●", Tone.BAD: "●", Tone.WARN: "◆", Tone.PLAIN: "●"}


def summarise(report: DayReport, *, look: Sequence[tuple[str, str]] = ()) -> RenderableType:
    """Return the day in one screen, from the same figures as the page.

    Parameters
    ----------
    look : sequence of (what, where)
        What to open next, such as ("report", "var/report.html").
    """
    page = day_page(report)
    parts: list[RenderableType] = [
        Text(f"{page.title} · {page.kicker}", style="bold"),
        Text(page.subtitle, style="dim"),
        _figures(page.figures),
        _notices(page.findings),
        Text(page.caveats_title, style="bold"),
        _notices(page.caveats),
    ]
    if look:
        parts.append(_places(look))
    return Group(*parts)


def _figures(figures: Sequence[KeyFigure]) -> Table:
    """Return one figure a line: it reads at any width, and copies as text."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for figure in figures:
        value = Text(figure.value, style=f"bold {STYLES[figure.tone]}")
        table.add_row(figure.label, value, figure.note)
    return table


def _notices(notices: Sequence[Notice]) -> Table:
    table = Table.grid(padding=(0, 1))
    for notice in notices:
        mark = Text(MARKS[notice.tone], style=STYLES[notice.tone])
        table.add_row(
            mark, Text.assemble((f"{notice.label} " if notice.label else "", "bold"), notice.text)
        )
    return table


def _places(look: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for what, where in look:
        # A path or command is copied whole: it may be wide, never folded in the middle.
        table.add_row(Text(what, style="bold"), Text(where, style="cyan", overflow="ignore"))
    return table
