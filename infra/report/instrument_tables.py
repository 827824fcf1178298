"""Tables of what bonds, options and currencies are sensitive to, and the risk of such a book."""

from collections.abc import Sequence
from dataclasses import replace

from infra.report import cells, formats, risk_charts
from infra.report.page import Block, Cell, Notice, Section, Table
from infra.report.risk_breakdown import movement_table
from infra.report.risk_tables import (
    backtests_table,
    limits_table,
    positions_table,
    stress_table,
    tails_table,
)
from risk.instruments import InstrumentRisk
from risk.profile import RiskProfile
from services.portfolios import label_of
from services.report import Tone

HEADLINE = 0.99


def multi_asset_risk_section(risk: RiskProfile) -> Section:
    """Return the risk of a book of every kind of instrument; its notes say what is simulated."""
    return Section(
        name="multi-asset-risk",
        title=f"Risk of portfolio {label_of(risk.scope)}",
        lead=(
            f"Every position revalued in every scenario, after the close of "
            f"{formats.day(risk.as_of)}: worth {formats.money(risk.equity)} {risk.currency}, risk "
            f"{formats.ratio(risk.score, digits=0)} of 100, {risk.level}. Losses are positive."
        ),
        blocks=multi_asset_risk_blocks(risk),
    )


def multi_asset_risk_blocks(risk: RiskProfile) -> Sequence[Block]:
    """Return the blocks; charts have names of their own, beside those of the main portfolio."""
    charts = [
        *risk_charts.stress_charts(risk.stresses, currency=risk.currency),
        risk_charts.signed_bars(
            name="components",
            title="Component value at risk by kind of instrument",
            values=risk.components_by_sector,
            unit=risk.currency,
            tickformat=",.3~s",
            note="Normal, 99%; they sum to the book's. Below zero hedges.",
        ),
    ]
    at_headline = [row for row in risk.backtests if row.confidence == HEADLINE]
    return [
        *(Notice(text=text, tone=Tone.WARN) for text in risk.notes[:1]),
        *(
            Notice(label=f"{left.symbol} is left out.", text=left.reason, tone=Tone.WARN)
            for left in risk.left_out
        ),
        limits_table(risk.limits),
        tails_table(risk.tails, risk.currency),
        *(replace(chart, name=f"multi-asset-{chart.name}") for chart in charts),
        *([] if risk.movement is None else [movement_table(risk.movement, risk.currency)]),
        stress_table(risk.stresses, risk.currency),
        *([] if risk.instruments is None else instrument_tables(risk.instruments, risk.currency)),
        backtests_table(at_headline, risk.backtest_basis),
        positions_table(risk.positions, risk.currency),
        *(Notice(text=text) for text in risk.notes[1:]),
    ]


def instrument_tables(found: InstrumentRisk, currency: str) -> Sequence[Table]:
    """Return greeks, rates, currencies and how well greeks stand in for revaluation."""
    tables = []
    if found.options:
        tables.append(_options_table(found, currency))
    if found.bonds:
        tables.append(_bonds_table(found, currency))
    if found.currencies:
        tables.append(_currencies_table(found, currency))
    if found.approximations:
        tables.append(_approximations_table(found, currency))
    return tables


def _year_of_formula(found: InstrumentRisk) -> str:
    return next((row.formula[-4:] for row in found.options if row.formula), "2002")


def _options_table(found: InstrumentRisk, currency: str) -> Table:
    titles = ("option", "style", "contracts", "price", "volatility", f"value, {currency}")
    greeks = ("delta, units", f"delta, {currency}", "gamma", "vega", "theta", "rho")
    return Table(
        title="Options and their greeks",
        columns=cells.columns(*titles, *greeks, words=2),
        rows=[
            [
                cells.text(row.symbol),
                cells.text(f"{row.style} {row.right}"),
                cells.whole(row.quantity),
                cells.number(row.price),
                cells.rate(row.volatility),
                cells.money(row.value),
                cells.number(row.delta, digits=0),
                cells.money(row.delta_value),
                cells.number(row.gamma, digits=1),
                cells.number(row.vega, digits=0),
                cells.number(row.theta, digits=0),
                cells.number(row.rho, digits=1),
            ]
            for row in found.options
        ],
        note=f"Of the position, in {currency}: vega for a point of volatility, theta for a day, "
        "rho for a basis point. European by Black-Scholes-Merton, American by "
        f"Bjerksund-Stensland {_year_of_formula(found)}.",
    )


def _bonds_table(found: InstrumentRisk, currency: str) -> Table:
    nodes = [f"{years:g}y" for years in found.curve_years]
    rows = [
        [
            cells.text(row.symbol),
            cells.number(row.price),
            cells.money(row.value),
            cells.number(row.duration),
            cells.number(row.convexity, digits=1),
            cells.money(row.dv01),
            *(cells.money(value) for value in row.key_rate_dv01),
        ]
        for row in found.bonds
    ]
    sums = [sum(row.key_rate_dv01[i] for row in found.bonds) for i in range(len(nodes))]
    rows.append(
        [
            cells.text("total"),
            Cell(""),
            cells.money(sum(row.value for row in found.bonds)),
            Cell(""),
            Cell(""),
            cells.money(sum(row.dv01 for row in found.bonds)),
            *map(cells.money, sums),
        ]
    )
    titles = ("bond", "price", f"value, {currency}", "duration", "convexity", "DV01")
    return Table(
        title="Bonds: duration, convexity, key-rate DV01",
        columns=cells.columns(*titles, *nodes),
        rows=rows,
        note=f"DV01 is the loss in {currency} when rates rise by one basis point: of the whole "
        "curve, then of each node alone; the nodes sum to it.",
    )


def _currencies_table(found: InstrumentRisk, currency: str) -> Table:
    return Table(
        title="What stands in each currency",
        columns=cells.columns("currency", f"rate, {currency}", f"net value, {currency}",
                              "loss if it falls by 1%"),
        rows=[
            [
                cells.text(row.currency),
                cells.number(row.rate, digits=5),
                cells.money(row.net_value),
                cells.money(row.net_value / 100 if row.currency != currency else None),
            ]
            for row in found.currencies
        ],
        note="Positions and cash of other currencies; a future's notional is held by nobody.",
        wide=False,
    )  # fmt: skip


def _approximations_table(found: InstrumentRisk, currency: str) -> Table:
    return Table(
        title=f"Full revaluation or greeks? ({currency})",
        columns=cells.columns("of", "confidence", "VaR revalued", "VaR by greeks", "ES revalued",
                              "ES by greeks"),
        rows=[
            [
                cells.text(row.of),
                Cell(formats.confidence(row.confidence)),
                cells.money(row.revalued_var),
                cells.money(row.greeks_var),
                cells.money(row.revalued_es),
                cells.money(row.greeks_es),
            ]
            for row in found.approximations
        ],
        note="Historical. By greeks: the options by delta, gamma and vega, the rest revalued.",
        wide=False,
    )  # fmt: skip
