"""How a command shows its answer: a table for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

WIDE = 160  # Characters of a line that goes to a file or a pipe.
LONGEST_WORD = 16  # Longer ones, such as hashes and paths, may break.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def show_json(document: object) -> None:
    """Print `document` (plain values, dataclasses, dates, Decimals) as JSON."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2)
    typer.echo(text.decode())


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()
) -> None:
    """Print `rows` as a table; the columns named in `right` are numbers.

    A number is never cut or broken, words fold at spaces first, and where no terminal sets a
    width a line may be WIDE.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal and console.width < WIDE:
        console = Console(width=WIDE)
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    table = Table(
        title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for place, column in enumerate(columns):
        if column in right:
            table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
        else:
            words = [word for row in cells for word in row[place].split()]
            longest = max(map(len, words), default=0)
            table.add_column(column, overflow="fold", min_width=min(longest, LONGEST_WORD))
    for row in cells:
        table.add_row(*row)
    console.print(table)
