"""Commands of risk: `risk show`."""

from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

risk = typer.Typer(help="The risk of a book, with its evidence.", no_args_is_help=True)

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
    verdicts = {(b["estimator"], b["confidence"]): b for b in profile["backtests"]}
    rows = []
    for tail in profile["tails"]:
        test = verdicts.get((tail["method"], tail["confidence"]))
        if tail["horizon_days"] != 1:
            test = None
        rows.append(
            (
                tail["method"] + (" *" if tail["best"] else ""),
                f"{tail['confidence']:.1%}",
                f"{tail['horizon_days']}d",
                f"{tail['value_at_risk']:,.0f}",
                f"{tail['expected_shortfall']:,.0f}",
                f"{tail['var_fraction']:.2%}",
                f"{test['exceedances']} / {test['expected']:.1f}" if test else "",
                f"{test['kupiec_p']:.3f}" if test else "",
                test["zone"] if test else "",
            )
        )
    show_table(
        f"Value at risk and expected shortfall (* best scored; {profile['backtest_basis']})",
        ("method", "at", "over", "VaR", "ES", "of equity", "beyond / expected", "Kupiec p", "zone"),
        rows,
        right=("VaR", "ES", "of equity", "beyond / expected", "Kupiec p"),
    )


def _show_stresses(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    rows = []
    for stress in profile["stresses"]:
        worst = next(iter(stress["contributions"].items()), ("", 0.0))
        rows.append(
            (
                stress["title"],
                stress["basis"],
                f"{stress['loss']:,.0f}",
                f"{stress['loss_fraction']:.2%}",
                f"{worst[0]} {worst[1]:,.0f}",
                stress["note"],
            )
        )
    show_table(
        "Stress (a positive number is a loss)",
        ("scenario", "basis", "loss", "of equity", "largest part", "note"),
        rows,
        right=("loss", "of equity"),
    )


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
