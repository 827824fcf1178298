"""Commands of risk: what is stored, why it moved, what an order would do; limits."""

from typing import Annotated, Any

import typer

from quantdesk.commands.live import risk_live
from quantdesk.commands.risk_evidence import show_score_study, show_week, show_weekly_book
from quantdesk.commands.risk_instruments import show_instruments
from quantdesk.commands.risk_limits import (
    risk_acknowledge,
    risk_breaches,
    risk_limits,
    risk_override,
)
from quantdesk.commands.risk_measures import show_measures
from quantdesk.commands.risk_night import risk_night
from quantdesk.commands.risk_view import (
    show_covariances,
    show_groups,
    show_limits,
    show_movement,
    show_positions,
    show_stresses,
    show_tails,
    show_what_if,
)
from quantdesk.output import AsJson, show_json

risk = typer.Typer(help="The risk of a book, with its evidence.", no_args_is_help=True)

risk.command("live")(risk_live)
risk.command("night")(risk_night)
risk.command("limits")(risk_limits)
risk.command("breaches")(risk_breaches)
risk.command("acknowledge")(risk_acknowledge)
risk.command("override")(risk_override)

Scope = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where there is only one.")
]

ByName = Annotated[str | None, typer.Option("--portfolio", help="The same, by name.")]


@risk.command("show")
def risk_show(scope: Scope = None, portfolio: ByName = None, as_json: AsJson = False) -> None:
    """Show the latest risk profile that was stored."""
    stored = _latest(scope or portfolio)
    if as_json:
        show_json({"scope": stored.scope, "lineage": stored.lineage, "profile": stored.payload})
        return
    from services.portfolios import label_of

    profile = stored.payload
    typer.echo(
        f"{label_of(profile['scope'])} on {profile['as_of']}: risk {profile['score']:.1f} of 100, "
        f"{profile['level']}; equity {profile['equity']:,.0f} {profile['currency']}"
    )
    if profile.get("level_reason"):
        typer.echo(profile["level_reason"])
    show_tails(profile)
    show_stresses(profile)
    show_instruments(profile)
    show_limits(profile)
    for line in (*profile["recommendations"], *_left_out(profile), *profile["notes"]):
        typer.echo(f"- {line}")


@risk.command("why")
def risk_why(scope: Scope = None, portfolio: ByName = None, as_json: AsJson = False) -> None:
    """Say what the risk is made of: positions, sectors, limits, and what moved since yesterday."""
    stored = _latest(scope or portfolio)
    profile, earlier = stored.payload, _before(stored)
    change = None if earlier is None else _change(earlier.payload, profile)
    if as_json:
        names = ("positions", "components_by_sector", "decomposition", "movement", "covariances",
                 "tail_shape", "calibration", "recommendations")  # fmt: skip
        shown = {name: profile.get(name) for name in names}
        show_json(shown | {"since_the_day_before": change})
        return
    show_positions(profile)
    show_groups(profile)
    show_movement(profile)
    show_covariances(profile)
    for line in change or ("No earlier profile is stored: nothing to compare with.",):
        typer.echo(f"- {line}")


@risk.command("measures")
def risk_measures(scope: Scope = None, portfolio: ByName = None, as_json: AsJson = False) -> None:
    """Show single numbers: drawdown, beta, concentration, correlation, liquidity, the tail."""
    profile = _latest(scope or portfolio).payload
    if as_json:
        names = ("scope", "as_of", "currency", "measures", "exposure", "tail_shape")
        show_json({name: profile.get(name) for name in names})
    else:
        show_measures(profile)


@risk.command("what-if")
def risk_what_if(
    symbol: Annotated[str, typer.Option(help="What would be traded.")],
    quantity: Annotated[float, typer.Option(help="How much; negative to sell.")],
    portfolio: Annotated[
        str | None, typer.Option(help="Portfolio; may be left out where there is only one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show VaR, ES, stress and limits before and after a candidate order at the last close."""
    from infra.bootstrap import open_desk
    from services.risk_what_if import CandidateOrder

    order = CandidateOrder(symbol=symbol, quantity=quantity)
    with open_desk() as desk:
        report = desk.stored_books.what_if(order, portfolio)
    if as_json:
        show_json(report)
    else:
        show_what_if(report)


@risk.command("weekly")
def risk_weekly(
    book: Annotated[
        str | None, typer.Argument(help="A book; the whole run's summary without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the last weekly long run found: GARCH, extreme value, joint laws, ES tests."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        kind, scope = ("risk.weekly", book) if book else ("risk.week", "all")
        stored = desk.results.latest(kind, scope)
    if as_json:
        show_json({"scope": stored.scope, "lineage": stored.lineage, "weekly": stored.payload})
    elif book is None:
        show_week(stored.payload)
    else:
        show_weekly_book(stored.payload)


@risk.command("calibration")
def risk_calibration(as_json: AsJson = False) -> None:
    """Choose the score's volatility on the early history, and judge it on the late one."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        study = desk.score_study()
    if as_json:
        show_json(study)
    else:
        show_score_study(study)


def _before(stored: Any) -> Any:  # noqa: ANN401 - StoredResults, imported lazily
    """Return the profile of the day before the one stored, None if there is none."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        history = desk.results.history("risk.profile", stored.scope)
    earlier = [document for document in history if document.desk_date < stored.desk_date]
    return earlier[-1] if earlier else None


def _change(before: Any, after: Any) -> list[str]:  # noqa: ANN401 - stored JSON documents
    """Say what moved between two profiles, the largest components first."""
    old = {p["symbol"]: p["component_var"] or 0.0 for p in before["positions"]}
    new = {p["symbol"]: p["component_var"] or 0.0 for p in after["positions"]}
    moved = {s: new.get(s, 0.0) - old.get(s, 0.0) for s in {*old, *new}}
    largest = sorted(moved.items(), key=lambda pair: (-abs(pair[1]), pair[0]))[:5]
    lines = [
        f"since {before['as_of']}: score {before['score']:.1f} to {after['score']:.1f}, "
        f"{before['level']} to {after['level']}; normal 99% VaR {sum(old.values()):,.0f} to "
        f"{sum(new.values()):,.0f}"
    ]
    return lines + [f"{symbol}: component VaR {change:+,.0f}" for symbol, change in largest]


def _latest(scope: str | None) -> Any:  # noqa: ANN401 - a StoredResult, imported lazily
    from basics.errors import MissingDataError
    from infra.bootstrap import open_desk
    from services.portfolios import chosen_portfolio

    with open_desk() as desk:
        known = desk.results.scopes("risk.profile")
        if not known:
            raise MissingDataError("no risk profile is stored yet: run `quantdesk demo`")
        return desk.results.latest("risk.profile", chosen_portfolio(known, scope))


def _left_out(profile: Any) -> list[str]:  # noqa: ANN401 - a stored JSON document
    return [f"{row['symbol']} is left out: {row['reason']}" for row in profile["left_out"]]
