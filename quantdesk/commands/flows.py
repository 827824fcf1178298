"""`quantdesk flows`: run a flow now, list them, or serve their schedules."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from prefect import Flow

flows = typer.Typer(
    help="The day's flows: run one, or serve their schedules.", no_args_is_help=True
)


@flows.command("ls")
def flows_ls(as_json: AsJson = False) -> None:
    """List the flows and when each is scheduled."""
    from flows.deployments import CRONS, FLOWS, TIMEZONE

    rows = [(name, flow.name, CRONS.get(name, "")) for name, flow in FLOWS.items()]
    if as_json:
        show_json([{"name": n, "flow": f, "cron": c, "timezone": TIMEZONE} for n, f, c in rows])
    else:
        show_table("Flows", ("name", "flow", f"schedule ({TIMEZONE})"), rows)


@flows.command("run")
def flows_run(  # noqa: PLR0913, PLR0917 - each is an option of a flow
    name: Annotated[str, typer.Argument(help="A name that `quantdesk flows ls` shows.")],
    again: Annotated[
        bool, typer.Option("--again", help="Compute even if the day's result stands.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(help="Where the nightly flows measure: here, processes or dask."),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Scheduler of a Dask cluster; a local one without it.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(help="First past session of a nightly flow.", formats=["%Y-%m-%d"]),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(help="Last past session of a nightly flow.", formats=["%Y-%m-%d"]),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(help="Kinds that `training` (beside price) or `tuning` takes: all, or a,b."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Configurations that `tuning` tries for each kind.")
    ] = None,
) -> None:
    """Run one flow now.

    The nightly flows take a range of past sessions: `flows run risk --start 2022-12-01`.
    """
    from infra.settings import load_settings
    from infra.supervisor import start_prefect_server

    wait_until_up = start_prefect_server(load_settings())
    from prefect.client.schemas.objects import State

    from basics.errors import InvalidInputError
    from flows.deployments import FLOWS
    from flows.progress import listening
    from quantdesk.batch_view import BatchView

    if name not in FLOWS:
        raise InvalidInputError(f"unknown flow {name!r}: there are {', '.join(FLOWS)}")
    flow = FLOWS[name]
    chosen = _parameters(
        flow,
        again=again,
        engine=engine,
        address=address,
        start=start.date() if start else None,
        end=end.date() if end else None,
        kinds=kinds.split(",") if kinds else None,
        trials=trials,
    )
    wait_until_up()
    with BatchView(f"quantdesk: {flow.name}") as view, listening(view):
        state: State[Any] = cast("Any", flow)(**chosen, return_state=True)
    typer.echo(f"{state.name}: {state.message or ''}")
    if not state.is_completed():
        state.result(raise_on_failure=True)


def _parameters(
    flow: "Flow[..., Any]",
    *,
    again: bool,
    **asked: str | int | date | Sequence[str] | None,
) -> dict[str, Any]:
    """Return the flow's parameters; `InvalidInputError` for one that it does not take."""
    from basics.errors import InvalidInputError

    takes = flow.parameters.properties
    repeat = next((name for name in ("again", "retrain", "fresh") if name in takes), "again")
    chosen: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if again:
        chosen[repeat] = True
    if strange := sorted(set(chosen) - set(takes)):
        raise InvalidInputError(f"{flow.name} takes no --{strange[0]}: leave it out")
    return chosen


@flows.command("serve")
def flows_serve() -> None:
    """Serve the schedules to the Prefect server until stopped.

    PREFECT_API_URL names the server; `quantdesk up` and `quantdesk ui prefect` start one.
    """
    from prefect.settings import PREFECT_API_URL

    from basics.errors import UnavailableError

    if not PREFECT_API_URL.value():
        raise UnavailableError(
            "no Prefect server is named: start one by `quantdesk ui prefect`, then set "
            "PREFECT_API_URL=http://127.0.0.1:8330/api"
        )
    from flows.deployments import serve_deployments

    serve_deployments()
