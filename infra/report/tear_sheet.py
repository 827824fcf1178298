"""A portfolio's tear sheet as a page."""

from itertools import pairwise
from pathlib import Path

from infra.report import cells, formats
from infra.report.day import performance_figures
from infra.report.page import Cell, Chart, Notice, Page, Section, Table
from infra.report.pnl_charts import attribution_waterfall, equity_with_drawdown, monthly_heat_map
from infra.report.pnl_section import figures_tables, reconciliation_table, spells_table
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import line
from infra.report.writer import write_page
from services.portfolios import label_of
from services.report import Tone
from services.tear_sheet import Histogram, TearSheet

RATES = {"cagr", "volatility", "max_drawdown"}


def write_tear_sheet(sheet: TearSheet, path: Path) -> Path:
    """Write the tear sheet to `path` and return it."""
    return write_page(tear_sheet_page(sheet), path)


def tear_sheet_page(sheet: TearSheet) -> Page:
    """Return the tear sheet as a page."""
    performance = sheet.performance
    span = formats.span(performance.start, performance.end)
    drawn = [s for s in sheet.attributions if len(s.parts) > 1 and s.by != "month"]
    return Page(
        title=f"Tear sheet: {label_of(sheet.portfolio)}",
        kicker=span,
        subtitle=f"{len(performance.sessions)} sessions, {performance.currency}, net of costs; "
        f"benchmark: {performance.benchmark_name or 'none'}.",
        figures=performance_figures(performance),
        findings=[],
        caveats=[
            Notice(
                text="Fills come from the venue that the portfolio traded on; of the sample's "
                "portfolio that venue, its costs and its volumes are simulated around real closes.",
                label="What this rests on.",
                tone=Tone.WARN,
            )
        ],
        sections=[
            Section(
                name="returns",
                title="Returns",
                blocks=[
                    equity_with_drawdown(performance),
                    monthly_heat_map(performance.months),
                    _rolling_sharpe(sheet),
                    _rolling_volatility(sheet),
                    _histogram(sheet.histogram),
                    _intervals_table(sheet),
                    spells_table(performance.spells),
                ],
            ),
            Section(
                name="attribution",
                title="Where it came from",
                lead="Booked splits add up to the cent; an estimated split shows its residual.",
                blocks=[
                    *(attribution_waterfall(split) for split in drawn),
                    reconciliation_table(sheet.attributions, performance.currency),
                ],
            ),
            Section(name="figures", title="Figures", blocks=figures_tables(performance.figures)),
        ],
        footer=f"quantdesk · {label_of(sheet.portfolio)} · {span}",
    )


def _rolling_sharpe(sheet: TearSheet) -> Chart:
    trace = line("portfolio", sheet.performance.sessions, sheet.rolling_sharpe,
                 color="$accent", width=1.8)  # fmt: skip
    return _over_time(
        "rolling-sharpe", "Sharpe ratio, rolling", [trace | {"hovertemplate": "%{y:.2f}"}], sheet
    )


def _rolling_volatility(sheet: TearSheet) -> Chart:
    days = sheet.performance.sessions
    traces = [line("portfolio", days, sheet.rolling_volatility, color="$accent", width=1.8)]
    if sheet.benchmark_volatility:
        traces.append(
            line("benchmark", days, sheet.benchmark_volatility, color="$reference", width=1.4)
        )
    shown = [trace | {"hovertemplate": "%{y:.1%}"} for trace in traces]
    return _over_time("rolling-volatility", "Volatility, rolling", shown, sheet, tickformat=".0%")


def _over_time(
    name: str, title: str, traces: list[dict[str, object]], sheet: TearSheet, tickformat: str = ""
) -> Chart:
    return Chart(
        name=name,
        title=title,
        traces=traces,
        layout=layout(
            hovermode="x unified",
            showlegend=len(traces) > 1,
            xaxis=axis(showgrid=False, type="date", hoverformat="%Y-%m-%d"),
            yaxis=axis(title=axis_title("yearly"), tickformat=tickformat),
        ),
        summary=f"{title} over {sheet.window} sessions.",
        height=260,
        wide=False,
        note=f"Each point covers the {sheet.window} sessions that end there.",
    )


def _histogram(histogram: Histogram) -> Chart:
    centres = [(low + high) / 2 for low, high in pairwise(histogram.edges)]
    return Chart(
        name="histogram",
        title="Daily returns",
        traces=[
            {
                "type": "bar",
                "x": centres,
                "y": list(histogram.counts),
                "marker": {"color": ["$gain" if x >= 0 else "$loss" for x in centres]},
                "hovertemplate": "%{x:.2%}: %{y} sessions<extra></extra>",
            }
        ],
        layout=layout(
            showlegend=False,
            bargap=0.06,
            xaxis=axis(showgrid=False, tickformat=".1%", title=axis_title("return of a session")),
            yaxis=axis(title=axis_title("sessions")),
        ),
        summary="How often daily returns of each size occurred.",
        height=300,
        wide=False,
    )


def _intervals_table(sheet: TearSheet) -> Table:
    confidence = {interval.confidence for interval in sheet.intervals.values()}
    level = formats.confidence(min(confidence, default=0.95))
    return Table(
        title="How sure is that?",
        columns=cells.columns("measure", "estimate", "low", "high"),
        rows=[
            [
                cells.text(formats.title(name)),
                *(
                    Cell(formats.measured(value, "rate" if name in RATES else "ratio"))
                    for value in (interval.estimate, interval.low, interval.high)
                ),
            ]
            for name, interval in sheet.intervals.items()
        ],
        note=f"{level} intervals by resampling blocks of sessions (stationary bootstrap).",
        wide=False,
    )
