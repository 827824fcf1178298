"""The model card: what a version is, what it was shown, what it may not be used for."""

from collections.abc import Mapping

from services.model_documents import Evaluation, Manifest


def card(manifest: Manifest, evaluation: Evaluation, environment: Mapping[str, str]) -> bytes:
    """Return the model card: what it is, what it was shown, what it may not be used for."""
    verdict = evaluation.verdict
    lines = [
        f"# {manifest.name}: {manifest.estimator}",
        "",
        f"- Foretells {manifest.target}.",
        f"- Features: {manifest.feature_set}, {len(manifest.feature_names)} columns, "
        f"hash `{manifest.feature_hash[:16]}`; data version `{manifest.data_version[:16]}`.",
        f"- Trained on {manifest.training_rows} rows, {manifest.trained_first} to "
        f"{manifest.trained_last}; judged on {len(evaluation.folds)} walk-forward folds.",
        "",
        "## Verdict",
        "",
        verdict.summary + ".",
        "",
        *[f"- {'held' if r.passed else 'failed'}: {r.name} ({r.detail})" for r in verdict.rules],
        "",
        "## Figures out of sample",
        "",
        *_figures_table(evaluation.metrics),
        "",
        "## Intervals",
        "",
        *_coverage_lines(evaluation),
        "",
        "## Limits",
        "",
        "The universe is what survived to its last day, so every return is flattered alike; the "
        "figures before costs other than the stated rate are no promise of profit.",
        "",
        "## Environment",
        "",
        *[f"- {key}: {value}" for key, value in sorted(environment.items())],
        "",
    ]
    return "\n".join(lines).encode()


def _figures_table(metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return every figure of every model as a table: a row for each figure."""
    figures = list(dict.fromkeys(name for rows in metrics.values() for name in rows))
    return [
        f"| figure | {' | '.join(metrics)} |",
        f"|---|{'---|' * len(metrics)}",
        *[
            f"| {figure} | "
            + " | ".join(f"{m[figure]:.6g}" if figure in m else "" for m in metrics.values())
            + " |"
            for figure in figures
        ],
    ]


def _coverage_lines(evaluation: Evaluation) -> list[str]:
    """Say how many outcomes the 90% intervals held, and name the years that went astray."""
    coverage = evaluation.coverage
    if not coverage:
        return ["What is foretold is a rate: its interval is binomial and holds no outcome."]
    total = sum(year.outcomes for year in coverage)
    held = sum(year.share * year.outcomes for year in coverage) / total
    astray = [f"- {e.year}: {e.share:.1%}. {e.cause}" for e in evaluation.coverage_exceptions]
    return [
        f"{held:.1%} of {total} outcomes fell into the intervals that aim at 90% "
        f"({evaluation.interval_method}).",
        "",
        "Years outside 88% to 92%:" if astray else "No year lies outside 88% to 92%.",
        "",
        *astray,
    ]
