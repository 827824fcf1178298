"""The command `pnl cash`: deposits, interest, fees and conversions into imported books."""

from pathlib import Path
from typing import Annotated

import typer

from quantdesk.commands.pnl_books import Mapped, pairs
from quantdesk.output import AsJson, show_json


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
    document = {"run": run, "booked": booked.booked, "seen_before": booked.seen_before,
                "rejected": len(rejected), "rejections": listed}  # fmt: skip
    if as_json:
        show_json(document)
        return
    typer.echo(
        f"{run}: {booked.booked} entries booked, {booked.seen_before} already there, "
        f"{len(rejected)} rows rejected" + (f", listed in {listed}" if listed else "")
    )
