"""Commands on the days that are kept: `pnl explain` and `pnl value`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.bootstrap import Desk
    from services.pnl_explanation import Explanation
    from services.ports import KeptBooks

DAY = "%Y-%m-%d"
Scope = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where there is only one.")
]
Start = Annotated[
    datetime | None, typer.Option("--from", help="First day, YYYY-MM-DD.", formats=[DAY])
]
End = Annotated[datetime | None, typer.Option("--to", help="Last day, YYYY-MM-DD.", formats=[DAY])]


def books_between(
    desk: "Desk", portfolio: str | None, start: datetime | None, end: datetime | None
) -> "KeptBooks":
    """Return the books that are kept of the sessions from `start` to `end`."""
    return desk.pnl_days.books(
        portfolio, start=start.date() if start else None, end=end.date() if end else None
    )


def pnl_explain(
    portfolio: Scope = None, start: Start = None, end: End = None, as_json: AsJson = False
) -> None:
    """Say why equity changed: every cent of every session under one of thirteen names."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        kept = books_between(desk, portfolio, start, end)
        explanation = desk.pnl_days.explanation(kept)
    if as_json:
        show_json(explanation)
        return
    last, span = f"on {explanation.end}", f"since {explanation.start}"
    rows = [
        (part.name, f"{part.by_session[-1]:,.2f}", f"{part.pnl:,.2f}")
        for part in explanation.parts
        if part.pnl or any(part.by_session) or part.name == "rounding"
    ]
    on_last_day = sum(part.by_session[-1] for part in explanation.parts)
    rows.append(("total", f"{on_last_day:,.2f}", f"{explanation.total:,.2f}"))
    show_table(
        f"{kept.portfolio}: why equity changed, {explanation.currency}",
        ("part", last, span),
        rows,
        right=(last, span),
    )
    if len(explanation.currencies) > 1:
        _show_currencies(explanation)


def _show_currencies(explanation: "Explanation") -> None:
    """Show the parts in each currency of the books, before any conversion."""
    names = [one.currency for one in explanation.currencies]
    columns = [{part.name: part.pnl for part in one.parts} for one in explanation.currencies]
    rows = [
        (part.name, *(f"{column[part.name]:,}" for column in columns))
        for part in explanation.parts
        if any(column[part.name] for column in columns)
    ]
    rows.append(("total", *(f"{one.total:,}" for one in explanation.currencies)))
    title = f"In each currency since {explanation.start}; fx is what was exchanged into it"
    show_table(title, ("part", *names), rows, right=names)


def pnl_value(
    run: Annotated[str, typer.Argument(help="Name of the books, as they were imported.")],
    portfolio: Annotated[
        str | None, typer.Option(help="Which of its portfolios; left out: all of them.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="Dataset of the closing prices.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Value books that you imported day by day and keep the days, so that `pnl show` answers."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        valued = desk.pnl_days.value(run, dataset=dataset, portfolio=portfolio)
    rows = [
        {
            "portfolio": one.portfolio,
            "start": one.performance.start,
            "end": one.performance.end,
            "sessions": len(one.performance.sessions),
            "sessions_changed": one.sessions_changed,
            "total_pnl": one.performance.total_pnl,
            "currency": one.performance.currency,
        }
        for one in valued
    ]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        typer.echo(
            f"{row['portfolio']}, {row['start']} to {row['end']}: {row['sessions']} sessions, "
            f"{row['sessions_changed']} new or changed; earned {row['total_pnl']:,} "
            f"{row['currency']}"
        )
