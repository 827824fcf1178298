"""Tables of risk: limits, tail measures with their evidence, scenarios, positions."""

from collections.abc import Sequence

from infra.report import cells, formats
from infra.report.page import Cell, Table
from risk.backtests import Backtest
from risk.limits import LimitCheck, LimitState
from risk.profile import PositionRisk, TailEstimate
from risk.stress import StressResult
from risk.tested import MethodEvidence
from risk.weekly import WeeklyRow
from services.report import Tone
from services.score_study import ScoreStudy

LIMIT_TONES: dict[str, Tone] = {
    LimitState.OK: Tone.GOOD,
    LimitState.WARN: Tone.WARN,
    LimitState.SOFT: Tone.WARN,
    LimitState.HARD: Tone.BAD,
}
ZONE_TONES = {"green": Tone.GOOD, "yellow": Tone.WARN, "red": Tone.BAD}
SHOWN_LIMITS = 10
SHOWN_BACKTESTS = 15
SHOWN_POSITIONS = 12


def limits_table(limits: Sequence[LimitCheck]) -> Table:
    """Return the limits, the most used first, each with its bar."""
    rows = sorted(limits, key=lambda row: -row.utilisation)
    titles = ("metric", "of", "state", "used", "value", "warn", "soft", "hard", "unit")
    return Table(
        title="Limits",
        columns=[
            *cells.columns(*titles[:-1], words=3),
            *cells.columns(titles[-1], words=1),
        ],
        rows=[
            [
                cells.text(formats.title(row.metric)),
                cells.text(f"{row.scope} {row.name}"),
                Cell(row.state.value, LIMIT_TONES[row.state]),
                Cell(
                    formats.percent(row.utilisation, digits=0),
                    LIMIT_TONES[row.state] if row.state is not LimitState.OK else Tone.PLAIN,
                    share=row.utilisation,
                ),
                *(
                    Cell(formats.measured(value, row.unit))
                    for value in (row.value, row.warn, row.soft, row.hard)
                ),
                cells.text(row.unit + (f"; {row.override_reason}" if row.override_reason else "")),
            ]
            for row in rows
        ],
        note="From policy/limits.toml. Orders are held to policy/controls.toml first.",
        shown=SHOWN_LIMITS,
    )


def tails_table(tails: Sequence[TailEstimate], currency: str) -> Table:
    """Return value at risk and expected shortfall by method, one row a method and horizon."""
    confidences = sorted({row.confidence for row in tails})
    by_method: dict[tuple[str, int, str], dict[float, TailEstimate]] = {}
    for row in tails:
        key = (row.method, row.horizon_days, row.quantile_rule)
        by_method.setdefault(key, {})[row.confidence] = row
    levels = [formats.confidence(level) for level in confidences]
    titles = [*(f"VaR {level}" for level in levels), *(f"ES {level}" for level in levels)]
    return Table(
        title=f"Value at risk and expected shortfall ({currency})",
        columns=cells.columns("method", "quantile rule", "days", *titles, words=2),
        rows=[
            [
                cells.text(formats.title(method)),
                cells.text(formats.title(rule)),
                cells.whole(days),
                *(_tail(row.get(level), "value_at_risk") for level in confidences),
                *(_tail(row.get(level), "expected_shortfall") for level in confidences),
            ]
            for (method, days, rule), row in by_method.items()
        ],
        note="★ scored best at its confidence on the book's own history (Fissler-Ziegel loss).",
    )


def _tail(estimate: TailEstimate | None, name: str) -> Cell:
    if estimate is None:
        return Cell(formats.NOT_MEASURED)
    mark = "★ " if estimate.best and name == "value_at_risk" else ""
    return Cell(mark + formats.money(getattr(estimate, name)), mark=estimate.best)


def backtests_table(rows: Sequence[Backtest], basis: str) -> Table:
    """Return how each estimator's forecasts held against what happened."""
    titles = ("method", "level", "zone", "sessions", "expected", "exceeded", "Kupiec p")
    more = ("indep. p", "DQ p", "factor", "Z1 p", "Z2 p", "Z3 p", "loss")
    best: dict[float, float] = {}
    for row in rows:
        best[row.confidence] = min(best.get(row.confidence, row.fissler_ziegel), row.fissler_ziegel)
    return Table(
        title="Did the forecasts hold?",
        columns=cells.columns(*titles, *more, words=3),
        rows=[
            [
                # Its name once, over the rows of its confidences.
                cells.text("" if row.estimator == above else formats.title(row.estimator)),
                Cell(formats.confidence(row.confidence)),
                Cell(row.zone, ZONE_TONES.get(row.zone, Tone.PLAIN)),
                cells.whole(row.n_days),
                cells.number(row.expected, digits=1),
                cells.whole(row.exceedances),
                cells.p_value(row.kupiec_p),
                cells.p_value(row.independence_p),
                cells.p_value(row.dynamic_quantile_p),
                cells.number(row.frtb_multiplier),
                *(cells.p_value(p) for p in (row.z1_p, row.z2_p, row.z3_p)),
                _loss(row, best.get(row.confidence)),
            ]
            for above, row in zip(["", *(row.estimator for row in rows)], rows, strict=False)
        ],
        note=f"Basis: {basis}. A p-value under 0.05 (amber) says that forecast and outcome "
        "disagree; Z1 to Z3 (Acerbi-Szekely) test whether expected shortfall was too small, by "
        "simulation from the estimator's own law; the factor is FRTB's; the loss is "
        "Fissler-Ziegel's, ★ the lowest.",
        shown=SHOWN_BACKTESTS,
    )


def _loss(row: Backtest, best: float | None) -> Cell:
    lowest = row.fissler_ziegel == best
    return Cell(f"{'★ ' if lowest else ''}{row.fissler_ziegel:,.4f}", mark=lowest)


def stress_table(rows: Sequence[StressResult], currency: str) -> Table:
    """Return the scenarios in words, worst first."""
    titles = (
        "scenario",
        "what happens",
        "the number is",
        "hit hardest (by what)",
        f"P&L, {currency}",
    )
    return Table(
        title="Stress scenarios in words",
        columns=cells.columns(*titles, "of equity", words=4),
        rows=[
            [
                cells.text(row.title),
                cells.text(f"{row.description} {row.note}".strip()),
                cells.text(row.basis.value.replace("_", " ")),
                cells.text(_worst_part(row)),
                cells.gain(-row.loss),
                cells.rate(-row.loss_fraction),
            ]
            for row in sorted(rows, key=lambda row: -row.loss)
        ],
        note=_limited(rows),
    )


def _worst_part(row: StressResult) -> str:
    """Return the position that loses most, and what moved it most, where that is known."""
    symbol = next(iter(row.contributions), formats.NOT_MEASURED)
    moved = next(iter(row.by_factor), "")
    return f"{symbol} ({moved})" if moved else symbol


def _limited(rows: Sequence[StressResult]) -> str:
    names = [row.title for row in rows if row.limited]
    return f"The limit on the worst stress counts: {'; '.join(names)}." if names else ""


def positions_table(rows: Sequence[PositionRisk], currency: str) -> Table:
    """Return the holdings with their share of the risk, largest first."""
    titles = ("symbol", "sector", "quantity", "market value", "weight", "beta")
    more = ("component VaR", "component ES", "without it, VaR falls by", "days to liquidate")
    return Table(
        title=f"Positions ({currency})",
        columns=cells.columns(*titles, *more, words=2),
        rows=[
            [
                cells.text(row.symbol),
                cells.text(row.sector),
                cells.whole(row.quantity),
                cells.money(row.market_value),
                cells.rate(row.weight),
                cells.number(row.beta),
                cells.money(row.component_var),
                cells.money(row.component_es),
                cells.money(row.incremental_var),
                cells.number(row.days_to_liquidate),
            ]
            for row in sorted(rows, key=lambda row: -abs(row.market_value))
        ],
        note="At 99%. Components (Euler) sum to the book's: normal VaR, historical ES.",
        shown=SHOWN_POSITIONS,
    )


def weekly_table(week: WeeklyRow, currency: str) -> Table:
    """Return what the weekly long run found of a book at its highest confidence."""
    top = max(method.confidence for method in week.methods)
    titles = ("method", "zone", f"VaR {formats.confidence(top)}", f"ES {formats.confidence(top)}")
    more = ("exceeded", "Kupiec p", "Z1 p", "Z2 p", "Z3 p")
    return Table(
        title=f"The weekly long run ({currency})",
        columns=cells.columns(*titles, *more, words=2),
        rows=[
            [
                cells.text(_marked(item)),
                Cell(item.backtest.zone, ZONE_TONES.get(item.backtest.zone, Tone.PLAIN)),
                cells.money(item.value_at_risk),
                cells.money(item.expected_shortfall),
                cells.whole(item.backtest.exceedances),
                cells.p_value(item.backtest.kupiec_p),
                *(
                    cells.p_value(p)
                    for p in (item.backtest.z1_p, item.backtest.z2_p, item.backtest.z3_p)
                ),
            ]
            for item in week.methods
            if item.confidence == top
        ],
        note=f"Today's book held constant over {week.n_days} sessions. ★ lowest "
        "Fissler-Ziegel loss, + not told from it at 10%.",
    )


def _marked(item: MethodEvidence) -> str:
    mark = "★ " if item.best else "+ " if item.in_confidence_set else ""
    return mark + formats.title(item.method)


def study_table(study: ScoreStudy) -> Table:
    """Return how the score's forecasts did on the late part of each series."""
    titles = ("series", "base rate", "Brier", "its Brier", "skill")
    return Table(
        title=f"The score's forecasts after {study.chosen_until}",
        columns=cells.columns(*titles, words=1),
        rows=[
            [
                cells.text(row.name + (" †" if row.untouched else "")),
                cells.rate(row.base_rate),
                cells.number(row.brier, digits=4),
                cells.number(row.brier_climatology, digits=4),
                cells.number(row.skill),
            ]
            for row in study.late
        ],
        note=f"A breach is a drawdown of {study.drawdown_limit:.0%} within 20 sessions. One "
        "curve for all books, fitted before, is judged here. Skill is 1 - Brier / Brier of "
        "always forecasting the frequency of before (its Brier). † had no say in any choice.",
        wide=False,
    )
