"""Tests of `measures.shortfall_tests`: by hand, by simulation from the truth, by refusal."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.shortfall_tests import LawForecasts, null_ranks, shortfall_tests
from measures.tail import tail_risks
from measures.var_backtests import acerbi_szekely_z1, acerbi_szekely_z2

CONFIDENCE = 0.975


def run(outcomes, laws, law_of, *, null=None):
    laws = np.sort(laws, axis=1)
    value, shortfall = tail_risks(laws, confidences=(CONFIDENCE,))
    if null is None:
        null = null_ranks(len(outcomes), laws.shape[1], rng=np.random.default_rng(0))
    return shortfall_tests(
        outcomes,
        LawForecasts(laws=laws, law_of=law_of, value_at_risk=value[0], shortfall=shortfall[0]),
        confidence=CONFIDENCE,
        null=null,
    )


def test_first_two_statistics_are_those_of_the_paper_on_daily_forecasts() -> None:
    generator = np.random.default_rng(3)
    laws = generator.standard_t(5, size=(3, 800)) * np.array([[1.0], [2.0], [0.5]])
    law_of = generator.integers(3, size=250)
    outcomes = generator.standard_t(5, size=250)
    value, shortfall = (part[0][law_of] for part in tail_risks(laws, confidences=(CONFIDENCE,)))

    found = run(outcomes, laws, law_of)

    assert found.z1 == pytest.approx(acerbi_szekely_z1(outcomes, value, shortfall))
    assert found.z2 == pytest.approx(
        acerbi_szekely_z2(outcomes, value, shortfall, confidence=CONFIDENCE)
    )


def test_third_statistic_by_hand_is_zero_in_expectation_and_minus_one_at_twice_the_loss() -> None:
    laws = np.random.default_rng(0).normal(size=(1, 4000))
    null = null_ranks(500, 4000, rng=np.random.default_rng(0), n_simulations=400)
    at = np.zeros(500, dtype=np.int64)
    draws = np.random.default_rng(1)
    found = [run(draws.choice(laws[0], size=500), laws, at, null=null).z3 for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.0, abs=0.02)
    # The worst twelve of 500 days all at the law's worst outcome.
    worst = np.concatenate([np.full(12, laws.min() - 1.0), np.zeros(488)])
    whole = run(worst, laws, at, null=null)
    expected = -np.sort(draws.choice(laws[0], size=(4000, 500)), axis=1)[:, :12].mean()
    assert whole.z3 == pytest.approx(1.0 + laws.min() / expected, abs=0.02)


def test_p_values_are_uniform_when_the_laws_are_right() -> None:
    generator = np.random.default_rng(7)
    laws = generator.standard_t(4, size=(4, 2000)) * np.arange(1, 5)[:, None]
    law_of = np.arange(250) % 4
    null = null_ranks(250, 2000, rng=generator, n_simulations=500)
    found = []
    for _ in range(300):
        outcomes = laws[law_of, generator.integers(2000, size=250)]
        tests = run(outcomes, laws, law_of, null=null)
        found.append((tests.z1_p, tests.z2_p, tests.z3_p))
    for p_values in np.array(found, dtype=float).T:
        assert np.nanmean(p_values < 0.1) == pytest.approx(0.1, abs=0.05)
        assert np.nanmean(p_values < 0.5) == pytest.approx(0.5, abs=0.1)


def test_too_small_a_shortfall_is_rejected_by_all_three() -> None:
    generator = np.random.default_rng(2)
    laws = generator.normal(size=(1, 2000))
    outcomes = 1.6 * generator.standard_t(3, size=500)
    found = run(outcomes, laws, np.zeros(500, dtype=np.int64))
    assert max(found.z1_p, found.z2_p, found.z3_p) < 0.01
    assert max(found.z1, found.z2, found.z3) < 0


def test_scaling_a_day_and_its_law_alike_changes_nothing() -> None:
    generator = np.random.default_rng(2)
    laws, outcomes = generator.normal(size=(2, 1000)), generator.normal(size=300)
    law_of = np.repeat([0, 1], 150)
    scale = np.array([[1.0], [9.0]])
    one, nine = run(outcomes, laws, law_of), run(outcomes * scale[law_of, 0], laws * scale, law_of)
    assert nine.z2 == pytest.approx(one.z2)
    assert nine.z3 == pytest.approx(one.z3)
    assert nine.z1_p == one.z1_p


def test_days_without_a_hit_have_no_first_statistic() -> None:
    laws = np.random.default_rng(0).normal(size=(1, 1000))
    found = run(np.full(40, 0.5), laws, np.zeros(40, dtype=np.int64))
    assert (found.z1, found.z1_p, found.z2) == (None, None, 1.0)
    few = run(np.full(10, 0.5), laws, np.zeros(10, dtype=np.int64))
    assert (few.z3, few.z3_p) == (None, None)


def test_wrong_shapes_and_laws_without_losses_are_refused() -> None:
    laws = np.random.default_rng(0).normal(size=(1, 1000))
    at = np.zeros(40, dtype=np.int64)
    null = null_ranks(41, 1000, rng=np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="do not match the simulated 41 days"):
        run(np.zeros(40), laws, at, null=null)
    with pytest.raises(InvalidInputError, match="must be positive"):
        run(np.zeros(40), laws + 100.0, at)
    with pytest.raises(InvalidInputError, match="hold no test"):
        null_ranks(0, 1000, rng=np.random.default_rng(0))
