"""Commands on features: list, describe, document, check, and the live ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.commands import live_features
from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from services.feature_review import FeatureReview

features = typer.Typer(help="Features: list, describe, check, live.", no_args_is_help=True)
for _command in (live_features.latest, live_features.take, live_features.replay):
    features.command()(_command)

BAR_CELLS = 20


@features.command("ls")
def ls(
    name: Annotated[str | None, typer.Argument(help="A set or a file: list its features.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the feature sets, or the features of one."""
    from features.sets import feature_set, feature_set_names
    from infra.feature_files import named_set
    from services.feature_review import list_features

    if name is not None:
        rows = list_features([named_set(name)])
        if as_json:
            show_json(rows)
        else:
            shown = ("feature", "lookback", "live", "meaning", "formula")
            show_table(name, shown, [[r[c] for c in shown] for r in rows], right=("lookback",))
        return
    sets = [feature_set(each) for each in feature_set_names()]
    table = [
        (s.name, s.version, len(s.features), s.lookback, ", ".join(s.fields), s.content_hash[:12])
        for s in sets
    ]
    columns = ("set", "version", "features", "lookback", "fields", "hash")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in table])
    else:
        show_table("Feature sets", columns, table, right=("version", "features", "lookback"))


@features.command("describe")
def describe(
    name: Annotated[str, typer.Argument(help="SET.FEATURE, FEATURE, FILE:FEATURE, or a formula.")],
    dataset: Annotated[str, typer.Option(help="The dataset it is computed on.")] = "equities",
    horizon: Annotated[int, typer.Option(help="Sessions of the forward return.", min=1)] = 5,
    chart: Annotated[Path | None, typer.Option(help="Write the chart to this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a feature's formula, lookback, coverage, and rank IC by year."""
    from infra.bootstrap import open_desk
    from infra.feature_files import named_feature
    from services.feature_review import review_feature

    found, feature = named_feature(name)
    with open_desk() as desk:
        review = review_feature(
            desk.features, found, feature.name, dataset=dataset, horizon=horizon
        )
    if chart is not None:
        from infra.feature_chart import write_feature_chart

        write_feature_chart(review, chart)
    if as_json:
        show_json(review)
    else:
        _show_review(review)


@features.command("docs")
def docs(
    names: Annotated[list[str] | None, typer.Argument(help="Sets or files; all sets.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
) -> None:
    """Write a page of what each feature says, its lookback and formula, as Markdown."""
    from features.sets import feature_set_names
    from infra.feature_document import feature_document
    from infra.feature_files import named_set

    page = feature_document([named_set(name) for name in names or feature_set_names()])
    if out is None:
        typer.echo(page, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        typer.echo(str(out))


@features.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="TOML with [features], or Python.")],
    seed: Annotated[int, typer.Option(help="Seed of the trial bars and cut-offs.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try your own features and labels for leaks of the future; exit 4 if one is found."""
    import numpy as np

    from features.leakage import prove_features, prove_labels
    from features.trial import trial_of
    from infra.feature_files import load_feature_file, load_label_file
    from services.label_catalogue import trial_of_labels

    own, labels = load_feature_file(file), load_label_file(file)
    rng = np.random.default_rng(seed)
    panel = trial_of(own, rng=rng)
    proofs = {own.label: prove_features(own, panel, rng=rng, cut_offs=5)}
    closes = trial_of_labels(rng) if labels else panel
    proofs |= {name: prove_labels(make, closes, rng=rng) for name, make in labels.items()}
    leaks = [leak for proof in proofs.values() for leak in proof.leaks]
    trials = sum(proof.trials for proof in proofs.values())
    leaking = {leak.subject for leak in leaks}
    if as_json:
        told = {leak.subject: str(leak) for leak in reversed(leaks)}
        show_json(
            {
                "features": own.names,
                "labels": list(labels),
                "trials": trials,
                "leaks": [{"feature": name, "leak": leak} for name, leak in told.items()],
            }
        )
    else:
        rows = [
            (f.name, "LEAKS" if f.name in leaking else "clean", f.lookback, f.formula)
            for f in own.features
        ]
        rows += [(name, "clean" if proofs[name].clean else "LEAKS", 0, "label") for name in labels]
        title = f"{file.name}: {trials} trials on simulated bars"
        show_table(title, ("name", "verdict", "lookback", "formula"), rows, right=("lookback",))
    for proof in proofs.values():
        proof.require_clean()


@features.command("labels")
def labels(
    seed: Annotated[int, typer.Option(help="Seed of the trial bars and cut-offs.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show every label: who learns it, the interval it rests on, and the proof of that."""
    import numpy as np

    from services.label_catalogue import list_labels

    found = list_labels(np.random.default_rng(seed))
    if as_json:
        show_json(found)
        return
    table = [
        (r.name, r.kinds or "-", r.rests_on, r.lookback, "LEAKS" if r.leaks else "clean", r.meaning)
        for r in found
    ]
    columns = ("label", "kinds", "rests on", "lookback", "verdict", "meaning")
    show_table("Labels, tried on simulated closes", columns, table, right=("lookback",))


def _show_review(review: "FeatureReview") -> None:
    facts = [
        ("formula", review.formula),
        ("meaning", review.meaning or "-"),
        ("set", f"{review.feature_set} ({review.content_hash[:12]})"),
        ("fields", ", ".join((*review.fields, *review.beside))),
        ("lookback", f"{review.lookback} sessions"),
        ("live", f"{review.live} state"),
        ("coverage", f"{review.coverage:.1%} of the bars past the lookback"),
        ("rank IC", f"{review.ic_mean:+.4f} a session, ICIR {review.icir:+.3f}"),
        ("label", f"return over {review.horizon} sessions, entered one session later"),
    ]
    if review.simulated:
        facts.append(("caution", f"{', '.join(review.simulated)} simulated: the IC is no evidence"))
    show_table(f"{review.name} on {review.dataset}", ("", ""), facts)
    widest = max((abs(y.ic_mean) for y in review.years if y.ic_mean == y.ic_mean), default=1.0)
    rows = [
        (y.year, y.sessions, f"{y.ic_mean:+.4f}", _bar(y.ic_mean, widest)) for y in review.years
    ]
    show_table("Rank IC by year", ("year", "sessions", "IC", ""), rows, right=("sessions", "IC"))


def _bar(value: float, widest: float) -> str:
    """Return a bar to the left of a middle line for a negative value, else to its right."""
    if value != value or widest == 0:  # noqa: PLR0124 - NaN
        return ""
    cells = "█" * round(abs(value) / widest * BAR_CELLS)
    left = cells.rjust(BAR_CELLS) if value < 0 else " " * BAR_CELLS
    return f"{left}│{cells if value > 0 else ''}"
