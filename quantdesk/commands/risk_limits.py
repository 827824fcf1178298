"""Commands of the limit register: limits, the breach log, overrides."""

from typing import Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table


def risk_limits(
    version: Annotated[
        int | None, typer.Option(help="An earlier version; the one in force without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the limits in force, with their overrides; a changed policy file is a new version."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        register = desk.limit_register
        newest, day = register.version(), desk.limits_date()
        now = version in (None, newest)
        rows = register.in_force() if now else register.store.limits(version or newest)
    if as_json:
        show_json({"version": version or newest, "in_force": now, "limits": rows})
        return
    show_table(
        f"Limits, version {version or newest}" + (f", in force on {day}" if now else ""),
        ("metric", "scope", "of", "warn", "soft", "hard", "owner", "override"),
        [
            (
                row.metric, row.scope.value, row.name, f"{row.warn:g}", f"{row.soft:g}",
                f"{row.hard_on(day):g}", row.owner,
                "" if row.override is None or day > row.override.expires
                else f"until {row.override.expires} by {row.override.granted_by}: "
                f"{row.override.reason}",
            )
            for row in rows
        ],
        right=("warn", "soft", "hard"),
    )  # fmt: skip


def risk_breaches(
    every: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the breaches that nobody has acknowledged."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        rows = desk.limit_register.store.breaches(open_only=not every)
    if as_json:
        show_json(rows)
        return
    show_table(
        "Breaches",
        (
            "id",
            "date",
            "portfolio",
            "metric",
            "of",
            "value",
            "hard",
            "state",
            "acknowledged",
            "note",
        ),
        [
            (
                b.breach_id,
                b.as_of,
                b.portfolio,
                b.metric,
                f"{b.scope} {b.name}",
                f"{b.value:.4g}",
                f"{b.hard:.4g}",
                b.state,
                b.acknowledged_by,
                b.note,
            )
            for b in rows
        ],
        right=("value", "hard"),
    )


def risk_acknowledge(
    breach_id: Annotated[str, typer.Argument(help="As `risk breaches` lists it.")],
    by: Annotated[str, typer.Option(help="Who acknowledges.")],
    note: Annotated[str, typer.Option(help="What was done.")],
) -> None:
    """Close a breach with a word on what was done."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        desk.limit_register.acknowledge(breach_id, by=by, note=note)
    typer.echo(f"{breach_id} is acknowledged")


def risk_override(  # noqa: PLR0913 - an override is told in full or not at all
    metric: Annotated[str, typer.Argument(help="For example weight.")],
    scope: Annotated[str, typer.Argument(help="portfolio, symbol, sector, ...")],
    name: Annotated[str, typer.Argument(help="The row's name in the register, * for the rest.")],
    *,
    hard: Annotated[float, typer.Option(help="The hard threshold meanwhile.")],
    until: Annotated[str, typer.Option(help="Last day on which it holds, YYYY-MM-DD.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: Annotated[str, typer.Option(help="Who grants it.")],
) -> None:
    """Raise a limit for a while."""
    from datetime import date

    from basics.errors import InvalidInputError
    from infra.bootstrap import open_desk
    from risk.limits import Override, Scope

    try:
        expires, of = date.fromisoformat(until), Scope(scope)
    except ValueError as error:
        raise InvalidInputError(f"{error}: use YYYY-MM-DD, and {', '.join(Scope)}") from None
    override = Override(hard=hard, reason=reason, granted_by=by, expires=expires)
    with open_desk() as desk:
        granted = desk.limit_register.grant(
            metric, of, name, override=override, as_of=desk.limits_date()
        )
    typer.echo(f"{granted.override_id}: {metric} of {scope} {name} may reach {hard} until {until}")
