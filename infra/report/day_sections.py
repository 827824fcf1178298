"""Model, market data and lineage as sections of a page."""

from collections.abc import Sequence

from infra.report import cells, formats, model_charts
from infra.report.page import Block, Cell, Notice, Section, Table
from services.report import (
    ComparisonRow,
    DatasetRow,
    LineageSection,
    MarketSection,
    ModelSection,
    Tone,
)


def model_section(model: ModelSection) -> Section:
    """Return the trained model and the verdict on it, in plain words first."""
    blocks: list[Block] = [
        Notice(
            label="The baseline wins." if model.baseline_wins else "The model wins.",
            text=model.verdict,
            tone=Tone.WARN if model.baseline_wins else Tone.GOOD,
        ),
        model_charts.coefficient_by_year(model.years, baseline=model.baseline),
        _comparison_table(model.comparisons),
        model_charts.ranked_bars(
            name="importances",
            title="Feature importance",
            rows=model.importances,
            unit="share of total gain",
        ),
        Table(
            title="Out-of-sample metrics",
            columns=cells.columns("metric", "value"),
            rows=[[cells.text(r.name), cells.number(r.value, digits=4)] for r in model.metrics],
            wide=False,
        ),
    ]
    return Section(
        name="model",
        title="Model",
        lead=(
            f"{model.kind}, version {model.candidate}, on {model.n_features} features of "
            f"{model.feature_set}; {model.n_folds} purged walk-forward folds, tested on "
            f"{formats.span(model.first_session, model.last_session)}."
        ),
        blocks=blocks,
    )


def _comparison_table(rows: Sequence[ComparisonRow]) -> Table:
    titles = ("against", "metric", "verdict", "candidate", "rival", "difference", "statistic", "p")
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
                cells.number(row.candidate, digits=5),
                cells.number(row.rival_value, digits=5),
                cells.number(row.difference, digits=5),
                cells.number(row.statistic),
                Cell(formats.p_value(row.p_value)),
            ]
            for row in rows
        ],
    )


def market_section(market: MarketSection) -> Section:
    """Return the datasets, what in them is simulated, and how validation went."""
    titles = ("dataset", "content", "simulated columns", "first", "last")
    return Section(
        name="data",
        title="Market data and its quality",
        lead=f"{market.universe_note} {market.benchmark_note}",
        blocks=[
            Table(
                title="Datasets",
                columns=cells.columns(
                    *titles, "symbols", "rows", "rejected", "rules held", words=5
                ),
                rows=[_dataset_cells(row) for row in market.datasets],
                note="Rules are checked before a row enters the lake; rejected rows are listed "
                "in the import's report.",
            )
        ],
    )


def _dataset_cells(row: DatasetRow) -> Sequence[Cell]:
    rules = row.rules_passed + row.rules_failed
    return [
        cells.text(row.name),
        cells.text(row.description),
        Cell(
            ", ".join(row.simulated_fields) or "none",
            Tone.WARN if row.simulated_fields else Tone.PLAIN,
        ),
        cells.text(formats.day(row.first_session)),
        cells.text(formats.day(row.last_session)),
        cells.whole(row.symbols),
        cells.whole(row.rows),
        Cell(formats.count(row.rejected_rows), Tone.WARN if row.rejected_rows else Tone.PLAIN),
        Cell(
            f"{row.rules_passed} of {rules}",
            Tone.BAD if row.rules_failed else Tone.PLAIN,
        ),
    ]


def lineage_section(lineage: LineageSection) -> Section:
    """Return what is needed to compute every number again."""
    rows = [
        ("run", lineage.run_id),
        ("seed", str(lineage.seed)),
        ("code commit", lineage.code_commit),
        ("settings", lineage.settings_hash),
        ("feature set", lineage.feature_set),
        ("feature hash", lineage.feature_hash),
        ("model version", lineage.model_version),
        *((f"data: {name}", version) for name, version in lineage.data_versions),
    ]
    return Section(
        name="lineage",
        title="Lineage",
        lead="The same seed, data, settings and code give the same figures, byte for byte.",
        blocks=[
            Table(
                title="Where the figures come from",
                columns=cells.columns("what", "identity", words=2),
                rows=[[cells.text(name), cells.text(value)] for name, value in rows],
            )
        ],
    )
