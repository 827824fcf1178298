"""Commands of risk: `risk show`, `why`, `breaches`, `acknowledge`, `override`."""

from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

risk = typer.Typer(help="The risk of a book, with its evidence.", no_args_is_help=True)

_HEADLINE = 0.99

Scope = Annotated[
    str | None, typer.Argument(help="Portfolio; may be left out where there is only one.")
]


@risk.command("show")
def risk_show(scope: Scope = None, as_json: AsJson = False) -> None:
    """Show the latest risk profile that was stored."""
    stored = _latest(scope)
    if as_json:
        show_json({"scope": stored.scope, "lineage": stored.lineage, "profile": stored.payload})
        return
    profile = stored.payload
    typer.echo(
        f"{profile['scope']} on {profile['as_of']}: risk {profile['score']:.1f} of 100, "
        f"{profile['level']}; equity {profile['equity']:,.0f} {profile['currency']}"
    )
    _show_tails(profile)
    _show_stresses(profile)
    _show_limits(profile)
    for line in (*profile["recommendations"], *_left_out(profile), *profile["notes"]):
        typer.echo(f"- {line}")


@risk.command("why")
def risk_why(scope: Scope = None, as_json: AsJson = False) -> None:
    """Say what the risk is made of: positions, sectors, limits, and what moved since yesterday."""
    stored = _latest(scope)
    profile, earlier = stored.payload, _before(stored)
    change = None if earlier is None else _change(earlier.payload, profile)
    if as_json:
        names = ("positions", "components_by_sector", "calibration", "recommendations")
        show_json({name: profile[name] for name in names} | {"since_the_day_before": change})
        return
    show_table(
        f"{profile['scope']} on {profile['as_of']}: where the 99% VaR comes from",
        ("symbol", "sector", "value", "weight", "component VaR", "without it"),
        [
            (
                p["symbol"],
                p["sector"],
                f"{p['market_value']:,.0f}",
                f"{p['weight']:.1%}",
                "" if p["component_var"] is None else f"{p['component_var']:,.0f}",
                "" if p["incremental_var"] is None else f"{-p['incremental_var']:+,.0f}",
            )
            for p in profile["positions"]
        ],
        right=("value", "weight", "component VaR", "without it"),
    )
    for line in change or ("No earlier profile is stored: nothing to compare with.",):
        typer.echo(f"- {line}")


@risk.command("breaches")
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
        ("id", "date", "portfolio", "metric", "of", "value", "hard", "state", "acknowledged"),
        [
            (
                b.breach_id,
                b.as_of,
                b.portfolio,
                b.metric,
                b.name,
                f"{b.value:.4g}",
                f"{b.hard:.4g}",
                b.state,
                b.acknowledged_by,
            )
            for b in rows
        ],
        right=("value", "hard"),
    )


@risk.command("acknowledge")
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


@risk.command("override")
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
        today = desk.clock.now().date()
        granted = desk.limit_register.grant(metric, of, name, override=override, as_of=today)
    typer.echo(f"{granted.override_id}: {metric} of {scope} {name} may reach {hard} until {until}")


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
    from basics.errors import InvalidInputError, MissingDataError
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        known = desk.results.scopes("risk.profile")
        if not known:
            raise MissingDataError("no risk profile is stored yet: run `quantdesk demo`")
        if scope is None and len(known) > 1:
            raise InvalidInputError(f"say which portfolio: {', '.join(known)}")
        return desk.results.latest("risk.profile", scope or known[0])


def _show_tails(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show one row for each method; `--json` has every confidence and horizon."""
    tests = {b["estimator"]: b for b in profile["backtests"] if b["confidence"] == _HEADLINE}
    by_method: dict[str, dict[float, Any]] = {}
    for tail in profile["tails"]:
        by_method.setdefault(tail["method"], {})[tail["confidence"]] = tail
    rows = []
    for method, tails in by_method.items():
        top, test = tails[_HEADLINE], tests.get(method)
        mark = " *" if top["best"] else " +" if top["in_confidence_set"] else ""
        days = "" if top["horizon_days"] == 1 else f" {top['horizon_days']}d"
        rows.append(
            (
                method + days + mark,
                f"{tails[0.95]['value_at_risk']:,.0f}",
                f"{top['value_at_risk']:,.0f}",
                f"{top['expected_shortfall']:,.0f}",
                f"{top['var_fraction']:.2%}",
                f"{test['exceedances']}/{test['expected']:.0f}" if test else "",
                f"{test['kupiec_p']:.2f}" if test else "",
                test["zone"] if test else "",
            )
        )
    columns = ("method", "VaR 95%", "VaR 99%", "ES 99%", "of equity", "hits", "p", "zone")
    show_table("Value at risk and expected shortfall", columns, rows, right=columns[1:7])
    typer.echo(
        f"* lowest Fissler-Ziegel loss, + not told from it at 10%; hits: days beyond 99% VaR / "
        f"expected, p by Kupiec; tested on {profile['backtest_basis']}"
    )


def _show_stresses(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    rows = []
    for stress in profile["stresses"]:
        symbol, part = next(iter(stress["contributions"].items()), ("", 0.0))
        rows.append(
            (
                stress["title"],
                f"{stress['loss']:,.0f}",
                f"{stress['loss_fraction']:.2%}",
                f"{symbol} {part:,.0f}",
            )
        )
    columns = ("stress (a positive number is a loss)", "loss", "of equity", "largest part")
    show_table("Stress", columns, rows, right=("loss", "of equity"))
    for stress in profile["stresses"]:
        if stress["note"]:
            typer.echo(f"{stress['title']}: {stress['note']}")


def _show_limits(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    show_table(
        "Limits, the most used first",
        ("metric", "of", "value", "hard", "used", "state"),
        [
            (
                check["metric"],
                check["name"],
                f"{check['value']:.4g}",
                f"{check['hard']:.4g}",
                f"{check['utilisation']:.0%}",
                check["state"],
            )
            for check in profile["limits"][:12]
        ],
        right=("value", "hard", "used"),
    )


def _left_out(profile: Any) -> list[str]:  # noqa: ANN401 - a stored JSON document
    return [f"{row['symbol']} is left out: {row['reason']}" for row in profile["left_out"]]
