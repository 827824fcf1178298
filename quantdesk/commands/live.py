"""Commands on the running desk: `pnl live` and `risk live`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from infra.desk_client import DeskClient

Portfolio = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where only one is live.")
]
Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the desk's API, if not the usual.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the stream until Ctrl-C.")]


def pnl_live(
    portfolio: Portfolio = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="symbol, strategy, sector, currency, model_version, arm, order, side or hour.",
        ),
    ] = None,
    watch: Watch = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show the profit of now, by every key, from the running desk."""
    client = _client(port)
    for state in _states(client, portfolio, by, watch=watch):
        if as_json and watch:
            _print_line(state)
        elif as_json:
            show_json(state)
        else:
            _show_profit(state, by)


def risk_live(
    portfolio: Portfolio = None,
    full: Annotated[
        bool, typer.Option("--full", help="The full profile last taken, too: every estimator.")
    ] = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show the risk of now, limits on positions plus working orders, from the running desk."""
    state = _client(port).get("/risk/live", {"portfolio": portfolio})
    if as_json:
        show_json(state)
        return
    risk = state["risk"]
    if risk is None:
        typer.echo(f"{state['portfolio']} has no equity: its risk has no base")
        return
    typer.echo(
        f"{_name(state)} at {state['as_of'][:19]} UTC (state {state['sequence']}, market of "
        f"{risk['market_of']}): equity {risk['equity']:,.0f}, drawdown {risk['drawdown']:.2%}, "
        f"score {risk['score']:.1f} ({risk['level']}), limits {risk['limit_state']}"
    )
    typer.echo(risk["level_reason"])
    typer.echo(
        f"99% VaR {risk['value_at_risk']['0.99']:,.0f}, with working orders "
        f"{risk['value_at_risk_with_orders']:,.0f}; 97.5% ES "
        f"{risk['expected_shortfall']['0.975']:,.0f}; gross {risk['exposure']['leverage']:.2f} "
        f"and net {risk['exposure']['net_leverage']:.2f} of equity"
    )
    rows = [
        (
            check["metric"], check["name"], f"{check['value']:.4g}", f"{check['hard']:.4g}",
            f"{check['utilisation']:.0%}", check["state"],
        )
        for check in risk["limits"][:12]
    ]  # fmt: skip
    show_table(
        "Limits on positions plus working orders, the most used first",
        ("metric", "of", "value", "hard", "used", "state"),
        rows,
        right=("value", "hard", "used"),
    )
    working = [(s, f"{buy:,.0f}", f"{sell:,.0f}") for s, (buy, sell) in risk["working"].items()]
    if working:
        show_table("Working", ("symbol", "to buy", "to sell"), working, right=("to buy", "to sell"))
    if risk["left_out"]:
        typer.echo(f"not measured, for want of history: {', '.join(risk['left_out'])}")
    if full:
        _show_full(state)


def _show_full(state: Any) -> None:  # noqa: ANN401 - a JSON document
    from quantdesk.commands.risk_view import (
        show_groups,
        show_positions,
        show_stresses,
        show_tails,
    )

    profile = state["profile"]
    if profile is None:
        typer.echo("no full profile is taken yet: ask again in a moment")
        return
    moment = f"{profile['as_of'][:19]} UTC"
    typer.echo(f"Full profile of state {profile['sequence']}, taken at {moment}:")
    evidence = profile["evidence_of"]
    basis = "no history of the portfolio yet" if evidence is None else f"the night of {evidence}"
    if profile["tails"]:
        show_tails({"backtests": [], "backtest_basis": basis, **profile})
    show_positions({**profile, "scope": state["portfolio"], "as_of": moment})
    show_groups(profile)
    show_stresses(profile)


def _client(port: int | None) -> "DeskClient":
    from infra.desk_client import DeskClient
    from infra.settings import load_settings

    return DeskClient(load_settings(), port=port)


def _states(
    client: "DeskClient", portfolio: str | None, by: str | None, *, watch: bool
) -> Iterator[Any]:
    """Yield the state of now, or each one as it comes, changes laid over what was known."""
    if not watch:
        yield client.get("/pnl/live", {"portfolio": portfolio, "by": by})
        return
    whole: dict[str, dict[str, Any]] = {}
    for event in client.events("/pnl/stream", {"portfolio": portfolio}):
        for key, parts in event["by"].items():
            whole.setdefault(key, {}).update({part["name"]: part for part in parts})
        shown = {key: list(parts.values()) for key, parts in whole.items() if by in {None, key}}
        yield {**event, "by": shown}


def _print_line(state: Any) -> None:  # noqa: ANN401 - a JSON document
    import msgspec

    typer.echo(msgspec.json.encode(state).decode())


def _show_profit(state: Any, by: str | None) -> None:  # noqa: ANN401 - a JSON document
    total = state["total"]
    difference = state["ledger_difference"]
    typer.echo(
        f"{_name(state)} at {state['as_of'][:19]} UTC (state {state['sequence']}): day "
        f"{round(state['day_pnl'], 2) + 0.0:,.2f} since the closes of {state['desk_date']}; in all "
        f"{total['pnl']:,.2f}, realised {total['realised']:,.2f}, unrealised "
        f"{total['unrealised']:,.2f}; equity {state['equity']:,.2f}; gross {total['gross']:,.0f}, "
        f"net {total['net']:,.0f}; differs from the books by "
        f"{'?' if difference is None else f'{difference:.4f}'}"
    )
    if state["fx_on_cash"]:
        parts = ", ".join(f"{c} {gain:+,.2f}" for c, gain in sorted(state["fx_on_cash"].items()))
        typer.echo(f"of the day's profit, by rates on cash: {parts}")
    if state["exchanges"]:
        typer.echo(f"of the day's profit, by conversions: {state['exchanges']:+,.2f}")
    if state["cash_booked"]:
        typer.echo(f"of the day's profit, booked on cash alone: {state['cash_booked']:+,.2f}")
    wrong = {k: n for k, n in state["ticks"].items() if n and k != "applied"}
    if wrong or state["stale"]:
        told = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in wrong.items()) or "none"
        typer.echo(f"ticks not applied: {told}; stale: {', '.join(state['stale']) or 'none'}")
    for key, parts in state["by"].items():
        if by is None and key in {"hour", "order"}:
            continue
        _show_parts(key, parts)


def _name(state: Any) -> str:  # noqa: ANN401 - a JSON document
    simulated = state["market"] == "simulated"
    return f"{state['portfolio']} (SIMULATED market)" if simulated else str(state["portfolio"])


def _show_parts(key: str, parts: list[Any]) -> None:
    of_positions = bool(parts) and "net" in parts[0]
    sizes = ("realised", "unrealised", "net", "gross") if of_positions else ("fees",)
    columns = ("pnl", *sizes)
    rows = [
        (part["name"], *(f"{part[column]:,.2f}" for column in columns))
        for part in sorted(parts, key=lambda part: -part["pnl"])
    ]
    show_table(f"By {key.replace('_', ' ')}", (key, *columns), rows, right=columns)
