"""Commands on the days that are kept: `pnl explain`, `value`, `intraday` and `health`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

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
    from services.portfolios import label_of

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
        f"{label_of(kept.portfolio)}: why equity changed, {explanation.currency}",
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
    run: Annotated[
        str, typer.Argument(help="Name of the books, as imported; `desk` for the desk's orders.")
    ],
    portfolio: Annotated[
        str | None, typer.Option(help="Which of its portfolios; left out: all of them.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="Dataset of the closing prices.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Value books that you imported day by day and keep the days, so that `pnl show` answers."""
    from infra.bootstrap import open_desk
    from services.order_tickets import DESK

    with open_desk() as desk:
        if run == DESK:
            last = desk.market_data.panel(dataset, fields=("close",)).sessions[-1].item()
            desk.desk_books.book_orders(today=last)
        valued = desk.pnl_keeping.value(run, dataset=dataset, portfolio=portfolio)
        for one in valued:
            kept = desk.pnl_days.books(one.portfolio)
            desk.pnl_health.run(kept, lineage={"run_id": run})
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


def pnl_intraday(portfolio: Scope = None, as_json: AsJson = False) -> None:
    """Show how the desk date went hour by hour, as the flow `pnl-intraday` left it."""
    from basics.errors import MissingDataError
    from infra.bootstrap import open_desk
    from services.pnl_replay import INTRADAY_KIND
    from services.portfolios import chosen_portfolio

    with open_desk() as desk:
        known = desk.results.scopes(INTRADAY_KIND)
        if not known:
            raise MissingDataError("no session is replayed: run `quantdesk flows run pnl-intraday`")
        stored = desk.results.latest(INTRADAY_KIND, chosen_portfolio(known, portfolio))
    report = stored.payload
    if as_json:
        show_json(report)
        return
    strategies = sorted({name for hour in report["hours"] for name in hour["strategies"]})
    rows = [
        (
            hour["end"][11:16],
            f"{hour['pnl']:,.2f}",
            *(f"{hour['strategies'].get(name, 0.0):,.2f}" for name in strategies),
        )
        for hour in report["hours"]
    ]
    columns = ("until, UTC", "profit", *strategies)
    show_table(
        f"{stored.scope} on {report['session']} by hour, SIMULATED ticks inside daily bars",
        columns, rows, right=columns[1:],
    )  # fmt: skip
    _show_reasons(report["hours"])
    typer.echo(
        f"{report['ticks']:,} ticks, {report['fills']} fills: {report['streamed']:,.2f}, "
        f"booked {float(report['booked']):,.2f}{_beside(report)}"
    )
    so_far = report.get("so_far")
    if so_far:
        sharpe = so_far["sharpe_ratio"]
        typer.echo(
            f"{so_far['session_return']:+.2%} today; over {so_far['sessions']} sessions with it: "
            f"Sharpe {'-' if sharpe is None else f'{sharpe:.2f}'}, drawdown "
            f"{so_far['drawdown']:.2%} of at most {so_far['max_drawdown']:.2%}"
        )


def _beside(report: Any) -> str:  # noqa: ANN401 - a stored JSON document
    """Say what the books hold beside the positions that ticked, if it is more than rounding."""
    beside = float(report["booked"]) - report["streamed"]
    return f", {beside:,.2f} of it beside the positions" if abs(beside) >= 0.5 else ""


def _show_reasons(hours: list[dict[str, Any]]) -> None:
    """Show why equity changed in each hour; documents of before know no reasons."""
    from pnl.explain import PARTS

    found = [hour.get("reasons", {}) for hour in hours]
    names = [name for name in PARTS if any(name in parts for parts in found)]
    if not names:
        return
    rows = [
        (
            hour["end"][11:16],
            f"{sum(map(float, parts.values())):,.2f}",
            *(f"{float(parts.get(name, 0)):,.2f}" for name in names),
        )
        for hour, parts in zip(hours, found, strict=True)
    ]
    columns = ("until, UTC", "in the books", *(name.replace("_", " ") for name in names))
    show_table("Why, to the cent", columns, rows, right=columns[1:])


def pnl_health(portfolio: Scope = None, as_json: AsJson = False) -> None:
    """Show whether the risk models see the profit that the books see, and since when."""
    from basics.errors import MissingDataError
    from infra.bootstrap import open_desk
    from services.pnl_health import HEALTH_KIND
    from services.portfolios import chosen_portfolio

    with open_desk() as desk:
        known = desk.results.scopes(HEALTH_KIND)
        if not known:
            raise MissingDataError("no test is stored yet: run `quantdesk flows run pnl`")
        history = desk.results.history(HEALTH_KIND, chosen_portfolio(known, portfolio))
    if as_json:
        show_json([stored.payload for stored in history])
        return
    rows = [
        (
            stored.desk_date, test["model"], test["zone"] or "-", _three(test["spearman"]),
            _three(test["kolmogorov_smirnov"]), test["observations"], test["reason"],
        )
        for stored in history[-5:]
        for test in stored.payload["tests"]
    ]  # fmt: skip
    show_table(
        f"{history[-1].scope}: P&L attribution test, last {min(5, len(history))} desk dates",
        ("day", "risk model", "zone", "Spearman", "KS distance", "sessions", "note"),
        rows,
        right=("Spearman", "KS distance", "sessions"),
    )


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
