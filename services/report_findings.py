"""What the figures of a day say, in sentences: worst news first, nothing beyond the figures."""

from collections.abc import Iterator, Sequence

from market.quality import Severity
from pnl.attribution_test import Zone
from risk.limits import LimitState
from risk.profile import ForecastChart, RiskProfile
from risk.score import Level
from services.pnl_health import PnlHealth
from services.pnl_performance import Performance
from services.report import DatasetRow, Finding, ModelSection, Tone
from services.report_trading import TradingSection

ORDER = (Tone.BAD, Tone.WARN, Tone.GOOD, Tone.PLAIN)
SIGNIFICANCE = 0.05
LEVEL_TONES = {
    Level.LOW: Tone.GOOD,
    Level.MEDIUM: Tone.PLAIN,
    Level.HIGH: Tone.WARN,
    Level.CRITICAL: Tone.BAD,
}
# A rise of value at risk in one session that a reader must not overlook.
_JUMP = 0.25


def findings_of(
    performance: Performance,
    model: ModelSection,
    trading: TradingSection,
    risk: RiskProfile,
    datasets: Sequence[DatasetRow],
    *,
    health: PnlHealth | None = None,
) -> tuple[Finding, ...]:
    """Return the findings, the worst first."""
    found = [
        *_earned(performance),
        *risk_findings(risk),
        _model(model),
        *_refusals(trading),
        *_quality(datasets),
        *attribution_test_findings(health),
    ]
    return _worst_first(found)


def risk_findings(risk: RiskProfile) -> tuple[Finding, ...]:
    """Return what the risk profile alone says, the worst first."""
    return _worst_first(
        [*_level(risk), *_limits(risk), *_forecasts(risk), *_worst_stress(risk), *_movement(risk)]
    )


def _worst_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.tone)))


def _earned(performance: Performance) -> Iterator[Finding]:
    by_name = {figure.name: figure for figure in performance.figures}
    total = by_name["total_return"]
    if total.value is None:
        return
    text = (
        f"The portfolio {_moved(total.value)} net of costs over {len(performance.sessions)} "
        f"sessions"
    )
    tone = Tone.GOOD if total.value > 0 else Tone.BAD
    if total.benchmark is not None:
        gap = total.value - total.benchmark
        side = "ahead of" if gap >= 0 else "behind"
        text += f", {100 * abs(gap):.1f} points {side} its benchmark ({total.benchmark:+.1%})"
        tone = Tone.BAD if gap < 0 else tone
        beta = by_name.get("beta")
        if beta is not None and beta.value is not None:
            text += f", with a beta of {beta.value:.2f} to it"
    yield Finding(tone=tone, text=text + ".")


def _moved(value: float) -> str:
    return f"{'gained' if value >= 0 else 'lost'} {abs(value):.1%}"


def _level(risk: RiskProfile) -> Iterator[Finding]:
    """Say what made the score, and why the level is what it is."""
    if risk.level_reason:
        yield Finding(tone=LEVEL_TONES[risk.level], text=risk.level_reason)


def _limits(risk: RiskProfile) -> Iterator[Finding]:
    passed = [check for check in risk.limits if check.breached]
    if not passed:
        nearest = max(risk.limits, key=lambda check: check.utilisation, default=None)
        if nearest is not None:
            yield Finding(
                tone=Tone.GOOD,
                text=f"No limit is breached; the nearest is {_words(nearest.metric)} of "
                f"{nearest.name} at {nearest.utilisation:.0%} of its hard limit.",
            )
        return
    worst = max(passed, key=lambda check: check.utilisation)
    hard = any(check.state is LimitState.HARD for check in passed)
    yield Finding(
        tone=Tone.BAD if hard else Tone.WARN,
        text=f"{_counted(len(passed), 'limit is', 'limits are')} breached; the worst is "
        f"{_words(worst.metric)} of {worst.name} at {worst.utilisation:.0%} of its hard limit.",
    )


def _forecasts(risk: RiskProfile) -> Iterator[Finding]:
    """Say how the charted forecast did, by every test: it is the one behind the limits."""
    chart = risk.forecast
    if chart is None:
        return
    beyond = sum(
        pnl < -bound for pnl, bound in zip(chart.realised, chart.value_at_risk, strict=True)
    )
    expected = len(chart.sessions) * (1.0 - chart.confidence)
    level = round(100 * chart.confidence, 6)
    rejections = _rejections(risk, chart)
    verdict = f"rejected by {', '.join(rejections)}" if rejections else "no test rejects it"
    yield Finding(
        tone=Tone.WARN if rejections else Tone.GOOD,
        text=f"Value at risk at {level:g}% ({_words(chart.method)}) was exceeded on "
        f"{_counted(beyond, 'session', 'sessions')} of {len(chart.sessions)}, {expected:.1f} "
        f"expected (Kupiec p {chart.kupiec_p:.2f}): {verdict}.",
    )


def _rejections(risk: RiskProfile, chart: ForecastChart) -> list[str]:
    """Return the tests that reject the charted forecast, with their p-values."""
    tests: dict[str, float | None] = {"Kupiec": chart.kupiec_p}
    for row in risk.backtests:
        if (row.estimator, row.confidence) == (chart.method, chart.confidence):
            tests["independence"] = row.independence_p
            tests["the dynamic quantile test"] = row.dynamic_quantile_p
    return [
        f"{name} (p {p_value:.3f})"
        for name, p_value in tests.items()
        if p_value is not None and p_value < SIGNIFICANCE
    ]


def _worst_stress(risk: RiskProfile) -> Iterator[Finding]:
    """Name the worst of the scenarios that are written down: what was found fits the book."""
    written = [stress for stress in risk.stresses if not stress.found]
    worst = max(written, key=lambda stress: stress.loss, default=None)
    if worst is not None:
        yield Finding(
            tone=Tone.PLAIN,
            text=f"The worst of {len(written)} stress scenarios, {worst.title}, would cost "
            f"{worst.loss_fraction:.1%} of equity.",
        )


def _movement(risk: RiskProfile) -> Iterator[Finding]:
    """Say why the value at risk behind the limits moved since the session before."""
    moved = risk.movement
    if moved is None or not moved.before > 0:
        return
    change = moved.after / moved.before - 1.0
    parts = {
        "trades": moved.positions,
        "market data": moved.market_data,
        "the model": moved.model,
    }
    said = ", ".join(f"{name} {part:+,.0f}" for name, part in parts.items())
    yield Finding(
        tone=Tone.WARN if change > _JUMP else Tone.PLAIN,
        text=f"Value at risk at 99% moved by {change:+.1%} since {moved.since}: {said}.",
    )


def _model(model: ModelSection) -> Finding:
    verdict = model.verdict
    if verdict.promoted:
        return Finding(tone=Tone.GOOD, text=f"{model.candidate} is the new champion.")
    rivals = {row.rival: row for row in verdict.evidence}
    row = rivals.get(verdict.baseline)
    test = "" if row is None else f" (Diebold-Mariano p {row.p_value:.2f} on {row.metric})"
    if verdict.baseline_wins:
        return Finding(
            tone=Tone.WARN,
            text=f"The baseline wins: {model.candidate} does not beat {verdict.baseline}{test}; "
            f"{model.champion} stays champion.",
        )
    failed = ", ".join(rule.name for rule in verdict.rules if not rule.passed)
    return Finding(
        tone=Tone.WARN,
        text=f"{model.candidate} beats {verdict.baseline}{test} but is not promoted: it does not "
        f"pass {failed}.",
    )


def _refusals(trading: TradingSection) -> Iterator[Finding]:
    if trading.refused:
        yield Finding(
            tone=Tone.PLAIN,
            text=f"The pre-trade controls refused {trading.refused:,} of {trading.orders:,} "
            f"orders.",
        )


def _quality(datasets: Sequence[DatasetRow]) -> Iterator[Finding]:
    stopped = [
        f"{row.name}: {finding.rule}"
        for row in datasets
        for finding in row.findings
        if finding.severity is Severity.STOP
    ]
    if stopped:
        yield Finding(tone=Tone.BAD, text=f"Data quality stops on {', '.join(stopped)}.")


def attribution_test_findings(health: PnlHealth | None) -> Iterator[Finding]:
    """Say whether the risk models see the profit that the books see."""
    if health is None:
        return
    for test in health.tests:
        if test.zone is None:
            continue
        # Limits rest on the first model; that factors do not see a stock picker is no failure.
        worst = Tone.BAD if test is health.tests[0] else Tone.WARN
        tones = {Zone.GREEN: Tone.GOOD, Zone.AMBER: Tone.WARN, Zone.RED: worst}
        yield Finding(
            tone=tones[test.zone],
            text=f"The P&L attribution test is {test.zone} for the risk model of {test.model}: "
            f"Spearman {test.spearman:.2f}, Kolmogorov-Smirnov {test.kolmogorov_smirnov:.3f} over "
            f"{test.observations} sessions.",
        )


def _words(name: str) -> str:
    return {
        "value_at_risk_99": "99% value at risk",
        "expected_shortfall_975": "97.5% expected shortfall",
    }.get(name, name.replace("_", " "))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
