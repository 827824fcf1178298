"""Two experiments side by side as one page: what was changed, what came of it, the two curves.

DVC's own plot page loads its code from elsewhere; this one opens without a network.
"""

from collections.abc import Sequence

from infra.experiments import EquityCurve, ExperimentRun
from infra.report.page import Cell, Chart, Column, KeyFigure, Notice, Page, Section, Table
from infra.report.theme import axis, layout
from infra.report.traces import bars, line
from services.report import Tone

HEADLINES = ("backtest.sharpe_ratio", "backtest.cagr", "backtest.max_drawdown")
# What is coloured: of these more is better, of those less; the rest is told without a judgement.
GAINS = (
    "sharpe_ratio", "sortino_ratio", "calmar_ratio", "information_ratio", "total_return", "cagr",
    "final_equity", "hit_rate", "rank_ic", "ic", "rank_icir", "icir", "sharpe_per_period",
)  # fmt: skip
LOSSES = ("max_drawdown", "volatility", "total_fees", "mse")
CAVEATS = (
    Notice(
        tone=Tone.WARN,
        text="Trades are simulated: at the next session's close, with modelled spread and impact. "
        "On the sample data the closes are real, but volume is simulated and the names are "
        "survivors.",
    ),
    Notice(
        tone=Tone.PLAIN,
        text="Each experiment is one more trial: the best of many looks better than it is. The "
        "promotion gate counts them all.",
    ),
)
YEARLY = "model.rank_ic_by_year."


def comparison_page(
    before: ExperimentRun,
    after: ExperimentRun,
    curves: Sequence[tuple[str, EquityCurve]],
) -> Page:
    """Return the page that holds `after` against `before`."""
    return Page(
        title=f"{after.name} against {before.name}",
        kicker="quantdesk experiments",
        subtitle="Two states of data, code and parameters; what parameters differ is below.",
        figures=[_headline(name, before, after) for name in HEADLINES if name in after.metrics],
        findings=(),
        caveats=CAVEATS,
        sections=[
            Section(
                name="parameters", title="What was changed", blocks=[_parameters(before, after)]
            ),
            Section(name="curves", title="What it earned", blocks=_curves(curves)),
            Section(
                name="metrics",
                title="What came of it",
                blocks=[_metrics(before, after), *_years(before, after)],
            ),
        ],
        footer=f"{before.revision[:12]} and {after.revision[:12]}; Sharpe ratios are yearly, "
        "drawdown is a positive fraction.",
    )


def changed_parameters(
    before: ExperimentRun, after: ExperimentRun
) -> list[tuple[str, object, object]]:
    """Return (name, before, after) of each parameter that differs."""
    names = sorted(before.parameters.keys() | after.parameters.keys())
    pairs = [(name, before.parameters.get(name), after.parameters.get(name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def compared_metrics(
    before: ExperimentRun, after: ExperimentRun
) -> list[tuple[str, float | None, float | None]]:
    """Return (name, before, after) of each metric that is not one of many years."""
    names = sorted(before.metrics.keys() | after.metrics.keys())
    return [
        (name, before.metrics.get(name), after.metrics.get(name))
        for name in names
        if not name.startswith(YEARLY)
    ]


def _headline(name: str, before: ExperimentRun, after: ExperimentRun) -> KeyFigure:
    new, old = after.metrics[name], before.metrics.get(name)
    return KeyFigure(
        label=name.partition(".")[2].replace("_", " "),
        value=_number(new),
        note="" if old is None else f"was {_number(old)}",
        tone=_tone(name, old, new),
    )


def _parameters(before: ExperimentRun, after: ExperimentRun) -> Table:
    rows = changed_parameters(before, after)
    return Table(
        title="Parameters that differ",
        columns=[
            Column(title="parameter", numeric=False),
            Column(title=before.name),
            Column(title=after.name),
        ],
        rows=[[Cell(name, code=True), Cell(_text(a)), Cell(_text(b))] for name, a, b in rows],
        note="" if rows else "None: the two differ in code or data alone.",
    )


def _curves(curves: Sequence[tuple[str, EquityCurve]]) -> list[Chart]:
    if not curves:
        return []
    colors = ("$muted", "$accent")
    traces = [
        line(name, curve.sessions, curve.equity, color=colors[place % 2], width=2)
        for place, (name, curve) in enumerate(curves)
    ]
    _, last = curves[-1]
    traces.append(line("benchmark", last.sessions, last.benchmark, color="$warn", width=1))
    return [
        Chart(
            name="equity",
            title="Equity after costs, and the benchmark",
            traces=traces,
            layout=layout(yaxis=axis(tickformat=",.3s")),
            summary=f"Equity of {' and '.join(name for name, _ in curves)} by session.",
        )
    ]


def _metrics(before: ExperimentRun, after: ExperimentRun) -> Table:
    rows = []
    for name, old, new in compared_metrics(before, after):
        change = None if old is None or new is None else new - old
        rows.append(
            [
                Cell(name, code=True),
                Cell(_number(old)),
                Cell(_number(new)),
                Cell("" if change is None else f"{change:+.4g}", tone=_tone(name, old, new)),
            ]
        )
    return Table(
        title="Metrics",
        columns=[
            Column(title="metric", numeric=False),
            Column(title=before.name),
            Column(title=after.name),
            Column(title="change"),
        ],
        rows=rows,
    )


def _years(before: ExperimentRun, after: ExperimentRun) -> list[Chart]:
    """Return the change of rank correlation in each year that both have."""
    both = [n for n in sorted(after.metrics) if n.startswith(YEARLY) and n in before.metrics]
    if not both:
        return []
    changes = [after.metrics[name] - before.metrics[name] for name in both]
    names = [name.removeprefix(YEARLY) for name in both]
    colors = ["$gain" if change >= 0 else "$loss" for change in changes]
    return [
        Chart(
            name="years",
            title="Rank correlation with the outcome: change by year",
            traces=[bars(names, changes, colors=colors)],
            layout=layout(xaxis=axis(), yaxis=axis(type="category")),
            summary="Change of the yearly rank correlation of prediction and outcome.",
            height=120 + 18 * len(names),
        )
    ]


def _tone(name: str, old: float | None, new: float | None) -> Tone:
    key = name.rpartition(".")[2]
    if old is None or new is None or old == new or key not in GAINS + LOSSES:
        return Tone.PLAIN
    return Tone.GOOD if (new > old) == (key in GAINS) else Tone.BAD


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
