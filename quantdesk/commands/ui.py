"""`quantdesk ui`: open the MLflow UI or the Prefect UI on what the desk has recorded."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.companions import Companion

ui = typer.Typer(help="Web tools beside the desk: MLflow and Prefect.", no_args_is_help=True)

Port = Annotated[int, typer.Option(min=1, max=65535, help="Loopback port.")]


@ui.command()
def mlflow(port: Port = 8320) -> None:
    """Serve the MLflow UI: experiments, runs, registered models."""
    from infra.companions import mlflow_ui
    from infra.settings import load_settings

    _become(mlflow_ui(load_settings(), port))


@ui.command()
def prefect(port: Port = 8330) -> None:
    """Serve the Prefect UI: flow runs, schedules, artifacts."""
    from infra.companions import prefect_ui
    from infra.settings import load_settings

    _become(prefect_ui(load_settings(), port))


def _become(companion: "Companion") -> None:
    """Replace this process by the companion, after telling where it answers."""
    from infra.companions import refuse_taken_port

    refuse_taken_port(companion)
    typer.echo(f"{companion.name}: {companion.url} (stop with Ctrl-C)")
    os.execve(companion.command[0], companion.command, dict(companion.environment))
