"""Commands of the policy files: `policy check`."""

import typer

from quantdesk.output import AsJson, show_json

policy = typer.Typer(help="What a risk manager edits, under policy/.", no_args_is_help=True)


@policy.callback()
def _group() -> None:
    """Keep `check` a word of its own even while it is the only command."""


@policy.command("check")
def policy_check(as_json: AsJson = False) -> None:
    """Check limits, stress scenarios and order controls; exit 2 when anything is wrong."""
    from infra.policy import check_policy, load_limits, load_stress, policy_version
    from infra.settings import load_settings

    folder = load_settings().policy_dir
    complaints = check_policy(folder)
    if as_json:
        show_json({"folder": str(folder), "complaints": complaints})
    elif complaints:
        for complaint in complaints:
            typer.echo(complaint, err=True)
    else:
        typer.echo(
            f"{folder}: {len(load_limits(folder))} limits and {len(load_stress(folder))} stress "
            f"scenarios are in order (version {policy_version(folder)[:12]})"
        )
    if complaints:
        raise typer.Exit(2)
