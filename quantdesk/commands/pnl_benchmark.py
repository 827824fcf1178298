"""The command `pnl benchmark`: why a portfolio earned another return than its benchmark."""

from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.commands.pnl_days import End, Scope, Start
from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from services.benchmark_attribution import BenchmarkAttribution


def pnl_benchmark(  # noqa: PLR0913, PLR0917 - each is an option of the command
    portfolio: Scope = None,
    start: Start = None,
    end: End = None,
    model: Annotated[
        str, typer.Option(help="Allocation after Brinson and Fachler (bf), or of 1986 (bhb).")
    ] = "bf",
    linking: Annotated[
        str, typer.Option("--link", help="carino, menchero, grap or frongello.")
    ] = "carino",
    level: Annotated[
        list[str] | None, typer.Option(help="sector, symbol; twice for symbols within sectors.")
    ] = None,
    interaction: Annotated[
        bool, typer.Option(help="Show interaction apart from selection.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Split the excess return over the benchmark: allocation, selection, trading, linked."""
    from infra.bootstrap import open_desk
    from services.benchmark_attribution import brinson_terms

    terms = brinson_terms(model, linking, level or ["sector"], interaction=interaction)
    with open_desk() as desk:
        kept = desk.pnl_days.books(portfolio, end=end.date() if end else None)
        found = desk.pnl_days.against_benchmark(kept, terms, start=start.date() if start else None)
    if as_json:
        show_json(found)
        return
    _show(found)


def _show(found: "BenchmarkAttribution") -> None:
    apart = any(row.interaction is not None for row in found.groups)
    shown = ["weight", "benchmark weight", "allocation", "selection"]
    columns = (*shown, "interaction") if apart else tuple(shown)
    rows = [
        (
            row.level, row.group, f"{row.portfolio_weight:.1%}", f"{row.benchmark_weight:.1%}",
            f"{row.allocation:+.2%}", f"{row.selection:+.2%}",
            *((f"{row.interaction:+.2%}",) if row.interaction is not None else ()),
        )
        for row in found.groups
    ]  # fmt: skip
    title = (
        f"{found.portfolio} against {found.benchmark_name}, {found.start} to {found.end}: "
        f"{found.portfolio_return:+.2%} less {found.benchmark_return:+.2%} is {found.excess:+.2%}"
    )
    show_table(title, ("level", "group", *columns), rows, right=columns)
    split = found.geometric
    typer.echo(
        f"trading, fees and financing {found.trading:+.2%}; residual {found.residual:.1e}; "
        f"linked by {found.linking}"
    )
    typer.echo(
        f"geometrically: allocation {split.allocation:+.2%}, selection {split.selection:+.2%}, "
        f"trading {split.trading:+.2%} make {split.excess:+.2%}"
    )
