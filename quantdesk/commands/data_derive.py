"""Commands that make something of the lake: a join as of each row, a simulated session."""

from pathlib import Path
from typing import Annotated

import typer

from quantdesk.commands.data_views import day_of
from quantdesk.output import AsJson, show_json, show_table


def join(  # noqa: PLR0913, PLR0917 - each is an option of the command
    labels: Annotated[Path, typer.Argument(help="CSV or Parquet with symbol and a time.")],
    dataset: Annotated[str, typer.Argument(help="Dataset of the lake.")],
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    field: Annotated[list[str] | None, typer.Option(help="Field; may be repeated.")] = None,
    time: Annotated[str, typer.Option(help="Column of the moment, ISO with a zone.")] = "time",
    tolerance: Annotated[
        str, typer.Option(help="Oldest value that counts: 90s, 30m, 4h, 5d.")
    ] = "5d",
    as_json: AsJson = False,
) -> None:
    """Give each row the latest value of its symbol that was known by its time, and no older."""
    from infra.bootstrap import open_desk
    from infra.label_files import duration, scan_labels, write_joined

    fields = tuple(field or ("close",))
    oldest, rows = duration(tolerance), scan_labels(labels, time)
    with open_desk() as desk:
        blocks = desk.market_data.asof_join(
            rows, dataset, time=time, fields=fields, tolerance=oldest
        )
        done = write_joined(blocks, out, field="event_time")
    document = {"rows": done.rows, "met": done.met, "dataset": dataset, "file": str(out)}
    if as_json:
        show_json(document)
    else:
        typer.echo(
            f"{done.rows:,} rows, {done.met:,} with a value known by then and at most "
            f"{tolerance} old: {out}"
        )


def simulate(
    dataset: Annotated[str, typer.Argument(help="Dataset of daily bars.")],
    session: Annotated[str, typer.Argument(help="Session (yyyy-mm-dd).")],
    symbol: Annotated[list[str] | None, typer.Option(help="Symbol; all without.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed; another one is another dataset.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Draw SIMULATED quotes, trades and depth inside daily bars, and keep them in the lake."""
    from basics.errors import InvalidInputError
    from infra.bootstrap import open_desk
    from services.simulated_sessions import keep_sessions, simulate_sessions

    day = day_of(session)
    if day is None:
        raise InvalidInputError("a session is a day, such as 2012-11-23")
    with open_desk() as desk:
        market = desk.market_data
        drawn = simulate_sessions(market, dataset, day, seed=seed, symbols=symbol)
        kept = keep_sessions(market, dataset, drawn, seed=seed)
    if as_json:
        show_json({"simulated": True, "session": day, "left_out": drawn.failures, "datasets": kept})
        return
    rows = [(one.dataset, one.status, one.new, one.unchanged) for one in kept]
    columns = ("dataset", "status", "new", "unchanged")
    title = f"SIMULATED inside the bars of {len(drawn.sessions)} symbols on {day}"
    show_table(title, columns, rows, right=columns[2:])
    for name, why in drawn.failures.items():
        typer.echo(f"left out: {name}: {why}")
