"""A portfolio's tear sheet as a page."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from infra.report import cells, formats
from infra.report.day import performance_figures
from infra.report.page import Cell, Chart, Notice, Page, Section, Table
from infra.report.pnl_charts import attribution_waterfall, equity_with_drawdown, monthly_heat_map
from infra.report.pnl_section import (
    figures_tables,
    interval_words,
    paired,
    reconciliation_table,
    spells_table,
    sureness_words,
)
from infra.report.theme import axis, axis_title, layout
from infra.report.traces import line
from infra.report.writer import write_page
from services.pnl_performance import Performance
from services.portfolios import ON_SIMULATED_MARKETS, label_of
from services.report import Tone
from services.tear_sheet import Histogram, TearSheet

# Those whose doubt a reader asks for first.
HEADLINES = (
    "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown",
    "expected_shortfall", "hit_rate", "profit_factor", "alpha", "beta", "tracking_error",
    "information_ratio", "up_capture", "down_capture",
)  # fmt: skip

OBSERVED = (
    "Fills come from the venue that the portfolio traded on; of the sample's portfolio that venue, "
    "its costs and its volumes are simulated around real closes."
)
SIMULATED = (
    "The whole market of this portfolio is simulated: prices, exchange rates, curves, volatility, "
    "dividends and fills are drawn from a seed. None of its figures is evidence."
)
Pair = tuple[Sequence[float | None], Sequence[float | None]]  # The portfolio's, the benchmark's.


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
                text=SIMULATED if sheet.portfolio in ON_SIMULATED_MARKETS else OBSERVED,
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
                    *_rolling(sheet),
                    _histogram(sheet.histogram),
                    _intervals_table(performance),
                    spells_table(performance.spells),
                ],
            ),
            Section(
                name="attribution",
                title="Where it came from",
                lead="Booked splits add up to the cent; an estimated split shows its residual.",
                blocks=[
                    *paired([attribution_waterfall(split) for split in drawn]),
                    reconciliation_table(sheet.attributions, performance.currency),
                ],
            ),
            Section(name="figures", title="Figures", blocks=figures_tables(performance)),
        ],
        footer=f"quantdesk · {label_of(sheet.portfolio)} · {span}",
    )


def _rolling(sheet: TearSheet) -> list[Chart]:
    """Return what changes over time: ratio, volatility, drawdown, and beta where there is one."""
    charts = [
        _over_time(sheet, "rolling-sharpe", "Sharpe ratio, rolling", "yearly",
                   (sheet.rolling_sharpe, sheet.benchmark_sharpe), ".2f"),
        _over_time(sheet, "rolling-volatility", "Volatility, rolling", "yearly",
                   (sheet.rolling_volatility, sheet.benchmark_volatility), ".1%"),
        _over_time(sheet, "rolling-drawdown", "Maximum drawdown, rolling", "below the peak",
                   (sheet.rolling_drawdown, sheet.benchmark_drawdown), ".1%"),
    ]  # fmt: skip
    if any(value is not None for value in sheet.rolling_beta):
        charts.append(
            _over_time(
                sheet,
                "rolling-beta",
                "Beta, rolling",
                "to the benchmark",
                (sheet.rolling_beta, ()),
                ".2f",
            )
        )
    return charts


def _over_time(
    sheet: TearSheet, name: str, title: str, unit: str, values: Pair, shown: str
) -> Chart:
    days, (own, rival) = sheet.performance.sessions, values
    traces = [line("portfolio", days, own, color="$accent", width=1.8)]
    if any(value is not None for value in rival):
        traces.append(line("benchmark", days, rival, color="$reference", width=1.4))
    short = len(days) < sheet.window
    return Chart(
        name=name,
        title=title,
        traces=[trace | {"hovertemplate": f"%{{y:{shown}}}"} for trace in traces],
        layout=layout(
            hovermode="x unified",
            showlegend=len(traces) > 1,
            xaxis=axis(showgrid=False, type="date", hoverformat="%Y-%m-%d"),
            yaxis=axis(title=axis_title(unit), tickformat=".0%" if shown.endswith("%") else ""),
        ),
        summary=f"{title} over {sheet.window} sessions.",
        height=260,
        wide=False,
        note=f"Empty: {len(days)} sessions are fewer than the {sheet.window} of a window."
        if short
        else f"Each point covers the {sheet.window} sessions that end there.",
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
        height=470,  # As tall as the table beside it.
        wide=False,
    )


def _intervals_table(performance: Performance) -> Table:
    sureness, by_name = performance.sureness, {row.name: row for row in performance.figures}
    shown = [by_name[name] for name in HEADLINES if name in by_name]
    level = "" if sureness is None else f"{formats.confidence(sureness.confidence)} "
    return Table(
        title="How sure is that?",
        columns=cells.columns("measure", "estimate", f"{level}interval"),
        rows=[
            [
                cells.text(formats.title(row.name)),
                Cell(formats.measured(row.value, row.unit)),
                Cell(interval_words(row)),
            ]
            for row in shown
        ],
        note="Stored before intervals were: run the flow `pnl` again."
        if sureness is None
        else sureness_words(sureness),
        wide=False,
    )
