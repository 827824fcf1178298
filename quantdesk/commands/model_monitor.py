"""`quantdesk models monitor`: drift, rank correlation, coverage and calibration of what serves."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from services.model_monitoring import VersionMonitor

MOST_FEATURES = 10


def models_monitor(
    name: Annotated[str, typer.Argument(help="Which model.")] = "price",
    act: Annotated[
        bool, typer.Option("--act", help="Raise alerts for breaches, and train anew if they ask.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure every version of a model in service against limits chosen on its early years."""
    from flows import model_steps
    from flows.day import open_day

    with open_day() as day:
        day.desk.models.resolve(name, "champion")  # An unknown model is named at once.
        found = model_steps.measure(day, name)
        acted = model_steps.act(day, found) if act else None
    if as_json:
        show_json({"versions": found, "acted": acted})
        return
    if not found:
        typer.echo(f"nothing of {name} foretells by features: a baseline cannot drift")
    for monitor in found:
        _show(monitor)
    if acted is not None:
        trained = ", ".join(acted.trained.values()) or "nothing"
        typer.echo(f"{acted.breaches} breaches, {acted.told} new alerts, trained anew: {trained}")


def _show(monitor: "VersionMonitor") -> None:
    typer.echo(
        f"{monitor.label} ({', '.join(monitor.aliases)}) at {monitor.as_of}; {monitor.served} "
        f"sessions served; {'older than the data' if monitor.stale else 'trained on the newest'}"
    )
    columns = ("session", "rank IC", "slope", "coverage", "predictions PSI", "features in alarm")
    step = max(1, len(monitor.points) // 10)
    rows = [
        (
            point.session,
            _estimate(point.rank_ic),
            _estimate(point.slope),
            _number(point.coverage, ".1%"),
            _number(point.prediction_stability, ".3f"),
            _number(point.features_in_alarm, ".0%"),
        )
        for point in monitor.points[::-1][::step][::-1]
    ]
    show_table("Over time, 95% intervals", columns, rows, right=columns[1:])
    titles = ("feature", "PSI", "its limit", "Kolmogorov-Smirnov", "Wasserstein", "level")
    drifts = [
        (
            row.name,
            f"{row.drift.stability_index:.3f}",
            f"{row.limit:.3f}",
            f"{row.drift.kolmogorov_smirnov:.3f}",
            f"{row.drift.wasserstein:.3f}",
            row.level,
        )
        for row in monitor.features[:MOST_FEATURES]
    ]
    show_table(f"Features that moved most, of {len(monitor.features)}", titles, drifts,
               right=titles[1:5])  # fmt: skip
    _show_limits(monitor)
    for breach in monitor.breaches:
        typer.echo(f"breach, {breach.rule}: {breach.text}")
    if not monitor.breaches:
        typer.echo("no breach")


def _show_limits(monitor: "VersionMonitor") -> None:
    """Show where each figure becomes a breach, and how often one did after they were chosen."""
    limits = monitor.limits
    if limits.declared:
        typer.echo("limits: those that policy/monitoring.toml declares, for want of a long record")
        return
    beyond = {rate.rule: f"{rate.beyond} of {rate.points}" for rate in limits.later}
    told = (
        ("feature drift", limits.features_in_alarm, "at most"),
        ("prediction drift", limits.prediction_stability, "at most"),
        ("prediction distance", limits.prediction_kolmogorov_smirnov, "at most"),
        ("prediction mass", limits.prediction_wasserstein, "at most"),
        ("coverage too high", limits.coverage_high, "at most"),
        ("coverage too low", limits.coverage_low, "at least"),
        ("rank correlation", limits.rank_ic_low, "at least"),
        ("calibration", limits.slope_low, "at least"),
        ("exceedances", limits.exceedances_high, "at most"),
    )
    rows = [
        (rule, f"{side} {value:.3f}", beyond.get(rule, ""))
        for rule, value, side in told
        if value is not None
    ]
    title = f"Limits chosen on {limits.chosen_from} to {limits.chosen_to}"
    show_table(title, ("figure", "limit", "points beyond it since"), rows, right=("limit",))


def _estimate(estimate: Any) -> str:  # noqa: ANN401 - an Estimate, imported lazily
    if estimate is None:
        return ""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
