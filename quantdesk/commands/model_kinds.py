"""Commands of the seven kinds: `models train|tune|predict|verdicts|intervals`."""

from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

Kind = Annotated[
    str,
    typer.Argument(
        help="price, volatility, regime, risk, sizing, signal, anomaly or anomaly_flow."
    ),
]
Dataset = Annotated[str | None, typer.Option(help="Dataset of the lake; the kind's own without.")]
Candidate = Annotated[str, typer.Option(help="Volatility: har, garch or lightgbm.")]
Ranges = Annotated[bool, typer.Option(help="Volatility: use observed high and low.")]


def models_train(
    kind: Kind,
    dataset: Dataset = None,
    candidate: Candidate = "lightgbm",
    ranges: Ranges = False,
    as_json: AsJson = False,
) -> None:
    """Train a kind of model and let the gate decide; the same inputs train once."""
    from infra.bootstrap import open_desk
    from services.kind_training import KindOptions

    with open_desk() as desk:
        result = desk.kinds.train(
            kind, KindOptions(dataset=dataset, candidate=candidate, ranges=ranges)
        )
    if as_json:
        show_json({"version": result.version, "verdict": result.verdict})
        return
    typer.echo(f"{result.version.label}{' (stood already)' if result.reused else ''}")
    typer.echo(result.verdict.summary)


def models_tune(
    kind: Kind,
    trials: Annotated[int, typer.Option(help="Configurations to try.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed proposes the same ones.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Search the settings of a kind's trees, train the best, let the gate decide.

    Every trial is a nested run in MLflow and counts in the gate. A search that was stopped goes on
    where it stood when it is asked for again.
    """
    from infra.bootstrap import open_desk

    def tell(trial: Any) -> None:  # noqa: ANN401 - a Trial, imported lazily
        if not as_json:
            state = "pruned" if trial.pruned else "done"
            typer.echo(f"trial {trial.number}: {trial.loss:.6g} {state}, {len(trial.losses)} years")

    with open_desk() as desk:
        tuned, result = desk.kinds.tune(kind, trials=trials, seed=seed, progress=tell)
    best = tuned.best
    if as_json:
        show_json(
            {
                "study": tuned.study,
                "trials": [
                    {"number": t.number, "loss": t.loss, "pruned": t.pruned} for t in tuned.trials
                ],
                "best": {"number": best.number, "loss": best.loss, **best.estimator.parameters()},
                "version": result.version,
                "verdict": result.verdict,
            }
        )
        return
    typer.echo(f"best: trial {best.number}, {best.loss:.6g}: {dict(best.estimator.parameters())}")
    typer.echo(f"{result.version.label}{' (stood already)' if result.reused else ''}")
    typer.echo(result.verdict.summary)


def models_predict(
    kind: Kind,
    version: Annotated[str, typer.Option(help="A version's number or an alias.")] = "champion",
    row: Annotated[
        str | None,
        typer.Option(help="One row of features as JSON; the newest session of the lake without."),
    ] = None,
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Say what a version foretells: value, interval, confidence, regime, distance, abstention."""
    from infra.bootstrap import open_desk
    from services.kind_training import KindOptions
    from services.predictions import Predictions

    with open_desk() as desk:
        if row is None:
            found = desk.kinds.newest(kind, version=version, options=KindOptions(dataset=dataset))
        else:
            model = Predictions(desk.models).served(kind, version)
            found = [("row", answer) for answer in model.answers(model.matrix([_features(row)]))]
    if as_json:
        show_json([{"symbol": symbol, "prediction": answer} for symbol, answer in found])
        return
    columns = (
        "symbol", "value", "low", "high", "confidence", "regime", "strangeness", "abstains",
    )  # fmt: skip
    rows = [
        (
            symbol,
            f"{p.value:.5g}",
            f"{p.low:.5g}",
            f"{p.high:.5g}",
            f"{p.confidence:.0%}",
            p.regime or "",
            f"{p.ood_score:.2f}",
            "yes" if p.abstain else "no",
        )
        for symbol, p in found
    ]
    label = found[0][1].model_version if found else kind
    show_table(label, columns, rows, right=columns[1:5])


def _features(row: str) -> dict[str, float | None]:
    """Read one row of features; `InvalidInputError` for anything but numbers by name."""
    import json

    from basics.errors import InvalidInputError

    try:
        found = json.loads(row)
    except ValueError as error:
        raise InvalidInputError(f"--row is no JSON: {error}") from error
    good = isinstance(found, dict) and all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        for value in found.values()
    )
    if not good:
        raise InvalidInputError('--row must be {"feature": number, ...}, null where not known')
    return {name: None if v is None else float(v) for name, v in found.items()}


def models_verdicts(as_json: AsJson = False) -> None:
    """Hold the seven kinds against their naive baselines: who won, by which loss, how surely."""
    from infra.bootstrap import open_desk
    from services.kind_verdicts import in_words, kind_verdicts

    with open_desk() as desk:
        rows = kind_verdicts(desk.models)
    if as_json:
        show_json(rows)
        return
    cells = [
        (
            r.kind,
            r.candidate or "not trained",
            r.baseline,
            r.champion,
            r.metric,
            _number(r.candidate_loss, ".5g"),
            _number(r.baseline_loss, ".5g"),
            _number(r.statistic, "+.2f"),
            _number(r.p_value, ".4f"),
            f"{r.years_outside} of {r.years}" if r.years else "",
        )
        for r in rows
    ]
    numbers = ("loss", "baseline's", "DM", "p", "years off 90%")
    columns = ("kind", "candidate", "baseline", "champion", "metric", *numbers)
    show_table("The seven kinds", columns, cells, right=numbers)
    typer.echo(in_words(rows))


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def models_intervals(
    kind: Kind,
    version: Annotated[str, typer.Option(help="A version's number or an alias.")] = "",
    steps_from: Annotated[
        int | None,
        typer.Option(help="Hold the steps of the level beside each other, before and from a year."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold split CQR, EnbPI and adaptive conformal beside each other on a version's errors."""
    from infra.bootstrap import open_desk
    from services.interval_review import review_intervals, review_steps

    with open_desk() as desk:
        if steps_from is not None:
            steps = review_steps(desk.models, kind, year=steps_from, version=version or None)
            _show_steps(kind, steps, year=steps_from, as_json=as_json)
            return
        rows: Any = review_intervals(desk.models, kind, version or None)
    if as_json:
        show_json(rows)
        return
    cells = [
        (
            r.method + (" (in force)" if r.in_force else ""),
            f"{r.coverage:.2%}",
            f"{r.mean_width:.5g}",
            f"{len(r.outside)} of {r.years}",
            ", ".join(f"{y.year}: {y.share:.1%}" for y in r.outside),
        )
        for r in rows
    ]
    columns = ("method", "coverage", "mean width", "years off", "outside 88% to 92%")
    show_table(f"90% intervals of {kind}", columns, cells, right=columns[1:4])


def _show_steps(kind: str, steps: Any, *, year: int, as_json: bool) -> None:  # noqa: ANN401 - lazily
    if as_json:
        show_json(steps)
        return
    cells = [
        (
            s.method,
            "weighed" if s.step is None else f"{s.step:g}",
            f"{s.mean_width:.5g}",
            f"{s.before[0]} of {s.before[1]}",
            f"{s.after[0]} of {s.after[1]}",
        )
        for s in steps
    ]
    columns = ("method", "step", "mean width", f"years off before {year}", f"from {year}")
    title = f"90% intervals of {kind} by the step of the level"
    show_table(title, columns, cells, right=columns[1:])
