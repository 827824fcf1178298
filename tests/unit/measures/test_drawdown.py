"""Tests of `measures.drawdown`: by hand, by law, and by refusal."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from basics.errors import InvalidInputError
from measures import drawdown as dd
from measures.performance import cagr

# Wealth 1.10, 0.88, 0.99, 1.21, 1.089: two spells, of 20% and 10%.
FIVE = np.array([0.10, -0.20, 0.125, 11 / 9 - 1, -0.10])
RETURNS = arrays(
    np.float64, st.integers(2, 60), elements=st.floats(-0.9, 0.9).map(lambda x: round(x, 4))
)


def test_drawdowns_by_hand() -> None:
    assert dd.drawdown_series(FIVE) == pytest.approx([0, 0.2, 0.1, 0, 0.1])
    assert dd.max_drawdown(FIVE) == pytest.approx(0.2)
    assert dd.current_drawdown(FIVE) == pytest.approx(0.1)
    assert dd.pain_index(FIVE) == pytest.approx(0.4 / 5)
    assert dd.ulcer_index(FIVE) == pytest.approx((0.06 / 5) ** 0.5)
    assert dd.time_under_water(FIVE) == pytest.approx(3 / 5)


def test_ratios_divide_growth_by_their_own_penalty() -> None:
    growth = float(cagr(FIVE))

    assert dd.calmar_ratio(FIVE) == pytest.approx(growth / 0.2)
    assert dd.pain_ratio(FIVE) == pytest.approx(growth / 0.08)
    assert dd.martin_ratio(FIVE, risk_free=0.01) == pytest.approx((growth - 0.01) / 0.012**0.5)
    assert dd.sterling_ratio(FIVE) == pytest.approx(growth / 0.15)
    assert dd.burke_ratio(FIVE) == pytest.approx(growth / 0.05**0.5)


def test_the_table_names_peak_trough_and_recovery() -> None:
    deep, shallow = dd.drawdown_table(FIVE)

    assert (deep.peak, deep.trough, deep.recovery) == (0, 1, 3)
    assert (deep.periods_down, deep.periods_to_recover, deep.periods_under_water) == (1, 2, 3)
    assert (shallow.peak, shallow.trough, shallow.recovery) == (3, 4, None)
    assert shallow.periods_to_recover == 0


def test_a_loss_in_the_first_period_is_a_drawdown_from_the_start() -> None:
    (spell,) = dd.drawdown_table(np.array([-0.5, 1.0, 0.1]))

    assert (spell.depth, spell.peak, spell.trough, spell.recovery) == (0.5, -1, 0, 1)


def test_a_series_that_never_falls_has_no_spell_and_no_calmar_ratio() -> None:
    rising = np.full(5, 0.01)

    assert dd.drawdown_table(rising) == ()
    assert dd.max_drawdown(rising) == 0.0
    assert np.isnan(dd.calmar_ratio(rising))
    assert np.isnan(dd.burke_ratio(rising))


def test_losing_everything_is_a_drawdown_of_one_that_never_ends() -> None:
    (spell,) = dd.drawdown_table(np.array([0.1, -1.0, 0.3, 0.4]))

    assert (spell.depth, spell.recovery, spell.periods_under_water) == (1.0, None, 3)


@given(RETURNS)
def test_max_drawdown_is_the_worst_loss_between_any_two_moments(returns: np.ndarray) -> None:
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    worst = max(
        1 - wealth[j] / wealth[i] for i in range(len(wealth)) for j in range(i, len(wealth))
    )

    assert dd.max_drawdown(returns) == pytest.approx(worst)


@given(RETURNS)
def test_spells_do_not_overlap_and_cover_every_period_under_water(returns: np.ndarray) -> None:
    spells = sorted(dd.drawdown_table(returns), key=lambda spell: spell.peak)
    series = dd.drawdown_series(returns)

    covered = sum(s.periods_under_water - (s.recovery is not None) for s in spells)
    assert covered == (series > 0).sum()
    for before, after in itertools.pairwise(spells):
        assert before.recovery is not None
        assert before.recovery <= after.peak
    assert max((s.depth for s in spells), default=0.0) == dd.max_drawdown(returns)


def test_many_series_at_once_equal_one_at_a_time() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.05, (6, 200))

    for measure in (
        dd.max_drawdown,
        dd.calmar_ratio,
        dd.ulcer_index,
        dd.burke_ratio,
        dd.sterling_ratio,
    ):
        np.testing.assert_allclose(measure(returns), [measure(series) for series in returns])


def test_a_table_of_two_series_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="of one series"):
        dd.drawdown_table(np.zeros((2, 5)))


def test_drawdown_at_risk_by_hand() -> None:
    # Drawdowns 0, 0.1, 0.2, 0.1 (the fourth period regains 0.9 of the peak).
    returns = [0.0, -0.1, 0.8 / 0.9 - 1.0, 0.9 / 0.8 - 1.0]
    assert dd.drawdown_at_risk(returns, confidence=0.75) == pytest.approx(0.1)
    assert dd.drawdown_at_risk(returns, confidence=0.95) == pytest.approx(0.2)
    assert dd.conditional_drawdown_at_risk(returns, confidence=0.75) == pytest.approx(0.15)
    assert dd.drawdown_at_risk([[0.1, 0.1], [-0.5, 0.0]], confidence=0.5) == pytest.approx(
        [0.0, 0.5]
    )
    with pytest.raises(InvalidInputError, match="confidence must lie in"):
        dd.drawdown_at_risk(returns, confidence=1.0)
