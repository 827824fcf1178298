"""The command `pnl cash`: deposits, interest, fees and conversions into imported books."""

from pathlib import Path
from typing import Annotated

import typer

from quantdesk.commands.pnl_books import Mapped, pairs, show_entries
from quantdesk.output import AsJson


def pnl_cash(
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet: event_id, day, kind, amount, currency.")
    ],
    run: Annotated[str, typer.Option("--run", help="Name of the books that take it.")],
    mapping: Mapped = None,
    dataset: Annotated[str, typer.Option(help="Dataset whose symbols are known.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Book deposits, interest, fees and conversions between currencies; bad rows are listed."""
    from infra.bootstrap import open_desk
    from infra.sources.cash_files import read_cash
    from infra.sources.rejections import RejectionFile

    with open_desk() as desk:
        accounting = desk.books_of(dataset)
        events, rejected = read_cash(file, accounting.instruments, mapping=pairs(mapping))
        booked = accounting.book_events(run, events)
        listed = RejectionFile(desk.settings.state_dir / "rejections").write(
            f"cash-{run}", rejected
        )
    show_entries(run, booked, rejected, listed, as_json=as_json)
