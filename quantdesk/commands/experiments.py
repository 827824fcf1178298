"""Commands of experiments: `experiments ls`, `experiments diff`, and the stages that DVC runs."""

from typing import Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

experiments = typer.Typer(
    help="Experiments: parameters changed by `dvc exp run -S`, compared.", no_args_is_help=True
)
SHOWN = ("backtest.sharpe_ratio", "backtest.cagr", "backtest.max_drawdown", "backtest.fills")


@experiments.command("ls")
def experiments_ls(as_json: AsJson = False) -> None:
    """List the workspace, the last commit and every experiment, with their figures."""
    from infra.experiment_page import changed_parameters
    from infra.experiments import list_experiments

    runs = list_experiments()
    if as_json:
        show_json(runs)
        return
    base = runs[1] if len(runs) > 1 else runs[0]
    rows = []
    for run in runs:
        changes = ", ".join(f"{name}={value}" for name, _, value in changed_parameters(base, run))
        figures = (run.metrics.get(name) for name in SHOWN)
        rows.append((run.name, *("" if f is None else f"{f:.4g}" for f in figures), changes))
    titles = tuple(name.partition(".")[2].replace("_", " ") for name in SHOWN)
    show_table("Experiments", ("name", *titles, f"differs from {base.name} in"), rows, right=titles)


@experiments.command("diff")
def experiments_diff(
    before: Annotated[str, typer.Argument(help="A name of `experiments ls`.")] = "HEAD",
    after: Annotated[str, typer.Argument(help="What is held against it.")] = "workspace",
    as_json: AsJson = False,
) -> None:
    """Hold two experiments against each other, as a table and as a page with charts."""
    from basics.errors import MissingDataError
    from infra.experiment_page import changed_parameters, compared_metrics, comparison_page
    from infra.experiments import equity_curve, find_experiment, list_experiments
    from infra.report import write_page
    from infra.settings import load_settings

    runs = list_experiments()
    one, two = find_experiment(runs, before), find_experiment(runs, after)
    parameters, metrics = changed_parameters(one, two), compared_metrics(one, two)
    if as_json:
        show_json({"parameters": parameters, "metrics": metrics})
        return
    curves = []
    for run in (one, two):
        try:
            curves.append((run.name, equity_curve(run)))
        except MissingDataError as error:
            typer.echo(f"quantdesk: {error}", err=True)
    page = load_settings().state_dir / "experiment" / f"{one.name}-{two.name}.html"
    write_page(comparison_page(one, two, curves), page)
    show_table("Parameters that differ", ("parameter", one.name, two.name), parameters)
    rows = [(name, _shown(a), _shown(b)) for name, a, b in metrics]
    show_table("Metrics", ("metric", one.name, two.name), rows, right=(one.name, two.name))
    typer.echo(f"with charts: {page}")


@experiments.command("stage", hidden=True)
def experiments_stage(name: Annotated[str, typer.Argument()]) -> None:
    """Run one stage of dvc.yaml."""
    from flows.day import open_day
    from flows.stages import run_stage

    with open_day() as day:
        run_stage(name, day)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
