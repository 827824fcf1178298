"""Commands that keep the lake: merge files, document partitions, reference tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.data_quality.quarantine import Quarantine

Datasets = Annotated[list[str] | None, typer.Argument(help="Datasets; all without.")]


def compact(
    datasets: Datasets = None,
    at_least: Annotated[
        int, typer.Option(min=2, help="Files of a partition from which they are merged.")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Merge the small files of each partition and remove dead ones; no answer changes."""
    from infra.bootstrap import open_desk
    from infra.lake.maintenance import tidy
    from infra.market_data import open_lake

    with open_desk() as desk:
        lake = open_lake(desk.settings, desk.clock)
        names = datasets or [state.dataset.name for state in lake.catalog()]
        for name in names:
            lake.state(name)  # An unknown name is refused before anything is touched.
        done = [tidy(lake, name, at_least=at_least) for name in names]
    if as_json:
        show_json(done)
        return
    columns = ("dataset", "files merged", "dead files removed")
    show_table(
        "Upkeep of the lake",
        columns,
        [(item.dataset, item.merged, item.removed) for item in done],
        right=columns[1:],
    )


def docs(datasets: Datasets = None, as_json: AsJson = False) -> None:
    """Validate every stored partition by itself and write its page of the Data Docs."""
    from infra.bootstrap import open_desk
    from services.data_documents import document_partitions

    with open_desk() as desk:
        market = desk.market_data
        names = datasets or [state.dataset.name for state in market.catalog()]
        done = {name: document_partitions(market, name) for name in names}
    if as_json:
        show_json(done)
        return
    columns = ("dataset", "partitions", "expectations", "unmet")
    rows = [(name, d.batches, d.expectations, d.unmet) for name, d in done.items()]
    show_table("Validated by Great Expectations", columns, rows, right=columns[1:])
    for location in sorted({d.location for d in done.values()}):
        typer.echo(f"Data Docs: {location}")


def reference(
    table: Annotated[
        str, typer.Argument(help="sectors, sector_spans, currencies, universes, tickers.")
    ] = "tickers",
    add: Annotated[
        Path | None, typer.Option(help="CSV file whose rows are added to your own table.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a reference table, or add rows: sectors, currencies, universes, tickers over time."""
    from basics.errors import InvalidInputError
    from infra.bootstrap import open_desk
    from infra.reference import COLUMNS, ReferenceTables, Table

    if table not in list(Table):
        raise InvalidInputError(f"there is no table {table!r}: {', '.join(Table)}")
    kind = Table(table)
    with open_desk() as desk:
        tables = ReferenceTables.of(desk.settings)
        added = None if add is None else tables.add_file(kind, add)
        rows = tables.rows(kind)
    if as_json:
        show_json({"table": table, "added": added, "rows": rows})
        return
    if added is not None:
        typer.echo(f"{added} rows added to {table}")
        return
    columns = COLUMNS[kind]
    show_table(table, columns, [[row[name] for name in columns] for row in rows])


def quarantine(
    name: Annotated[str | None, typer.Argument(help="A file: show its rows.")] = None,
    release: Annotated[bool, typer.Option(help="Let its rows into the lake.")] = False,
    by: Annotated[str, typer.Option(help="Who lets them in.")] = "",
    why: Annotated[str, typer.Option(help="Why they are right.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the rows that the gate set aside and why, or let a file's rows in, by name."""
    from infra.bootstrap import open_desk
    from infra.data_quality.quarantine import Quarantine
    from services.quarantine import release_rows

    with open_desk() as desk:
        kept = Quarantine(desk.settings.state_dir / "quarantine")
        if name is None:
            _show_quarantine(kept, as_json=as_json)
            return
        rows = kept.read(name)
        if release:
            done = release_rows(desk.market_data, kept.dataset_of(name), rows, by=by, why=why)
            kept.release(name)
    if release:
        document = {"released": name, "by": by, "why": why, "new": done.new,
                    "corrected": done.corrected}  # fmt: skip
        if as_json:
            show_json(document)
        else:
            typer.echo(f"{done.new} new and {done.corrected} corrected rows let in by {by}: {why}")
    elif as_json:
        show_json({"name": name, "rows": rows.to_dicts()})
    else:
        show_table(name, rows.columns, rows.rows())


def _show_quarantine(kept: "Quarantine", *, as_json: bool) -> None:
    found = kept.ls()
    if as_json:
        show_json(found)
        return
    columns = ("file", "rows", "from", "to", "symbols", "reasons")
    table = [
        (f.name, f.rows, f.first, f.last, ", ".join(f.symbols[:5]),
         "; ".join(f"{rule} ({count})" for rule, count in f.reasons))
        for f in found
    ]  # fmt: skip
    show_table("Set aside by the gate", columns, table, right=("rows",))
