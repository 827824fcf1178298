"""`quantdesk demo`: a whole trading day's batch, watched live."""

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.settings import Settings

# Imported while the batch waits for its Prefect server to start, on the other core.
IMPORTED_AHEAD = (
    "polars",
    "scipy.stats",
    "sqlalchemy",
    "numba",
    "lightgbm",
    "mlflow.tracking",
    "jinja2",
)


def demo(
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute everything again, also what stands.")
    ] = False,
) -> None:
    """Run a whole trading day's batch on the sample data and write the report."""
    import logging

    from infra.settings import load_settings

    settings = load_settings()
    threading.Thread(target=_import_ahead, daemon=True).start()
    logging.getLogger("prefect").setLevel(logging.WARNING)
    import msgspec
    from rich.console import Console

    from flows.demo import demo as batch
    from flows.progress import listening
    from flows.steps import REPORT_FIGURES
    from quantdesk.batch_view import BatchView
    from quantdesk.summary import summarise
    from services.report import DayReport

    console = Console()
    view = BatchView("quantdesk: a day's batch on the sample data", console)
    with view, listening(view):
        batch(fresh=fresh)
    figures = (settings.state_dir / REPORT_FIGURES).read_bytes()
    report = msgspec.json.decode(figures, type=DayReport)
    console.print(summarise(report, look=_places(settings)))


def _import_ahead() -> None:
    for name in IMPORTED_AHEAD:
        import_module(name)


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
