"""What a page is made of: key figures, tables, charts and prose in titled sections.

The template draws these and knows nothing of trading; the builders (`day`, `tear_sheet`,
`morning`) turn documents into these and know nothing of HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.report import Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One number worth a headline, with its label and what to compare it with."""

    label: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's heading and form; numbers are set to the right in tabular figures."""

    title: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `share` draws a bar (full at 1), `mark` makes it bold, `code` fixed width."""

    text: str
    tone: Tone = Tone.PLAIN
    share: float | None = None
    mark: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table; of more rows than `shown` the rest waits behind a button (0: none waits)."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    wide: bool = True
    shown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plotly figure as plain data, with the id of its place and what it shows in words.

    Attributes
    ----------
    name : str
        Id of the element; stable, so that a page has one canonical form.
    traces, layout : plain data
        Colours are written as names of the palette (`$accent`), filled in by the page so
        that the figure follows the light or the dark theme.
    summary : str
        What the chart shows, for readers who cannot see it.
    """

    name: str
    title: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    summary: str
    height: int = 320
    wide: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence set apart; `label` says what kind."""

    text: str
    label: str = ""
    tone: Tone = Tone.PLAIN


Block = Table | Chart | Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the page."""

    name: str
    title: str
    lead: str = ""
    figures: Sequence[KeyFigure] = ()
    blocks: Sequence[Block] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole page.

    Attributes
    ----------
    caveats : sequence of Notice
        What a reader must know before leaning on the figures, under `caveats_title`.
    """

    title: str
    kicker: str
    subtitle: str
    figures: Sequence[KeyFigure]
    findings: Sequence[Notice]
    caveats: Sequence[Notice]
    sections: Sequence[Section]
    footer: str
    caveats_title: str = "What is real, what is simulated"
