"""Tests of `risk.verdict`: score, level and the sentence agree."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.limits import Limit, LimitCheck, Observation, Scope, evaluate
from risk.score import UNCALIBRATED, Level, breach_probability, risk_level
from risk.score_history import limit_pressure
from risk.verdict import Verdict, lifted, verdict_of

TODAY = date(2022, 12, 28)
LIMIT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.08, soft=0.12, hard=0.15, owner="risk")


def checks(*weights: float) -> tuple[LimitCheck, ...]:
    held = [Observation("weight", Scope.SYMBOL, f"S{i}", w) for i, w in enumerate(weights)]
    return evaluate([LIMIT], held, as_of=TODAY)


def judged(*weights: float, chance: float = 1e-6, previous: Level | None = None) -> Verdict:
    used = checks(*weights)
    probability = breach_probability(chance, limit_pressure(used), UNCALIBRATED)
    return verdict_of(probability, used, previous=previous)


def test_a_calm_book_is_low_and_the_sentence_tells_the_chance() -> None:
    found = verdict_of(0.0004, checks(0.05))
    assert (found.score, found.level) == (15.1, Level.LOW)
    assert found.reason == (
        "LOW, score 15 of 100: the chance of reaching the drawdown limit within 20 sessions is "
        "0.04%; 25 points are a factor of ten."
    )


def test_a_hard_breach_lifts_score_and_level_together_and_names_the_limit() -> None:
    found = verdict_of(0.00001, checks(0.05, 0.18))
    assert found.chance_score == 0.0
    assert found.score == 54.2  # 75 - 25 / 1.2, the use of the limit that is passed.
    assert found.level is Level.HIGH
    assert "weight of S1 is past its hard limit (120% of the hard one)" in found.reason
    assert "scores at least 50; the chance" in found.reason
    assert "under 0.01%, would score 0 alone" in found.reason


def test_a_soft_breach_is_at_least_medium() -> None:
    found = verdict_of(0.00001, checks(0.13))
    assert (found.score, found.level) == (25.0, Level.MEDIUM)


def test_a_chance_above_the_floor_is_not_lifted() -> None:
    found = verdict_of(0.5, checks(0.18))
    assert found.score == found.chance_score > 75
    assert found.level is Level.CRITICAL


def test_a_level_that_is_kept_says_so_and_when_it_falls() -> None:
    found = verdict_of(0.0080, checks(0.05), previous=Level.HIGH)  # Scores 47.6.
    assert found.level is Level.HIGH
    assert found.reason.endswith(
        "; the score is in the band of MEDIUM now, and HIGH is kept until it is below 45."
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.001, 0.4), min_size=1, max_size=5),
    st.integers(0, 4),
    st.floats(0, 0.3),
    st.floats(1e-6, 0.9),
)
def test_score_rises_with_the_use_of_every_limit_also_across_its_thresholds(
    weights: list[float], which: int, more: float, chance: float
) -> None:
    which %= len(weights)
    raised = [w + more * (i == which) for i, w in enumerate(weights)]
    assert judged(*raised, chance=chance).score >= judged(*weights, chance=chance).score


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.001, 0.4), max_size=4),
    st.floats(1e-6, 0.9),
    st.sampled_from([None, *Level]),
)
def test_a_level_is_its_scores_band_or_the_sentence_says_why_not(
    weights: list[float], chance: float, previous: Level | None
) -> None:
    found = judged(*weights, chance=chance, previous=previous)
    assert (found.level is risk_level(found.score)) or "is kept until" in found.reason
    assert found.score == lifted(found.chance_score, checks(*weights))
