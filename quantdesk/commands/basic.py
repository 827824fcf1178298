"""Commands that stand alone: `demo`, `version`, `config show`, `doctor`."""

import typer

from quantdesk.commands.demo import demo
from quantdesk.output import AsJson, show_json, show_table

config = typer.Typer(help="Settings: their values and where each comes from.", no_args_is_help=True)


def basic(app: typer.Typer) -> None:
    """Mount the commands on `app`."""
    app.command()(demo)
    app.command()(version)
    app.command()(doctor)
    app.add_typer(config, name="config")


def version(as_json: AsJson = False) -> None:
    """Show the version of quantdesk."""
    from importlib.metadata import version as installed_version

    number = installed_version("quantdesk")
    if as_json:
        show_json({"version": number})
    else:
        typer.echo(number)


@config.command("show")
def config_show(as_json: AsJson = False) -> None:
    """Show every setting, its value and its source; secrets are masked."""
    from infra.settings import explain_settings, load_settings

    rows = list(explain_settings(load_settings()))
    if as_json:
        show_json([{"name": n, "value": v, "source": s} for n, v, s in rows])
    else:
        show_table("Settings", ("name", "value", "source"), rows)


def doctor(as_json: AsJson = False) -> None:
    """Check that this machine and this checkout can run the desk."""
    from infra.doctor import examine
    from infra.settings import load_settings

    findings = examine(load_settings())
    if as_json:
        show_json(findings)
    else:
        rows = [("ok" if f.healthy else "MEND", f.subject, f.detail) for f in findings]
        show_table("Doctor", ("state", "subject", "detail"), rows)
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(1)
