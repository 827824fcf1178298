"""Commands of profit and loss: `pnl show`, and those on the books."""

from typing import Annotated, Any

import typer

from quantdesk.commands.pnl_books import (
    pnl_explain,
    pnl_import,
    pnl_measure,
    pnl_open,
    pnl_reconcile,
    pnl_replay,
    pnl_settle,
)
from quantdesk.output import AsJson, show_json, show_table

pnl = typer.Typer(help="What a portfolio earned, and where it came from.", no_args_is_help=True)

pnl.command("explain")(pnl_explain)
pnl.command("import")(pnl_import)
pnl.command("measure")(pnl_measure)
pnl.command("open")(pnl_open)
pnl.command("reconcile")(pnl_reconcile)
pnl.command("replay")(pnl_replay)
pnl.command("settle")(pnl_settle)

Scope = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where there is only one.")
]
FIRST_FIGURES = (
    "total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio",
    "max_drawdown", "hit_rate", "profit_factor", "beta", "alpha", "information_ratio",
)  # fmt: skip


@pnl.command("show")
def pnl_show(
    scope: Scope = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Only the split by this key, such as symbol.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every figure, not the first few.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the latest performance and attribution that were stored."""
    performance, attributions = _latest(scope, by)
    if as_json:
        show_json(
            {
                "scope": performance.scope,
                "desk_date": performance.desk_date,
                "lineage": performance.lineage,
                "performance": performance.payload,
                "attributions": attributions,
            }
        )
        return
    earned = performance.payload
    typer.echo(
        f"{performance.scope}, {earned['start']} to {earned['end']}: earned {earned['total_pnl']} "
        f"{earned['currency']} after {earned['total_fees']} of fees; "
        f"equity {earned['final_equity']}"
    )
    _show_figures(earned, every=every)
    for split in attributions:
        _show_split(split)


def _latest(scope: str | None, by: str | None) -> tuple[Any, list[Any]]:
    from basics.errors import InvalidInputError, MissingDataError
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        known = desk.results.scopes("pnl.performance")
        if not known:
            raise MissingDataError("no profit is stored yet: run `quantdesk demo`")
        if scope is None and len(known) > 1:
            raise InvalidInputError(f"say which portfolio: {', '.join(known)}")
        chosen = scope or known[0]
        performance = desk.results.latest("pnl.performance", chosen)
        stored = desk.results.latest("pnl.attribution", chosen).payload["attributions"]
    found = [split for split in stored if by in {None, split["by"]}]
    if not found:
        keys = ", ".join(split["by"] for split in stored)
        raise InvalidInputError(f"no attribution by {by!r} is stored: there is {keys}")
    return performance, found


def _show_figures(earned: Any, *, every: bool) -> None:  # noqa: ANN401 - a stored JSON document
    rows = [
        (
            figure["name"],
            _number(figure["value"], figure["unit"]) if figure["reason"] is None else "-",
            _number(figure["benchmark"], figure["unit"]),
            figure["reason"] or "",
        )
        for figure in earned["figures"]
        if every or figure["name"] in FIRST_FIGURES
    ]
    beside = f", beside {earned['benchmark_name']}" if earned["benchmark_name"] else ""
    show_table(
        f"Performance{beside}",
        ("figure", "portfolio", "benchmark", "note"),
        rows,
        right=("portfolio", "benchmark"),
    )


def _show_split(split: Any) -> None:  # noqa: ANN401 - a stored JSON document
    rows = [
        (part["name"], f"{float(part['pnl']):,.2f}", _error(part["standard_error"]))
        for part in split["parts"]
    ]
    rows.append(("residual", f"{float(split['residual']):,.2f}", ""))
    rows.append(("total", f"{float(split['total']):,.2f}", ""))
    title = f"By {split['by']}, {split['currency']}" + ("" if split["exact"] else " (estimated)")
    show_table(title, (split["by"], "pnl", "standard error"), rows, right=("pnl", "standard error"))
    for note in split["notes"]:
        typer.echo(f"- {note}")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.2%}" if unit == "rate" else f"{value:.2f}"


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
