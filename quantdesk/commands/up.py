"""`quantdesk up`: API, MLflow, Prefect server, schedules and prediction stream, a process each."""

from typing import Annotated

import typer

Port = Annotated[int, typer.Option(min=1, max=65535, help="Loopback port.")]


def up(
    api_port: Port = 8310,
    mlflow_port: Port = 8320,
    prefect_port: Port = 8330,
    schedules: Annotated[
        bool, typer.Option(help="Serve the flows' schedules to the Prefect server too.")
    ] = True,
) -> None:
    """Start Prefect, MLflow, the API, the schedules and the prediction stream; stop with Ctrl-C."""
    from infra.companions import mlflow_ui, prefect_ui, refuse_taken_port
    from infra.settings import load_settings
    from infra.supervisor import own_command, supervise

    settings = load_settings()
    base = f"http://127.0.0.1:{api_port}"
    prefect = prefect_ui(settings, prefect_port)
    serve = ("serve", "--port", str(api_port))
    api = own_command(settings, "API", serve, url=f"{base}/docs", health_url=f"{base}/ready")
    own = [] if settings.mlflow.url else [mlflow_ui(settings, mlflow_port)]
    companions = [prefect, *own, api]
    for companion in companions:
        refuse_taken_port(companion)
    if schedules:
        address = {"PREFECT_API_URL": prefect.environment["PREFECT_API_URL"]}
        companions.append(own_command(settings, "Schedules", ("flows", "serve"), variables=address))
    # The consumer is no server: it is up once it runs.
    companions.append(own_command(settings, "Stream", ("predict", "stream")))
    typer.echo("quantdesk up: one process each, on loopback")
    supervise(companions, folder=settings.state_dir / "logs", tell=typer.echo)
