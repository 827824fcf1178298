"""Profit and loss as a section of a page."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from infra.report import cells, formats, pnl_charts
from infra.report.page import Block, Cell, Chart, Section, Table
from pnl.attribution import Attribution
from pnl.attribution_test import Zone
from services.pnl_figures import Figure, Sureness
from services.pnl_health import PnlHealth
from services.pnl_performance import DrawdownSpell, Performance
from services.report import DayReport, Tone

WORST_SPELLS = 5
ZONE_TONES = {Zone.GREEN: Tone.GOOD, Zone.AMBER: Tone.WARN, Zone.RED: Tone.BAD}


def pnl_section(report: DayReport) -> Section:
    """Return what was earned against the benchmark, and where it came from."""
    performance, attributions = report.performance, report.attributions
    # A split into one part says nothing that the total does not; months have their own chart.
    drawn = [split for split in attributions if len(split.parts) > 1 and split.by != "month"]
    blocks: list[Block] = [
        pnl_charts.equity_with_drawdown(performance),
        pnl_charts.monthly_heat_map(performance.months),
        *intraday_blocks(report),
        *paired([pnl_charts.attribution_waterfall(split) for split in drawn]),
        reconciliation_table(attributions, performance.currency),
        *([] if report.health is None else [health_table(report.health)]),
        *figures_tables(performance),
        spells_table(performance.spells),
    ]
    return Section(
        name="pnl",
        title="Profit and loss",
        lead=(
            f"From {formats.money(performance.initial_capital, digits=2)} to "
            f"{formats.money(performance.final_equity, digits=2)} {performance.currency}, net of "
            f"costs; {formats.money(performance.total_fees, digits=2)} of it went on fees. "
            "Booked splits add up to the cent; an estimated split shows its residual."
        ),
        blocks=blocks,
    )


def intraday_blocks(report: DayReport) -> Sequence[Block]:
    """Return the desk date hour by hour, as a chart and by strategy; nothing before a replay."""
    intraday, currency = report.intraday, report.performance.currency
    if intraday is None:
        return []
    names = sorted({name for hour in intraday.hours for name in hour.strategies})
    table = Table(
        title=f"{report.desk_date} by hour, simulated ({currency})",
        columns=cells.columns("until, UTC", *names, "profit", "so far"),
        rows=[
            [
                cells.text(f"{hour.end:%H:%M}"),
                *(cells.gain(hour.strategies.get(name, 0.0), digits=2) for name in names),
                cells.gain(hour.pnl, digits=2),
                cells.gain(so_far, digits=2),
            ]
            for hour, so_far in zip(
                intraday.hours, accumulate(hour.pnl for hour in intraday.hours), strict=True
            )
        ],
        note=f"The books say {formats.money(intraday.booked, digits=2, signed=True)} for the day. "
        "Each hour is of simulated ticks, and no evidence.",
        wide=False,
    )
    return [pnl_charts.profit_by_hour(intraday, report.desk_date, currency), table]


def paired(charts: Sequence[Chart]) -> Sequence[Chart]:
    """Return the charts with the last of half width widened if it would stand alone."""
    halves = [place for place, chart in enumerate(charts) if not chart.wide]
    if len(halves) % 2 == 0:
        return charts
    alone = halves[-1]
    return [*charts[:alone], replace(charts[alone], wide=True), *charts[alone + 1 :]]


def health_table(health: PnlHealth) -> Table:
    """Return whether the risk models see the profit that the books see."""
    return Table(
        title="P&L attribution test",
        columns=cells.columns("risk model", "zone", "Spearman", "Kolmogorov-Smirnov", words=2),
        rows=[
            [
                cells.text(f"{test.model}: {test.sees}"),
                Cell(
                    formats.NOT_MEASURED if test.zone is None else test.zone.value,
                    tone=Tone.PLAIN if test.zone is None else ZONE_TONES[test.zone],
                ),
                cells.number(test.spearman, digits=3),
                cells.number(test.kolmogorov_smirnov, digits=3),
            ]
            for test in health.tests
        ],
        note="Risk-theoretical against hypothetical P&L over at most 250 sessions. Green from "
        "Spearman 0.80 and below Kolmogorov-Smirnov 0.09, red below 0.70 or above 0.12 (MAR32). "
        + " ".join(test.reason for test in health.tests if test.reason),
    )


def figures_tables(performance: Performance) -> Sequence[Table]:
    """Return the measures beside the benchmark's, in two tables of about equal length."""
    figures = performance.figures
    half = (len(figures) + 1) // 2
    return [
        _figures_table(part, title, performance.sureness)
        for part, title in (
            (figures[:half], "Performance"),
            (figures[half:], "Performance, continued"),
        )
        if part
    ]


def _figures_table(figures: Sequence[Figure], title: str, sureness: Sureness | None) -> Table:
    reasons = sorted({figure.reason for figure in figures if figure.reason})
    note = "Formulas, annualisation and ddof: docs/conventions.md."
    bases = [f"{formats.title(row.name)}: {row.basis}." for row in figures if row.basis]
    if bases:
        note = " ".join([note, *bases])
    if reasons:
        note += f" A dash: {'; '.join(reasons)}."
    level = ""
    if sureness is not None:
        level = f"{formats.confidence(sureness.confidence)} "
        note += f" {sureness_words(sureness)}"
    return Table(
        title=title,
        columns=cells.columns("measure", "portfolio", f"{level}interval", "benchmark"),
        rows=[
            [
                cells.text(formats.title(row.name)),
                Cell(formats.measured(row.value, row.unit)),
                Cell(interval_words(row)),
                Cell(formats.measured(row.benchmark, row.unit)),
            ]
            for row in figures
        ],
        note=note,
        wide=False,
    )


def interval_words(figure: Figure) -> str:
    """Return a figure's interval as text; a dash where it has none."""
    if figure.low is None or figure.high is None:
        return formats.NOT_MEASURED
    low, high = (formats.measured(value, figure.unit) for value in (figure.low, figure.high))
    return f"{low} to {high}"


def sureness_words(sureness: Sureness) -> str:
    """Return how the intervals were drawn."""
    if sureness.reason:
        return f"No intervals: {sureness.reason}."
    return (
        f"Intervals by {sureness.resamples:,} resamples of blocks of {sureness.block:.0f} sessions "
        "(stationary bootstrap), the benchmark drawn with the portfolio."
    )


def spells_table(spells: Sequence[DrawdownSpell]) -> Table:
    """Return the deepest spells below the peak."""
    titles = ("peak", "trough", "recovered", "depth", "sessions down", "sessions back")
    return Table(
        title="Deepest drawdowns",
        columns=cells.columns(*titles, words=3),
        rows=[
            [
                cells.text(formats.day(spell.peak)),
                cells.text(formats.day(spell.trough)),
                cells.text("not yet" if spell.recovery is None else formats.day(spell.recovery)),
                cells.rate(spell.depth),
                cells.whole(spell.sessions_down),
                cells.whole(spell.sessions_to_recover if spell.recovery else None),
            ]
            for spell in spells[:WORST_SPELLS]
        ],
        note="Sessions from peak to trough, and from trough to recovery.",
    )


def reconciliation_table(attributions: Sequence[Attribution], currency: str) -> Table:
    """Return, for each split, that its parts and residual make the total."""
    return Table(
        title=f"Do the parts add up? ({currency})",
        columns=cells.columns("split by", "kind", "parts", "residual", "total", words=2),
        rows=[
            [
                cells.text(split.by.replace("_", " ")),
                cells.text("booked" if split.exact else "estimated"),
                cells.gain(split.total - split.residual, digits=2),
                cells.gain(split.residual, digits=2),
                cells.gain(split.total, digits=2),
            ]
            for split in attributions
        ],
    )
