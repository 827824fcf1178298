"""Writes a page as one HTML file that opens without a network: styles, data, plotly inside."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basics.errors import InvalidInputError
from infra.files import write_whole
from infra.report.day import day_page
from infra.report.page import Chart, Page
from infra.report.theme import FONT, PALETTES
from services.report import DayReport

if TYPE_CHECKING:
    from jinja2 import Template


def write_report(report: DayReport, path: Path) -> Path:
    """Write the day's report to `path` and return it."""
    return write_page(day_page(report), path)


def write_page(page: Page, path: Path) -> Path:
    """Write `page` to `path` in one step, so that a reader never sees half a page."""
    return write_whole(path, render_page(page).encode())


def render_page(page: Page) -> str:
    """Return the page as HTML; the same page gives the same text."""
    from markupsafe import Markup

    charts = [
        {"name": block.name, "traces": list(block.traces), "layout": dict(block.layout)}
        for section in page.sections
        for block in section.blocks
        if isinstance(block, Chart)
    ]
    # Our own files and plotly's go in as they are; everything else is escaped.
    return _template().render(
        page=page,
        palette_css=Markup(_palette_css()),
        style=Markup(_text("page.css")),
        script=Markup(_text("page.js")),
        plotly=Markup(_plotly()) if charts else "",
        data=Markup(_script_json({"charts": charts, "palettes": PALETTES})),
    )


def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_text("page.html.j2"))


def _palette_css() -> str:
    """Return the palettes as CSS variables: the system's theme unless the reader chose one."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in PALETTES[theme].items())
        for theme in ("light", "dark")
    )
    return "\n".join(
        [
            f":root{{color-scheme:light;--font:{FONT};{light}}}",
            f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}}}",
            f":root[data-theme=light]{{color-scheme:light;{light}}}",
            f":root[data-theme=dark]{{color-scheme:dark;{dark}}}",
        ]
    )


def _script_json(document: Mapping[str, Any]) -> str:
    """Return JSON that cannot end the script element it stands in."""
    try:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InvalidInputError(
            "a chart holds a number that is not finite: write None for what was not measured"
        ) from error
    return text.replace("<", "\\u003c")


@cache
def _text(name: str) -> str:
    return (files("infra.report") / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """Return plotly.js as the installed package ships it."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
