"""Commands of alerts: `alerts ls`, `ack`, `watch`."""

from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.bootstrap import Desk
    from services.ports import StoredAlert

alerts = typer.Typer(help="What the desk has to tell, and who dealt with it.", no_args_is_help=True)

Kind = Annotated[
    str | None,
    typer.Option(help="One kind; ending in a dot, every kind that begins so, such as `risk.`"),
]

POLL_SECONDS = 0.5
WATCHED = 1000  # The latest alerts among which a watch looks for new ones.


@alerts.command("ls")
def alerts_ls(
    every: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
    kind: Kind = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the alerts that nobody has acknowledged, the last stored first."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        _take(desk)
        found = desk.alerts.alerts(open_only=not every, kind=kind, limit=limit)
    if as_json:
        show_json(found)
        return
    columns = ("alert", "severity", "kind", "scope", "message", "raised", "answered")
    show_table("Alerts", columns, [_row(stored) for stored in found])


@alerts.command("ack")
def alerts_ack(
    alert_id: Annotated[str, typer.Argument(help="As `alerts ls` shows it.")],
    by: Annotated[str, typer.Option("--by", help="Who answers; kept in the audit.")],
    note: Annotated[str, typer.Option("--note", help="What was done.")],
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alert: say who dealt with it, and how."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        _take(desk)
        stored = desk.alerts.acknowledge(alert_id, by=by, note=note)
    if as_json:
        show_json(stored)
    else:
        typer.echo(f"{alert_id} is acknowledged by {by}: {note}")


@alerts.command("watch")
def alerts_watch(
    kind: Kind = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="How long; until Ctrl-C without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the open alerts, then each new one as it arrives; one JSON object a line by --json."""
    import time

    from infra.bootstrap import open_desk

    until = None if seconds is None else time.monotonic() + seconds
    seen: set[str] = set()
    with open_desk() as desk:
        while True:
            _take(desk)
            latest = desk.alerts.alerts(kind=kind, limit=WATCHED)
            fresh = [stored for stored in reversed(latest) if stored.alert_id not in seen]
            _print([s for s in fresh if s.acknowledged_at is None], as_json=as_json)
            seen.update(stored.alert_id for stored in fresh)
            if until is not None and time.monotonic() >= until:
                return
            time.sleep(POLL_SECONDS)


def _take(desk: "Desk") -> None:
    """Store what waits in the queue, should no desk process be running to do so."""
    from basics.errors import UnavailableError

    try:
        desk.take_alerts()
    except UnavailableError as error:
        typer.echo(f"alerts still in the queue are not shown: {error}", err=True)


def _print(fresh: "Sequence[StoredAlert]", *, as_json: bool) -> None:
    import msgspec

    for stored in fresh:
        if as_json:
            typer.echo(msgspec.json.encode(stored).decode())
            continue
        alert = stored.alert
        severity = alert.severity.value.upper()
        typer.echo(
            f"{alert.raised_at:%F %T}  {severity:<8}  {alert.kind}  {alert.scope}: "
            f"{alert.message}  ({stored.alert_id})"
        )


def _row(stored: "StoredAlert") -> tuple[str, ...]:
    alert = stored.alert
    answered = f"{stored.acknowledged_by}: {stored.note}" if stored.acknowledged_at else ""
    return (
        stored.alert_id,
        alert.severity.value,
        alert.kind,
        alert.scope,
        alert.message,
        f"{alert.raised_at:%F %T}",
        answered,
    )
