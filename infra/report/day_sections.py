"""Model, market data and lineage as sections of a page."""

from collections.abc import Sequence

from infra.report import cells, formats, model_charts
from infra.report.page import Cell, Notice, Section, Table
from market.quality import Severity
from models.contest import RivalEvidence, Rule
from services.kind_verdicts import KindVerdict
from services.report import DatasetRow, Lineage, ModelSection, Tone


def model_section(model: ModelSection) -> Section:
    """Return the trained model and the verdict on it, in plain words first."""
    verdict = model.verdict
    tested = [fold.test_first for fold in model.folds] + [fold.test_last for fold in model.folds]
    span = f", tested on {formats.span(min(tested), max(tested))}" if tested else ""
    return Section(
        name="model",
        title="Model",
        lead=(
            f"{model.candidate} on {len(model.features)} features of {model.feature_set}: "
            f"{model.horizon_sessions} sessions ahead, {len(model.folds)} purged walk-forward "
            f"folds{span}. {verdict.trials} trials were run and count against it."
        ),
        blocks=[
            Notice(
                label="The baseline wins."
                if verdict.baseline_wins
                else "The candidate beats the baseline.",
                text=f"{verdict.summary}.",
                tone=Tone.GOOD if verdict.promoted else Tone.WARN,
            ),
            _kinds_table(model.kinds),
            model_charts.coefficient_by_year(model.years, candidate=verdict.candidate),
            _evidence_table(verdict.evidence),
            _rules_table(verdict.rules),
            model_charts.importance_bars(model.importances),
            _metrics_table(model),
        ],
    )


def _kinds_table(rows: Sequence[KindVerdict]) -> Table:
    titles = ("kind", "foretells", "naive baseline", "candidate", "verdict", "champion", "loss")
    numbers = ("candidate loss", "baseline loss", "DM", "p, one-sided", "trials", "years off 90%")
    return Table(
        title="The seven kinds beside their naive baselines",
        columns=cells.columns(*titles, *numbers, words=len(titles)),
        rows=[
            [
                cells.text(row.kind),
                cells.text(row.foretells),
                cells.text(row.baseline),
                cells.text(row.candidate),
                _kind_verdict(row),
                cells.text(row.champion),
                cells.text(row.metric),
                cells.number(row.candidate_loss, digits=6),
                cells.number(row.baseline_loss, digits=6),
                cells.number(row.statistic),
                Cell(formats.NOT_MEASURED if row.p_value is None else formats.p_value(row.p_value)),
                cells.whole(row.trials),
                Cell(f"{row.years_outside} of {row.years}" if row.years else formats.NOT_MEASURED),
            ]
            for row in rows
        ],
        note="Out of sample on observed data; the errors that the anomaly kind is held against are "
        "planted from a seed. A kind that does not win keeps its baseline as champion. Kinds other "
        "than price are trained each week, or by `quantdesk models train KIND`.",
    )


def _kind_verdict(row: KindVerdict) -> Cell:
    if not row.candidate:
        return Cell("not trained yet", Tone.PLAIN)
    if row.promoted:
        return Cell("beats the baseline", Tone.GOOD)
    return Cell("wins, held by the gate" if row.wins else "baseline stays", Tone.WARN)


def _evidence_table(rows: Sequence[RivalEvidence]) -> Table:
    titles = ("against", "loss", "verdict", "candidate", "rival", "DM", "p, one-sided", "sessions")
    return Table(
        title="Held against its rivals, on the same rows",
        columns=cells.columns(*titles, words=3),
        rows=[
            [
                cells.text(row.rival),
                cells.text(row.metric),
                Cell(
                    "candidate" if row.candidate_wins else "rival stays",
                    Tone.GOOD if row.candidate_wins else Tone.WARN,
                ),
                cells.number(row.candidate_loss, digits=7),
                cells.number(row.rival_loss, digits=7),
                cells.number(row.statistic),
                Cell(formats.p_value(row.p_value)),
                cells.whole(row.sessions),
            ]
            for row in rows
        ],
        note="Diebold-Mariano with the Harvey correction: a small p says that the candidate's "
        "loss is smaller.",
    )


def _rules_table(rules: Sequence[Rule]) -> Table:
    return Table(
        title="The promotion gate",
        columns=cells.columns("rule", "held", "evidence", words=3),
        rows=[
            [
                cells.text(rule.name),
                Cell("yes" if rule.passed else "no", Tone.GOOD if rule.passed else Tone.WARN),
                cells.text(rule.detail),
            ]
            for rule in rules
        ],
        note="The champion moves only when every rule held.",
    )


def _metrics_table(model: ModelSection) -> Table:
    names = list(model.metrics)
    figures = list(dict.fromkeys(name for rows in model.metrics.values() for name in rows))
    return Table(
        title="Figures on the sessions of the verdict",
        columns=cells.columns("figure", *names),
        rows=[
            [
                cells.text(formats.title(figure)),
                *(cells.number(model.metrics[name].get(figure), digits=5) for name in names),
            ]
            for figure in figures
        ],
        wide=False,
    )


def market_section(datasets: Sequence[DatasetRow]) -> Section:
    """Return the datasets, what in them is simulated, and which rules their rows break."""
    titles = ("dataset", "source", "simulated columns", "first", "last")
    numbers = ("symbols", "rows", "corrected", "rules broken")
    findings = [(row.name, finding) for row in datasets for finding in row.findings]
    return Section(
        name="data",
        title="Market data",
        lead="Rows that break a rule of severity stop never entered the lake; here the stored "
        "rows are judged again by the same rules.",
        blocks=[
            Table(
                title="Datasets",
                columns=cells.columns(*titles, *numbers, words=5),
                rows=[_dataset_cells(row) for row in datasets],
            ),
            Table(
                title="Data quality: rules that stored rows break",
                columns=cells.columns("dataset", "rule", "severity", "what it catches", "rows",
                                      words=4),
                rows=[
                    [
                        cells.text(name),
                        cells.text(finding.rule),
                        Cell(
                            finding.severity.value,
                            Tone.BAD if finding.severity is Severity.STOP else Tone.WARN,
                        ),
                        cells.text(finding.why),
                        cells.whole(finding.count),
                    ]
                    for name, finding in findings
                ],
                note="Under warn a row is kept and reported; under stop nothing downstream runs.",
            ),
        ],
    )  # fmt: skip


def _dataset_cells(row: DatasetRow) -> Sequence[Cell]:
    broken = len(row.findings)
    return [
        cells.text(row.name),
        cells.text(row.source),
        Cell(", ".join(row.simulated) or "none", Tone.WARN if row.simulated else Tone.PLAIN),
        cells.text(formats.day(row.first_session)),
        cells.text(formats.day(row.last_session)),
        cells.whole(row.symbols),
        cells.whole(row.rows),
        cells.whole(row.corrections),
        Cell(f"{broken} of {row.rules}", Tone.WARN if broken else Tone.PLAIN),
    ]


def lineage_section(lineage: Lineage) -> Section:
    """Return what is needed to compute every number again."""
    rows = [
        ("run", lineage.run_id),
        ("seed", str(lineage.seed)),
        ("code commit", lineage.code_commit),
        ("model version", lineage.model_version),
        ("feature set", lineage.feature_hash),
        ("policy", lineage.policy_version),
        *((f"data: {name}", version) for name, version in lineage.data_versions.items()),
    ]
    return Section(
        name="lineage",
        title="Lineage",
        lead="The same seed, data, policy and code give the same figures, byte for byte.",
        blocks=[
            Table(
                title="Where the figures come from",
                columns=cells.columns("what", "identity", words=2),
                rows=[[cells.text(name), cells.code(value)] for name, value in rows],
            )
        ],
    )
