"""`quantdesk report`: pages drawn again from what is stored."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.ports import ResultStore

report = typer.Typer(help="Pages to read, drawn from what is stored.", no_args_is_help=True)

Scope = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where there is only one.")
]
Out = Annotated[Path | None, typer.Option(help="File to write; in the state folder by default.")]


@report.command("tearsheet")
def tearsheet(scope: Scope = None, out: Out = None) -> None:
    """Write a portfolio's tear sheet: returns, risk, attribution, all figures."""
    import msgspec

    from infra.bootstrap import open_desk
    from infra.report import write_tear_sheet
    from pnl.attribution import Attribution
    from services.pnl_performance import Performance
    from services.tear_sheet import tear_sheet

    with open_desk() as desk:
        chosen = _chosen(desk.results, "pnl.performance", scope)
        performance = desk.results.latest("pnl.performance", chosen).payload
        splits = desk.results.latest("pnl.attribution", chosen).payload["attributions"]
        sheet = tear_sheet(
            chosen,
            msgspec.convert(performance, Performance, strict=False),
            msgspec.convert(splits, list[Attribution], strict=False),
        )
        path = out or desk.settings.state_dir / f"tearsheet-{chosen}.html"
        typer.echo(write_tear_sheet(sheet, path))


@report.command("morning")
def morning(scope: Scope = None, out: Out = None) -> None:
    """Write the morning risk report: the portfolio, its evidence, all books of the night."""
    from infra.bootstrap import open_desk
    from infra.report import write_morning_report
    from services.morning import last_morning
    from services.risk import PROFILE_KIND

    with open_desk() as desk:
        chosen = _chosen(desk.results, PROFILE_KIND, scope)
        path = out or desk.settings.state_dir / "morning.html"
        typer.echo(write_morning_report(last_morning(desk.results, chosen), path))


def _chosen(results: "ResultStore", kind: str, scope: str | None) -> str:
    from basics.errors import MissingDataError
    from services.portfolios import chosen_portfolio

    known = results.scopes(kind)
    if not known:
        raise MissingDataError("nothing is stored yet: run `quantdesk demo`")
    if scope is not None and scope not in known:
        raise MissingDataError(f"no portfolio {scope!r} is stored: there is {', '.join(known)}")
    return chosen_portfolio(known, scope)
