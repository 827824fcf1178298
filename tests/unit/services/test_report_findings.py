"""Tests of `services.report_findings`: the sentences say what the figures say."""

from dataclasses import replace
from datetime import date

import pytest

from risk.limits import LimitState
from risk.movement import TailMovement
from services.pnl_figures import Figure
from services.report import DayReport, Tone
from services.report_findings import findings_of
from tests.day_sample import sample_report


@pytest.fixture(scope="module")
def report() -> DayReport:
    return sample_report(n_sessions=120)


def sentences(report: DayReport) -> dict[str, Tone]:
    found = findings_of(
        report.performance, report.model, report.trading, report.risk, report.datasets
    )
    return {finding.text: finding.tone for finding in found}


def one(report: DayReport, words: str) -> tuple[str, Tone]:
    ((text, tone),) = [row for row in sentences(report).items() if words in row[0]]
    return text, tone


def with_return(report: DayReport, value: float, benchmark: float | None) -> DayReport:
    figure = Figure(name="total_return", unit="rate", value=value, benchmark=benchmark)
    return replace(report, performance=replace(report.performance, figures=(figure,)))


def test_a_gain_behind_the_benchmark_is_bad_news(report: DayReport) -> None:
    text, tone = one(with_return(report, 0.054, 0.446), "The portfolio")

    assert text == (
        "The portfolio gained 5.4% net of costs over 120 sessions, "
        "39.2 points behind its benchmark (+44.6%)."
    )
    assert tone is Tone.BAD


def test_a_smaller_loss_than_the_benchmarks_is_still_a_loss(report: DayReport) -> None:
    text, tone = one(with_return(report, -0.02, -0.10), "The portfolio")

    assert "lost 2.0%" in text
    assert "8.0 points ahead of" in text
    assert tone is Tone.BAD


def test_a_gain_without_a_benchmark_is_good_news(report: DayReport) -> None:
    assert one(with_return(report, 0.01, None), "The portfolio")[1] is Tone.GOOD


def test_the_baseline_wins_is_said_in_these_words(report: DayReport) -> None:
    text, tone = one(report, "baseline wins")

    assert text.startswith("The baseline wins: price v2 lightgbm does not beat zero")
    assert "p 0.41" in text
    assert tone is Tone.WARN


def test_beating_the_baseline_without_promotion_names_the_rule_that_failed(
    report: DayReport,
) -> None:
    rule = replace(report.model.verdict.rules[0], name="survives the search")
    verdict = replace(report.model.verdict, baseline_wins=False, rules=(rule,))
    text, tone = one(replace(report, model=replace(report.model, verdict=verdict)), "not promoted")

    assert "does not pass survives the search" in text
    assert tone is Tone.WARN


def test_a_promotion_is_good_news(report: DayReport) -> None:
    verdict = replace(report.model.verdict, baseline_wins=False, promoted=True)
    promoted = replace(report, model=replace(report.model, verdict=verdict))

    assert one(promoted, "new champion")[1] is Tone.GOOD


def test_a_hard_breach_is_bad_and_names_the_worst_limit(report: DayReport) -> None:
    hard = replace(report.risk.limits[0], state=LimitState.HARD, utilisation=1.2)
    risk = replace(report.risk, limits=(hard, report.risk.limits[1]))
    text, tone = one(replace(report, risk=risk), "breached")

    assert text == "1 limit is breached; the worst is gross leverage of EQUITY at 120% of its " + (
        "hard limit."
    )
    assert tone is Tone.BAD


def test_without_a_breach_the_nearest_limit_is_named(report: DayReport) -> None:
    assert one(report, "No limit is breached")[0].endswith("at 89% of its hard limit.")


def with_tests(report: DayReport, *, kupiec: float, dynamic_quantile: float | None) -> DayReport:
    forecast = report.risk.forecast
    assert forecast is not None
    tested = replace(
        report.risk.backtests[0],
        estimator=forecast.method,
        confidence=forecast.confidence,
        independence_p=0.5,
        dynamic_quantile_p=dynamic_quantile,
    )
    risk = replace(report.risk, forecast=replace(forecast, kupiec_p=kupiec), backtests=(tested,))
    return replace(report, risk=risk)


def test_a_forecast_that_every_test_accepts_is_good_news(report: DayReport) -> None:
    text, tone = one(with_tests(report, kupiec=0.051, dynamic_quantile=None), "was exceeded on")

    assert text.endswith("(Kupiec p 0.05): no test rejects it.")
    assert tone is Tone.GOOD


def test_a_right_count_does_not_hide_that_another_test_rejects(report: DayReport) -> None:
    text, tone = one(with_tests(report, kupiec=0.99, dynamic_quantile=0.004), "was exceeded on")

    assert text.endswith("(Kupiec p 0.99): rejected by the dynamic quantile test (p 0.004).")
    assert tone is Tone.WARN


def test_the_test_of_another_estimator_says_nothing_of_this_one(report: DayReport) -> None:
    told = with_tests(report, kupiec=0.99, dynamic_quantile=0.004)
    other = replace(told.risk.backtests[0], estimator="normal")
    text, _ = one(replace(told, risk=replace(told.risk, backtests=(other,))), "was exceeded on")

    assert text.endswith("no test rejects it.")


def test_a_reverse_stress_is_not_the_worst_scenario(report: DayReport) -> None:
    first = report.risk.stresses[0]
    reverse = replace(first, title="Reverse", loss=9e9, loss_fraction=9.0, found=True)
    risk = replace(report.risk, stresses=(reverse, *report.risk.stresses))

    text, _ = one(replace(report, risk=risk), "stress scenarios")

    assert text.startswith("The worst of 5 stress scenarios, Market crash, would cost 20.4%")


def test_the_worst_news_comes_first(report: DayReport) -> None:
    tones = list(sentences(with_return(report, -0.1, 0.1)).values())

    assert tones == sorted(tones, key=[Tone.BAD, Tone.WARN, Tone.GOOD, Tone.PLAIN].index)
    assert tones[0] is Tone.BAD


def test_why_value_at_risk_moved_is_told_and_a_jump_is_a_warning(report: DayReport) -> None:
    calm = TailMovement(
        before=100.0, after=110.0, positions=20.0, market_data=-10.0, model=0.0,
        by_symbol={}, interaction=0.0, since=date(2022, 12, 27),
    )  # fmt: skip

    def told(movement: TailMovement) -> tuple[str, Tone]:
        return one(replace(report, risk=replace(report.risk, movement=movement)), "moved by")

    text, tone = told(calm)
    assert text == (
        "Value at risk at 99% moved by +10.0% since 2022-12-27: "
        "trades +20, market data -10, the model +0."
    )
    assert tone is Tone.PLAIN
    assert told(replace(calm, after=150.0))[1] is Tone.WARN
