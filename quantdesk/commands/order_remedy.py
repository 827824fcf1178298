"""`quantdesk orders remedy`: the cheapest trades that restore the limits, told or sent."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.commands.order_words import order_document
from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.bootstrap import Desk
    from risk.limits import LimitCheck
    from services.remediation import RemedyReport
    from services.risk_inputs import RiskInputs


def remedy(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
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
        bool,
        typer.Option(
            "--apply",
            help="Send the trades as market orders: of your own book with --own; without it of the "
            "demo's, in simulation, with --reason, --by and --approved-by.",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why the remedy is applied.")] = "",
    by: Annotated[str, typer.Option(help="Who applies it.")] = "",
    approved_by: Annotated[str, typer.Option(help="Who approves it: somebody else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Solve for the cheapest trades that bring a book within its risk limits."""
    from basics.errors import InvalidInputError

    if apply and hedge:
        raise InvalidInputError("--apply sends reducing trades alone: use it without --hedge")
    if apply and not own:
        _apply_in_simulation(
            limits_scale, reason=reason, by=by, approved_by=approved_by, as_json=as_json
        )
        return
    if own:
        from infra.bootstrap import open_desk

        with open_desk() as desk:
            inputs = _own_inputs(desk)
            report = desk.remedy_of(inputs, limits_scale, hedge=hedge)
            sent = _send(desk, report, inputs) if apply else []
            left = desk.remedy_of(_own_inputs(desk), limits_scale, hedge=hedge) if sent else None
    else:
        from flows.day import open_day
        from flows.risk_steps import book_stands, nights, stand_book
        from services.risk import PROFILE_KIND

        with open_day() as day:
            if not book_stands(day):
                typer.echo(f"Traded anew: {stand_book(day)}", err=True)
            inputs = nights(day, PROFILE_KIND)[-1].inputs
            report, sent, left = day.desk.remedy_of(inputs, limits_scale, hedge=hedge), [], None
    if as_json:
        show_json({"remedy": report, "orders": sent, "left": left} if own else report)
        return
    _show(report)
    for order in sent:
        typer.echo(f"{order['cl_ord_id']}: {order['status']}, {order['cum_quantity']} done")
    if left is not None:
        broken, still = (sum(c.breached for c in r.before) for r in (report, left))
        typer.echo(f"Breaches of the book after the fills: {still}, before: {broken}")


def _apply_in_simulation(
    limits_scale: float, *, reason: str, by: str, approved_by: str, as_json: bool
) -> None:
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        done = desk.run(
            desk.remedy_room.apply(
                None, reason=reason, by=by, approved_by=approved_by, scale=limits_scale
            )
        )
    if as_json:
        show_json(done)
        return
    typer.echo(
        f"{done.portfolio} on {done.as_of}, SIMULATED: applied by {done.by}, approved by "
        f"{done.approved_by}: {done.reason}"
    )
    columns = ("order", "symbol", "quantity", "status", "filled", "price", "refused")
    show_table(
        "Orders, through the controls to the simulated venue",
        columns,
        [
            (o.cl_ord_id, o.symbol, f"{o.quantity:+,.0f}", o.status, f"{o.filled:,.0f}",
             "" if o.average_price is None else f"{o.average_price:,.4f}", o.refused)
            for o in done.orders
        ],
        right=("quantity", "filled", "price"),
    )  # fmt: skip
    _show_limits(done.before, done.after)
    was, left = done.breaches
    typer.echo(
        f"breaches {was} before, {left} after the fills; cost {done.cost:,.2f}, expected "
        f"{done.expected_cost:,.2f}"
    )


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
    _show_limits(report.before, report.after)
    typer.echo(
        f"expected cost {report.expected_cost:,.2f}"
        + (f"; not solved by trades: {', '.join(report.not_solved)}" if report.not_solved else "")
    )


def _show_limits(before: "Sequence[LimitCheck]", left: "Sequence[LimitCheck]") -> None:
    after = {(check.metric, check.name): check for check in left}
    changed = [
        (
            c.metric,
            c.name,
            f"{c.value:.4f}",
            f"{after[c.metric, c.name].value:.4f}",
            f"{c.soft:.4f}",
        )
        for c in before
        if c.breached and (c.metric, c.name) in after
    ]
    show_table(
        "Limits past their soft threshold",
        ("metric", "of", "before", "after", "limit"),
        changed,
        right=("before", "after", "limit"),
    )
