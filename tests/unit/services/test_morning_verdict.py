"""Tests of `services.morning_verdict`: the lines in the order in which they are asked."""

from dataclasses import replace
from datetime import date

import pytest

from risk.limits import Limit, LimitCheck, Observation, Scope, evaluate
from risk.movement import TailMovement
from risk.nightly import NightFailure, NightRow
from risk.profile import RiskProfile
from risk.score import Level
from risk.verdict import verdict_of
from services.morning_verdict import morning_verdict
from services.nightly_risk import NightReport
from services.report import Tone
from tests.day_sample import sample_report

DAY = date(2022, 12, 28)
LIMIT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.08, soft=0.12, hard=0.15, owner="risk")
NIGHT = NightReport(as_of=DAY, rows=(), failures=())


def checks(**weights: float) -> tuple[LimitCheck, ...]:
    held = [Observation("weight", Scope.SYMBOL, s, w) for s, w in weights.items()]
    return evaluate([LIMIT], held, as_of=DAY)


@pytest.fixture(scope="module")
def profile() -> RiskProfile:
    return sample_report().risk


def judged(profile: RiskProfile, **weights: float) -> RiskProfile:
    found = checks(**weights)
    verdict = verdict_of(1e-6, found)
    return replace(
        profile, limits=found, score=verdict.score, level=verdict.level,
        level_reason=verdict.reason, recommendations=("Sell 10 of AAA.",),
    )  # fmt: skip


def lines(profile: RiskProfile, **given: object) -> dict[str, str]:
    return {said.label: said.text for said in morning_verdict(profile, NIGHT, **given)}


def test_a_breach_is_named_with_what_to_do_and_what_changed(profile: RiskProfile) -> None:
    before = replace(judged(profile, AAA=0.05), as_of=date(2022, 12, 27))
    movement = TailMovement(
        since=date(2022, 12, 27), before=100.0, after=150.0, positions=60.0, market_data=-10.0,
        model=0.0, by_symbol={"AAA": 55.0}, interaction=5.0,
    )  # fmt: skip
    now = replace(judged(profile, AAA=0.18, BBB=0.13), movement=movement)

    said = morning_verdict(now, NIGHT, before=before)
    assert [line.label for line in said[:5]] == [
        "Level.",
        "Breaches.",
        "To do.",
        "Moved.",
        "Books.",
    ]
    assert said[0].text == now.level_reason
    assert (said[1].tone, said[1].text) == (
        Tone.BAD,
        "weight of AAA at 120% of its hard limit, hard; weight of BBB at 87% of its hard limit, "
        "soft.",
    )
    assert said[2].text == "Sell 10 of AAA."
    assert said[3].text == (
        "Since 2022-12-27 the score went from 0 (LOW) to 54 (HIGH); 2 breaches are new, 0 are "
        "cured; 99% VaR went from 100 on 2022-12-27 to 150 (+50.0%): trades +60 (most by AAA, "
        "+55), market data -10, the model +0."
    )


def test_a_calm_morning_says_the_nearest_limit(profile: RiskProfile) -> None:
    assert lines(judged(profile, AAA=0.03))["Breaches."] == (
        "None; the nearest is weight of AAA at 20% of its hard limit."
    )
    assert lines(judged(profile, AAA=0.1))["Breaches."].startswith("None; past a warning: weight")
    assert "No limit is set" in lines(judged(profile))["Breaches."]


def test_an_unsolved_breach_says_why(profile: RiskProfile) -> None:
    breached = judged(profile, AAA=0.18)
    stuck = replace(breached, notes=(*breached.notes, "No remedy was solved: no volume is known"))
    assert lines(stuck)["To do."].endswith("No remedy was solved: no volume is known")


def test_the_other_books_are_counted_and_a_failure_is_bad(profile: RiskProfile) -> None:
    row = NightRow(
        name="beta", methods=(), component_var={}, component_es={}, stresses={}, score=80.0,
        level=Level.CRITICAL.value, limit_state="hard", breached=("drawdown of beta",),
    )  # fmt: skip
    night = NightReport(as_of=DAY, rows=(row,), failures=(NightFailure("gamma", "no price"),))
    books = next(s for s in morning_verdict(profile, night) if s.label == "Books.")
    assert books.tone is Tone.BAD
    assert books.text == (
        "1 measured, 1 HIGH or CRITICAL (beta), 1 could not be measured (first: gamma, no price)."
    )
