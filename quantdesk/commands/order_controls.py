"""`quantdesk orders kill|release|state|override`: stop trading, or lift a rule for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oms.controls import Override, TradingSwitch

order_controls = typer.Typer()

By = Annotated[str, typer.Option("--by", help="Who acts; kept in the audit.")]
Scope = Annotated[str, typer.Option("--scope", help="A strategy, a portfolio, or `desk`.")]

STATES = ("active", "reducing", "halted")


@order_controls.command()
def kill(
    reason: Annotated[str, typer.Argument(help="Why; told with every refusal.")],
    by: By,
    scope: Scope = "desk",
    as_json: AsJson = False,
) -> None:
    """Stop all trading of a scope at once."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        _show_switches([desk.trading_controls.kill(scope, reason=reason, by=by)], as_json=as_json)


@order_controls.command()
def release(by: By, scope: Scope = "desk", as_json: AsJson = False) -> None:
    """Take the kill switch of a scope back."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        _show_switches([desk.trading_controls.release(scope, by=by)], as_json=as_json)


@order_controls.command("state")
def set_state(
    state: Annotated[str | None, typer.Argument(help="active, reducing or halted.")] = None,
    by: Annotated[str, typer.Option("--by", help="Who acts; kept in the audit.")] = "",
    scope: Scope = "desk",
    as_json: AsJson = False,
) -> None:
    """Show every trading state and override in force, or set the state of a scope."""
    from infra.bootstrap import open_desk
    from oms.controls import TradingState

    with open_desk() as desk:
        controls = desk.trading_controls
        if state is not None:
            chosen = TradingState(choice("state", state, dict(zip(STATES, STATES, strict=True))))
            controls.set_state(scope, chosen, by=by)
        switches, given = controls.switches(), controls.overrides_in_force()
    if as_json:
        show_json({"switches": switches, "overrides": given})
        return
    _show_switches(switches, as_json=False)
    _show_overrides(given)


@order_controls.command()
def override(
    rule: Annotated[str, typer.Argument(help="The rule to lift, such as SIZE_ABOVE_NOTIONAL.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    by: By,
    scope: Scope,
    minutes: Annotated[float, typer.Option(min=1, max=1440, help="How long it lasts.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Lift one rule for a book for a while."""
    from datetime import timedelta

    from infra.bootstrap import open_desk

    with open_desk() as desk:
        given = desk.trading_controls.override(
            rule, scope=scope, reason=reason, by=by, lasts=timedelta(minutes=minutes)
        )
    if as_json:
        show_json(given)
    else:
        _show_overrides([given])


def _show_switches(switches: "Sequence[TradingSwitch]", *, as_json: bool) -> None:
    if as_json:
        show_json(switches)
        return
    rows = [
        (s.scope, s.state.value, s.kill_reason, s.changed_by, f"{s.changed_at:%F %T} UTC")
        for s in switches
    ]
    show_table("Trading state", ("scope", "state", "stopped because", "by", "since"), rows)


def _show_overrides(given: "Sequence[Override]") -> None:
    rows = [(o.rule, o.scope, o.reason, o.granted_by, f"{o.expires_at:%F %T} UTC") for o in given]
    show_table("Overrides in force", ("rule", "scope", "reason", "by", "until"), rows)


def choice(name: str, value: str, known: dict[str, str]) -> str:
    """Return what `value` stands for, or say what may be written."""
    from basics.errors import InvalidInputError

    try:
        return known[value.lower()]
    except KeyError:
        raise InvalidInputError(f"{name} is one of {', '.join(known)}, got {value!r}") from None
