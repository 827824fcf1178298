"""`quantdesk orders remedy`: the cheapest trades that restore the limits, told or sent."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.commands.order_words import order_document
from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.bootstrap import Desk
    from services.remediation import RemedyReport
    from services.risk_inputs import RiskInputs


def remedy(
    limits_scale: Annotated[
        float, typer.Option(help="Scale every limit; below 1 asks what tighter ones would cost.")
    ] = 1.0,
    hedge: Annotated[
        bool, typer.Option("--hedge", help="Trades may also open positions against the risk.")
    ] = False,
    own: Annotated[
        bool, typer.Option("--own", help="The book of your own orders, not the demo's.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="With --own: send the trades as market orders.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Solve for the cheapest trades that bring a book within its risk limits."""
    from basics.errors import InvalidInputError

    if apply and (hedge or not own):
        raise InvalidInputError(
            "--apply sends the reducing trades of your own book: use it with --own, without --hedge"
        )
    if own:
        from infra.bootstrap import open_desk

        with open_desk() as desk:
            inputs = _own_inputs(desk)
            report = _solve(desk, inputs, limits_scale, hedge=hedge)
            sent = _send(desk, report, inputs) if apply else []
            left = _solve(desk, _own_inputs(desk), limits_scale, hedge=hedge) if sent else None
    else:
        from flows.day import open_day
        from flows.risk_steps import book_stands, nights, stand_book
        from services.risk import PROFILE_KIND

        with open_day() as day:
            if not book_stands(day):
                typer.echo(f"Traded anew: {stand_book(day)}", err=True)
            inputs = nights(day, PROFILE_KIND)[-1].inputs
            report, sent, left = _solve(day.desk, inputs, limits_scale, hedge=hedge), [], None
    if as_json:
        show_json({"remedy": report, "orders": sent, "left": left} if own else report)
        return
    _show(report)
    for order in sent:
        typer.echo(f"{order['cl_ord_id']}: {order['status']}, {order['cum_quantity']} done")
    if left is not None:
        broken, still = (sum(c.breached for c in r.before) for r in (report, left))
        typer.echo(f"Breaches of the book after the fills: {still}, before: {broken}")


def _own_inputs(desk: "Desk") -> "RiskInputs":
    """Value the book of the desk's own orders, and gather what its risk is computed from."""
    from basics.errors import MissingDataError
    from services.order_tickets import DESK

    if not desk.order_journal.fills(DESK):
        raise MissingDataError(
            "no order of yours was filled: place one by `quantdesk orders submit`"
        )
    desk.desk_books.book_orders(today=desk.limits_date())
    outcomes = desk.pnl_keeping.value(DESK, dataset=desk.settings.orders.dataset)
    return desk.stored_books.inputs(outcomes[0].portfolio)


def _solve(
    desk: "Desk", inputs: "RiskInputs", limits_scale: float, *, hedge: bool
) -> "RemedyReport":
    from market.liquidity import ImpactModel
    from services.remediation import remedy_for, scaled

    return remedy_for(
        inputs,
        limits=scaled(desk.limit_register.in_force(), limits_scale),
        scenarios=desk.risk.scenarios,
        lookback=desk.risk.lookback,
        impact=ImpactModel(half_spread=desk.settings.venue.half_spread),
        reduce_only=not hedge,
    )


def _send(desk: "Desk", report: "RemedyReport", inputs: "RiskInputs") -> list[dict[str, Any]]:
    from services.remedy_orders import remedy_tickets

    tickets = remedy_tickets(report.trades, as_of=inputs.as_of)
    return [order_document(desk.run(desk.order_entry.place(ticket))) for ticket in tickets]


def _show(report: "RemedyReport") -> None:
    rows = [
        (t.symbol, f"{t.quantity:+,.0f}", f"{t.value:+,.0f}", f"{t.expected_cost:,.2f}")
        for t in report.trades
    ]
    show_table(
        "Trades that restore the limits",
        ("symbol", "quantity", "value", "cost"),
        rows,
        right=("quantity", "value", "cost"),
    )
    after = {(check.metric, check.name): check for check in report.after}
    changed = [
        (
            c.metric,
            c.name,
            f"{c.value:.4f}",
            f"{after[c.metric, c.name].value:.4f}",
            f"{c.soft:.4f}",
        )
        for c in report.before
        if c.breached and (c.metric, c.name) in after
    ]
    show_table(
        "Limits past their soft threshold",
        ("metric", "of", "before", "after", "limit"),
        changed,
        right=("before", "after", "limit"),
    )
    typer.echo(
        f"expected cost {report.expected_cost:,.2f}"
        + (f"; not solved by trades: {', '.join(report.not_solved)}" if report.not_solved else "")
    )
