"""`quantdesk orders`: place, list, replace, cancel and plan orders on paper."""

from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.commands.order_controls import choice, order_controls
from quantdesk.commands.order_remedy import remedy
from quantdesk.commands.order_words import order_document
from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from decimal import Decimal

    from oms.orders import Order

orders = typer.Typer(
    help="Orders of the manual book, on the simulated venue at the desk date's prices.",
    no_args_is_help=True,
)
orders.command("remedy")(remedy)
orders.add_typer(order_controls)  # Without a name, its commands stand beside these.

OrderId = Annotated[str, typer.Argument(help="The order's cl_ord_id.")]

SIDES = {"buy": "1", "sell": "2", "short": "5"}
LIFETIMES = {"day": "0", "gtc": "1", "ioc": "3", "fok": "4", "close": "7"}


@orders.command()
def submit(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    symbol: Annotated[str, typer.Argument(help="What to trade, such as AAPL.")],
    side: Annotated[str, typer.Argument(help="buy, sell or short.")],
    quantity: Annotated[str, typer.Argument(help="Units, in whole lots.")],
    limit: Annotated[
        str | None, typer.Option(help="Limit price; without it, a market order.")
    ] = None,
    stop: Annotated[str | None, typer.Option(help="Stop price that sets the order free.")] = None,
    lifetime: Annotated[str, typer.Option(help="day, gtc, ioc, fok or close.")] = "day",
    cl_ord_id: Annotated[
        str | None, typer.Option("--id", help="Name of the order; asking twice changes nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place an order through the pre-trade controls."""
    from uuid import uuid4

    from basics.trading import Side
    from infra.bootstrap import open_desk
    from oms.states import OrderType, TimeInForce
    from services.order_tickets import OrderTicket

    types = {(False, False): "1", (True, False): "2", (False, True): "3", (True, True): "4"}
    ticket = OrderTicket(
        cl_ord_id=cl_ord_id or f"cli-{uuid4().hex[:12]}",
        symbol=symbol,
        side=Side(choice("side", side, SIDES)),
        quantity=_decimal("quantity", quantity),
        order_type=OrderType(types[limit is not None, stop is not None]),
        limit_price=None if limit is None else _decimal("limit", limit),
        stop_price=None if stop is None else _decimal("stop", stop),
        time_in_force=TimeInForce(choice("lifetime", lifetime, LIFETIMES)),
    )
    with open_desk() as desk:
        _show_one(desk.run(desk.order_entry.place(ticket)), as_json=as_json)


@orders.command("ls")
def list_orders(
    open_only: Annotated[bool, typer.Option("--open", help="Only orders that still work.")] = False,
    warned: Annotated[
        bool, typer.Option("--warned", help="Only orders that passed near a limit, and why.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest orders."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        found = desk.run(desk.order_entry.orders(open_only=open_only, limit=limit))
    documents = [order_document(order) for order in found if order.warnings or not warned]
    if as_json:
        show_json(documents)
        return
    columns = {
        "cl_ord_id": "id",
        "symbol": "symbol",
        "side": "side",
        "quantity": "quantity",
        "limit_price": "limit",
        "status": "status",
        "cum_quantity": "done",
        "average_price": "at",
    }
    rows = ([row[name] for name in columns] for row in documents)
    show_table("Orders", list(columns.values()), rows, right=("quantity", "limit", "done", "at"))
    for row in documents if warned else ():
        for warning in row["warnings"]:
            typer.echo(f"- {row['cl_ord_id']} {warning}")


@orders.command()
def cancel(cl_ord_id: OrderId, as_json: AsJson = False) -> None:
    """Cancel what is left of an order."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        _show_one(desk.run(desk.order_entry.cancel(cl_ord_id)), as_json=as_json)


@orders.command()
def replace(
    cl_ord_id: OrderId,
    quantity: Annotated[str | None, typer.Option(help="New total quantity.")] = None,
    limit: Annotated[str | None, typer.Option(help="New limit price.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give an order another quantity or limit."""
    from infra.bootstrap import open_desk

    terms = {
        "quantity": None if quantity is None else _decimal("quantity", quantity),
        "limit_price": None if limit is None else _decimal("limit", limit),
    }
    with open_desk() as desk:
        _show_one(desk.run(desk.order_entry.replace(cl_ord_id, **terms)), as_json=as_json)


@orders.command()
def plan(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    algorithm: Annotated[str, typer.Argument(help="twap, vwap, pov or shortfall.")],
    symbol: Annotated[str, typer.Argument(help="What to trade.")],
    quantity: Annotated[str, typer.Argument(help="Units, in whole lots.")],
    slices: Annotated[int, typer.Option(min=1, max=1000, help="Equal spans of time.")] = 13,
    rate: Annotated[float, typer.Option(help="Share of all volume, for pov.")] = 0.1,
    risk_aversion: Annotated[float, typer.Option(help="Per unit of money, for shortfall.")] = 1e-6,
    as_json: AsJson = False,
) -> None:
    """Plan an execution over the next session and show what it should cost."""
    from infra.bootstrap import open_desk
    from services.execution_plans import Algorithm, ExecutionTerms

    terms = ExecutionTerms(
        algorithm=Algorithm(choice("algorithm", algorithm, {a.value: a.value for a in Algorithm})),
        symbol=symbol,
        quantity=_decimal("quantity", quantity),
        slices=slices,
        rate=rate,
        risk_aversion=risk_aversion,
    )
    with open_desk() as desk:
        planned = desk.execution_plan(terms)
    if as_json:
        show_json(planned)
        return
    rows = [(f"{s.start:%F %H:%M}", f"{s.end:%H:%M}", s.quantity) for s in planned.slices]
    show_table(
        f"{algorithm} {quantity} {symbol}, UTC",
        ("from", "to", "quantity"),
        rows,
        right=("quantity",),
    )
    left = f"; {planned.left} is left over" if planned.left else ""
    typer.echo(
        f"expected cost {planned.expected_cost:,.2f} ({planned.cost_fraction * 1e4:.1f} bp), "
        f"standard deviation {planned.deviation:,.2f}{left} (volume in a U: an assumption)"
    )


@orders.command()
def positions(as_json: AsJson = False) -> None:
    """Show what the manual book holds and is worth at the desk date."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        standing = desk.run(desk.order_entry.standing())
    if as_json:
        show_json(standing)
        return
    show_table("Positions", ("symbol", "quantity"), standing.positions.items(), right=("quantity",))
    typer.echo(f"equity {standing.equity:.2f}, of which today {standing.daily_pnl:+.2f}")


def _show_one(order: "Order", *, as_json: bool) -> None:
    document = order_document(order)
    if as_json:
        show_json(document)
        return
    price = "" if order.average_price is None else f" at {order.average_price:.4f}"
    typer.echo(
        f"{order.cl_ord_id}: {document['status']}, {order.cum_quantity} of {order.quantity} "
        f"{order.symbol} done{price}"
    )
    for warning in order.warnings:
        typer.echo(f"- {warning}")


def _decimal(name: str, text: str) -> "Decimal":
    from decimal import Decimal, InvalidOperation

    from basics.errors import InvalidInputError

    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidInputError(f"{name} must be a number, got {text!r}") from None
    if not value.is_finite():
        raise InvalidInputError(f"{name} must be finite, got {text!r}")
    return value
