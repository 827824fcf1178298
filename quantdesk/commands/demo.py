"""`quantdesk demo`: a whole trading day's batch, watched live."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.settings import Settings

# What the day's steps import when they come to it, in their order: done while the server starts.
LATER = (
    "exchange_calendars", "numba.np.arraymath", "numba.typed", "infra.database.results",
    "scipy.stats", "lightgbm",
)  # fmt: skip


def demo(
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute everything again, also what stands.")
    ] = False,
) -> None:
    """Run a whole trading day's batch on the sample data and write the report."""
    from importlib import import_module

    from infra.settings import load_settings
    from infra.supervisor import start_prefect_server

    settings = load_settings()
    wait_until_up = start_prefect_server(settings)
    # Imported while the server starts, on the other core.
    import msgspec
    from rich.console import Console

    from flows.demo import demo as batch
    from flows.progress import listening
    from flows.steps import REPORT_FIGURES
    from quantdesk.batch_view import BatchView
    from quantdesk.summary import summarise
    from services.report import DayReport

    wait_until_up(import_module(name) for name in LATER)
    console = Console()
    view = BatchView("quantdesk: a day's batch on the sample data", console)
    with view, listening(view):
        batch(fresh=fresh)
    figures = (settings.state_dir / REPORT_FIGURES).read_bytes()
    report = msgspec.json.decode(figures, type=DayReport)
    console.print(summarise(report, look=_places(settings)))


def _places(settings: "Settings") -> list[tuple[str, str]]:
    from flows.steps import REPORT_FIGURES, REPORT_PAGE

    run = Path(".venv/bin/quantdesk")
    return [
        ("Report", str(settings.state_dir / REPORT_PAGE)),
        ("Figures", str(settings.state_dir / REPORT_FIGURES)),
        ("Data quality", str(settings.state_dir / "data-docs")),
        ("Experiments (MLflow)", f"{run} ui mlflow"),
        ("Runs (Prefect)", f"{run} ui prefect"),
        ("API", f"{run} serve"),
    ]
