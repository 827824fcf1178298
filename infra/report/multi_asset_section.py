"""The multi-asset portfolio as a section of a page; its market is simulated, and it says so."""

from collections.abc import Sequence
from dataclasses import replace

from infra.report import cells, formats, pnl_charts
from infra.report.instrument_tables import multi_asset_risk_blocks
from infra.report.page import Block, KeyFigure, Notice, Section, Table
from infra.report.pnl_section import reconciliation_table
from pnl.attribution import Attribution
from services.currency_attribution import CurrencyAttribution
from services.pnl_explanation import Explanation
from services.report import MultiAssetSection, Tone

DRAWN = ("reason", "asset_class", "currency", "symbol")
HEADLINES = ("total_return", "volatility", "sharpe_ratio", "max_drawdown")
EFFECTS = ("allocation", "selection", "interaction", "forward_premium", "currency_management")


def multi_asset_section(kept: MultiAssetSection) -> Section:
    """Return what the portfolio earned and why, in the base and in every currency."""
    earned = kept.performance
    charts = [
        pnl_charts.equity_with_drawdown(earned),
        *(
            pnl_charts.attribution_waterfall(split)
            for split in sorted(kept.attributions, key=_place)
            if split.by in DRAWN
        ),
    ]
    blocks: list[Block] = [
        Notice(
            label="Simulated.",
            text="Every price, exchange rate, curve and volatility of this portfolio's market is "
            "drawn from a seed, and so are its fills. It shows how every kind of instrument is "
            "booked and measured; its figures are evidence of nothing.",
            tone=Tone.WARN,
        ),
        *(replace(chart, name=f"multi-asset-{chart.name}") for chart in charts),
        currencies_table(kept.explanation),
        currency_effects_table(kept.currency_attribution),
        reconciliation_table(kept.attributions, earned.currency),
        *([] if kept.risk is None else multi_asset_risk_blocks(kept.risk)),
    ]
    return Section(
        name="multi-asset",
        title=f"Portfolio {kept.portfolio} ({kept.market} market)",
        lead=(
            f"Equities, an ETF, futures, currencies, a coin, bonds and options in three "
            f"currencies, {formats.span(earned.start, earned.end)}: from "
            f"{formats.money(earned.initial_capital, digits=2)} to "
            f"{formats.money(earned.final_equity, digits=2)} {earned.currency}, net of costs. The "
            "books of every session balance in every currency."
        ),
        figures=_figures(kept),
        blocks=blocks,
    )


def currencies_table(explanation: Explanation) -> Table:
    """Return why equity changed, in the base currency and in each currency on its own."""
    own = [{part.name: part.pnl for part in one.parts} for one in explanation.currencies]
    rows = [
        [
            cells.text(part.name.replace("_", " ")),
            cells.gain(part.pnl, digits=2),
            *(cells.gain(column[part.name], digits=2) for column in own),
        ]
        for part in explanation.parts
        if part.pnl or any(column[part.name] for column in own)
    ]
    totals = [one.total for one in explanation.currencies]
    rows.append(
        [cells.text("total"), *(cells.gain(t, digits=2) for t in (explanation.total, *totals))]
    )
    names = [f"{one.currency}, unconverted" for one in explanation.currencies]
    return Table(
        title="Why equity changed, in every currency",
        columns=cells.columns("part", f"all, in {explanation.currency}", *names),
        rows=rows,
        note="Parts sum to the total exactly in each column. In a currency of its own, fx is what "
        "was exchanged into it (out of it: negative).",
    )


def currency_effects_table(found: CurrencyAttribution) -> Table:
    """Return the excess return over the benchmark by currency and effect."""
    rows = [
        [
            cells.text(market.currency),
            cells.rate(market.portfolio_weight),
            cells.rate(market.benchmark_weight),
            *(cells.rate(getattr(market, name)) for name in EFFECTS),
            cells.rate(sum(getattr(market, name) for name in EFFECTS)),
        ]
        for market in found.markets
    ]
    sums = [sum(getattr(market, name) for market in found.markets) for name in EFFECTS]
    rows.append(
        [cells.text("total"), cells.rate(1.0), cells.rate(1.0), *map(cells.rate, sums),
         cells.rate(found.excess)]
    )  # fmt: skip
    titles = ("currency", "weight", "benchmark", *(name.replace("_", " ") for name in EFFECTS))
    return Table(
        title="Against the benchmark, by currency",
        columns=cells.columns(*titles, "excess"),
        rows=rows,
        note=f"{found.method}. Benchmark: {found.benchmark_name}. Portfolio "
        f"{formats.percent(found.portfolio_return)}, benchmark "
        f"{formats.percent(found.benchmark_return)}.",
    )


def _figures(kept: MultiAssetSection) -> Sequence[KeyFigure]:
    by_name = {row.name: row for row in kept.performance.figures}
    return [
        KeyFigure(
            label=formats.title(row.name),
            value=formats.measured(row.value, row.unit),
            note=f"benchmark {formats.measured(row.benchmark, row.unit)}",
        )
        for row in (by_name[name] for name in HEADLINES)
    ]


def _place(split: Attribution) -> int:
    return DRAWN.index(split.by) if split.by in DRAWN else len(DRAWN)
