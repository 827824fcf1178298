"""Tables of a stored risk profile for the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from quantdesk.output import show_table

if TYPE_CHECKING:
    from services.risk_what_if import WhatIfReport

_HEADLINE = 0.99
_PARTS_SHOWN = 4
_CONFIDENCES = (0.95, 0.975, _HEADLINE)


def show_tails(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
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
                *(f"{tails[c]['value_at_risk']:,.0f}" for c in _CONFIDENCES),
                *(f"{tails[c]['expected_shortfall']:,.0f}" for c in _CONFIDENCES),
                f"{top['var_fraction']:.2%}",
                top["quantile_rule"],
                f"{test['exceedances']}/{test['expected']:.0f}" if test else "",
                f"{test['kupiec_p']:.2f}" if test else "",
                test["zone"] if test else "",
            )
        )
    columns = ("method", *(f"VaR {c * 100:g}%" for c in _CONFIDENCES),
               *(f"ES {c * 100:g}%" for c in _CONFIDENCES), "of equity", "quantile rule", "hits",
               "p", "zone")  # fmt: skip
    right = [name for name in columns if name not in {"method", "quantile rule", "zone"}]
    show_table("Value at risk and expected shortfall", columns, rows, right=right)
    typer.echo(
        f"* lowest Fissler-Ziegel loss, + not told from it at 10%; hits: days beyond 99% VaR / "
        f"expected, p by Kupiec; of equity: 99% VaR; one session, or ten by overlapping sums (10d);"
        f" tested on {profile['backtest_basis']}"
    )


def show_stresses(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show what each scenario costs, and which position hurts most."""
    rows = []
    for stress in profile["stresses"]:
        symbol, part = next(iter(stress["contributions"].items()), ("", 0.0))
        rows.append(
            (
                stress["title"],
                f"{stress['loss']:,.0f}",
                f"{stress['loss_fraction']:.2%}",
                f"{symbol} {part:,.0f}",
                _largest(stress.get("by_factor", {})),
            )
        )
    columns = ("stress (a positive number is a loss)", "loss", "of equity", "largest part",
               "by what moved")  # fmt: skip
    show_table("Stress", columns, rows, right=("loss", "of equity"))
    for stress in profile["stresses"]:
        if stress["note"]:
            typer.echo(f"{stress['title']}: {stress['note']}")


def _largest(parts: Mapping[str, float]) -> str:
    """Return the parts of most size, and the sum of the others."""
    said = sorted(parts, key=lambda name: -abs(parts[name]))[:_PARTS_SHOWN]
    shown = [f"{name} {moved:,.0f}" for name, moved in parts.items() if name in said]
    others = [moved for name, moved in parts.items() if name not in said]
    return ", ".join(shown + [f"{len(others)} others {sum(others):,.0f}"] * bool(others))


def show_limits(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show the most used limits."""
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


def show_positions(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show where the VaR comes from, holding by holding."""
    show_table(
        f"{profile['scope']} on {profile['as_of']}: where the 99% VaR comes from",
        ("symbol", "sector", "value", "weight", "beta", "component VaR", "marginal VaR",
         "without it", "days to liquidate"),
        [
            (
                p["symbol"],
                p["sector"],
                f"{p['market_value']:,.0f}",
                f"{p['weight']:.1%}",
                _amount(p["beta"], ".2f"),
                _amount(p["component_var"], ",.0f"),
                _amount(p["marginal_var"], ".4f"),
                "" if p["incremental_var"] is None else f"{-p['incremental_var']:+,.0f}",
                _amount(p["days_to_liquidate"], ".2f"),
            )
            for p in profile["positions"]
        ],
        right=("value", "weight", "beta", "component VaR", "marginal VaR", "without it",
               "days to liquidate"),
    )  # fmt: skip


def show_groups(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show the same VaR by strategy, sector and factor; each split sums to it."""
    rows = profile.get("decomposition", [])
    columns = ("split", "part", "exposure", "component VaR", "component ES", "marginal VaR",
               "without it")  # fmt: skip
    if rows:
        show_table(
            "The same by strategy, sector and factor",
            columns,
            [
                (
                    row["by"],
                    row["name"],
                    f"{row['exposure']:,.0f}",
                    f"{row['component_var']:,.0f}",
                    f"{row['component_es']:,.0f}",
                    _amount(row["marginal_var"], ".4f"),
                    f"{-row['incremental_var']:+,.0f}",
                )
                for row in rows
            ],
            right=columns[2:],
        )


def show_movement(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Say why the VaR behind the limits moved since the session before."""
    moved = profile.get("movement")
    if moved is None:
        typer.echo("No session of the book lies before: nothing moved its VaR yet.")
        return
    restated = moved["restated"]
    rows = [
        (f"on {moved['since']}", f"{moved['before']:,.0f}"),
        ("positions (trades)", f"{moved['positions']:+,.0f}"),
        ("market data", f"{moved['market_data']:+,.0f}"),
        ("model (method, lookback)", f"{moved['model']:+,.0f}"),
        (f"on {profile['as_of']}", f"{moved['after']:,.0f}"),
    ]
    if restated is not None:
        rows.append(("restated since it was published", f"{restated:+,.0f}"))
    show_table("Why the 99% VaR moved (historical)", ("", "VaR"), rows, right=("VaR",))
    for symbol, change in list(moved["by_symbol"].items())[:5]:
        typer.echo(f"- trading {symbol} moved VaR by {change:+,.0f}")


def show_covariances(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show the normal VaR under each estimate of the covariance."""
    rows = profile.get("covariances", [])
    if rows:
        show_table(
            "Normal 99% VaR by covariance estimate",
            ("covariance", "volatility", "VaR 99%", "average correlation"),
            [
                (
                    row["estimate"],
                    f"{row['volatility']:.2%}",
                    f"{row['value_at_risk']:,.0f}",
                    ""
                    if row["average_correlation"] is None
                    else f"{row['average_correlation']:.2f}",
                )
                for row in rows
            ],
            right=("volatility", "VaR 99%", "average correlation"),
        )


def show_what_if(report: "WhatIfReport") -> None:
    """Show what an order would do to the numbers that its limits are about."""
    cost = "" if report.expected_cost is None else f", expected cost {report.expected_cost:,.0f}"
    verb = "buy" if report.quantity > 0 else "sell"
    typer.echo(
        f"{report.scope} on {report.as_of}: {verb} {abs(report.quantity):,.0f} of {report.symbol} "
        f"at {report.price:,.2f}, worth {report.value:,.0f} {report.currency}{cost}"
    )
    typer.echo(
        f"risk {report.score_before:.1f} to {report.score_after:.1f} of 100, "
        f"{report.level_before} to {report.level_after}"
    )
    columns = ("method", "VaR before", "VaR after", "change", "ES before", "ES after")
    show_table(
        "99% value at risk and expected shortfall",
        columns,
        [
            (
                t.method + ("" if t.horizon_days == 1 else f" {t.horizon_days}d"),
                f"{t.var_before:,.0f}",
                f"{t.var_after:,.0f}",
                f"{t.var_after - t.var_before:+,.0f}",
                f"{t.es_before:,.0f}",
                f"{t.es_after:,.0f}",
            )
            for t in report.tails
            if t.confidence == _HEADLINE
        ],
        right=columns[1:],
    )
    show_table(
        "Stress (a positive number is a loss)",
        ("scenario", "before", "after"),
        [
            (s.title, _amount(s.loss_before, ",.0f"), _amount(s.loss_after, ",.0f"))
            for s in report.stresses
        ],
        right=("before", "after"),
    )
    show_table(
        "Limits that the order moves",
        ("metric", "of", "before", "after", "hard", "state"),
        [
            (
                c.metric,
                c.name,
                _amount(c.before, ".4g"),
                _amount(c.after, ".4g"),
                f"{c.hard:.4g}",
                c.state_after.value
                if c.state_before is c.state_after
                else f"{c.state_before.value} to {c.state_after.value}",
            )
            for c in report.limits
            if c.before != c.after
        ],
        right=("before", "after", "hard"),
    )
    for line in report.new_breaches or ("No limit would be breached, or further breached.",):
        typer.echo(f"- {line}")
    for line in report.left_out:
        typer.echo(f"- left out: {line}")


def _amount(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
