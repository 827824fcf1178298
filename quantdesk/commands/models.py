"""Commands of models: `models ls|show|compare|rollback|trials`; more in `model_kinds`."""

from typing import Annotated, Any

import typer

from quantdesk.commands.model_kinds import (
    models_intervals,
    models_predict,
    models_train,
    models_tune,
    models_verdicts,
)
from quantdesk.commands.model_monitor import models_monitor
from quantdesk.commands.model_trials import models_ab
from quantdesk.output import AsJson, show_json, show_table

models = typer.Typer(help="Registered models, their evidence and who reigns.", no_args_is_help=True)

models.command("train")(models_train)
models.command("tune")(models_tune)
models.command("predict")(models_predict)
models.command("verdicts")(models_verdicts)
models.command("intervals")(models_intervals)
models.command("ab")(models_ab)
models.command("monitor")(models_monitor)

Name = Annotated[str, typer.Option("--model", help="Which model.")]
Version = Annotated[str, typer.Argument(help="A version's number or an alias.")]


@models.command("ls")
def models_ls(as_json: AsJson = False) -> None:
    """List every version, its aliases and what the gate said."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        rows: list[dict[str, Any]] = [
            {
                "model": name,
                "version": version.version,
                "estimator": version.estimator,
                "aliases": sorted(
                    alias
                    for alias, number in desk.models.aliases(name).items()
                    if number == version.version
                ),
                "gate": version.tags.get("gate", ""),
                "feature_set": version.feature_set,
                "data_version": version.data_version[:12],
                "created_at": version.created_at.isoformat(timespec="seconds"),
            }
            for name in desk.models.names()
            for version in desk.models.versions(name)
        ]
    if as_json:
        show_json(rows)
    elif not rows:
        typer.echo("no model is registered yet: run `quantdesk demo`")
    else:
        columns = ("model", "version", "estimator", "aliases", "gate", "feature_set")
        cells = [[", ".join(r[c]) if c == "aliases" else r[c] for c in columns] for r in rows]
        show_table("Models", columns, cells, right=("version",))


@models.command("show")
def models_show(
    version: Version = "champion", name: Name = "price", as_json: AsJson = False
) -> None:
    """Show one version: how it did out of sample, and the verdict on it."""
    from infra.bootstrap import open_desk
    from services.model_documents import EVALUATION, read_evaluation

    with open_desk() as desk:
        found = desk.models.resolve(name, version)
        judged = EVALUATION in found.sha256
        evaluation = read_evaluation(desk.models.read(found, EVALUATION)) if judged else None
    if as_json:
        show_json({"version": found, "evaluation": evaluation})
        return
    typer.echo(
        f"{found.label}, features {found.feature_set or 'none'}, made {found.created_at:%Y-%m-%d}"
    )
    if evaluation is None:
        typer.echo("The naive baseline: it reigns until something beats it on evidence.")
        return
    typer.echo(f"Verdict: {evaluation.verdict.summary}")
    _show_evaluation(evaluation)


def _show_evaluation(evaluation: Any) -> None:  # noqa: ANN401 - an Evaluation, imported lazily
    rules = [
        ("held" if rule.passed else "FAILED", rule.name, rule.detail)
        for rule in evaluation.verdict.rules
    ]
    show_table(f"The gate, over {evaluation.verdict.trials} trials", ("", "rule", "figures"), rules)
    names = list(evaluation.metrics)
    rows_of = list(dict.fromkeys(key for m in evaluation.metrics.values() for key in m))
    figures = [
        (key, *(f"{m[key]:.5g}" if key in m else "" for m in evaluation.metrics.values()))
        for key in rows_of
    ]
    show_table("Out of sample", ("figure", *names), figures, right=names)
    if evaluation.coverage:
        _show_coverage(evaluation)


def _show_coverage(evaluation: Any) -> None:  # noqa: ANN401 - an Evaluation, imported lazily
    years = [(y.year, f"{y.share:.1%}", y.outcomes) for y in evaluation.coverage]
    show_table(
        f"Coverage of the 90% intervals ({evaluation.interval_method or 'adaptive'})",
        ("year", "share", "outcomes"),
        years,
        right=("share",),
    )
    for exception in evaluation.coverage_exceptions:
        typer.echo(f"{exception.year}: {exception.share:.1%}. {exception.cause}")


@models.command("compare")
def models_compare(
    first: Version, second: Version, name: Name = "price", as_json: AsJson = False
) -> None:
    """Compare two versions on the same rows out of sample."""
    from infra.bootstrap import open_desk
    from services.comparison import Comparison

    with open_desk() as desk:
        result = Comparison(desk.models, seed=desk.settings.seed).compare(name, first, second)
    if as_json:
        show_json(result)
        return
    typer.echo(
        f"{result.first} against {result.second}: {result.rows:,} rows, {result.sessions:,} "
        f"sessions, {result.first_session} to {result.last_session}"
    )
    rows = [
        (
            m.name,
            f"{m.first:.5g}",
            f"{m.second:.5g}",
            f"{m.difference.estimate:+.3g}",
            f"[{m.difference.low:+.3g}, {m.difference.high:+.3g}]",
            "tie" if m.first_is_better is None else ("first" if m.first_is_better else "second"),
        )
        for m in result.measured
    ]
    columns = ("figure", "first", "second", "difference", "95% interval", "better")
    show_table("Compared", columns, rows, right=columns[1:5])
    typer.echo(f"Diebold-Mariano p {result.p_value:.4f}; {result.verdict}")


@models.command("rollback")
def models_rollback(name: Name = "price", as_json: AsJson = False) -> None:
    """Give the champion's place back to the version that had it before."""
    from infra.bootstrap import open_desk
    from services.promotion import Promotion

    with open_desk() as desk:
        champion = Promotion(desk.models).rollback(name)
    if as_json:
        show_json({"model": name, "champion": champion.version})
    else:
        typer.echo(f"{champion.label} reigns again")


@models.command("history")
def models_history(name: Name = "price", as_json: AsJson = False) -> None:
    """Show every move of an alias, and every verdict that was carried out."""
    from infra.bootstrap import open_desk
    from services.promotion import history_of

    with open_desk() as desk:
        found = history_of(desk.models, desk.results, name)
    if as_json:
        show_json(found)
        return
    moves = [
        (f"{m.moved_at:%Y-%m-%d %H:%M}", m.alias, m.before or "", m.after or "none", m.reason)
        for m in found.moves
    ]
    show_table(f"Moves of {name}", ("when", "alias", "from", "to", "reason"), moves)
    verdicts = [
        (v.desk_date, v.scope, v.payload["outcome"], v.payload["verdict"]["summary"])
        for v in found.verdicts
    ]
    show_table("Verdicts", ("desk date", "version", "outcome", "summary"), verdicts)


@models.command("trials")
def models_trials(name: Name = "price", as_json: AsJson = False) -> None:
    """List everything that was ever tried, as the gate counts it."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        trials = desk.models.trials(name)
    if as_json:
        show_json(trials)
        return
    rows = [(key[:16], "" if s is None else f"{s:+.4f}") for key, s in trials.items()]
    show_table(
        f"{len(rows)} trials", ("trial", "Sharpe a period"), rows, right=("Sharpe a period",)
    )
