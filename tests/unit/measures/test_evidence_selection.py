"""Tests of `measures.evidence_selection` against the papers' own numbers."""

import math

import numpy as np
import pytest
from scipy import stats

from basics.errors import InvalidInputError, MissingDataError
from measures.evidence_selection import (
    SharpeMoments,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    probability_of_overfitting,
    sharpe_moments,
)

# Bailey and Lopez de Prado (2014), their example: SR 2.5 a year over 1250 days.
PAPER = SharpeMoments(sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0, observations=1250)
YEARLY_VARIANCE = 0.5


def test_deflated_sharpe_of_the_paper() -> None:
    variance = YEARLY_VARIANCE / 250

    assert expected_maximum_sharpe(trials=100, variance=variance) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(PAPER, trials=100, variance=variance) == pytest.approx(0.9004, abs=5e-5)


def test_one_trial_deflates_nothing() -> None:
    assert deflated_sharpe(PAPER, trials=1, variance=1.0) == probabilistic_sharpe(PAPER)


def test_normal_returns_have_the_classical_error() -> None:
    moments = SharpeMoments(sharpe=0.1, skewness=0.0, kurtosis=3.0, observations=101)

    # Lo (2002): the variance of SR is (1 + SR^2 / 2) / (T - 1).
    z = 0.1 * math.sqrt(100) / math.sqrt(1 + 0.1**2 / 2)
    assert probabilistic_sharpe(moments) == pytest.approx(stats.norm.cdf(z))


def test_track_record_length_makes_the_probability_just_enough() -> None:
    length = minimum_track_record(PAPER, confidence=0.95)
    moments = SharpeMoments(
        sharpe=PAPER.sharpe, skewness=-3.0, kurtosis=10.0, observations=math.ceil(length)
    )

    assert probabilistic_sharpe(moments) == pytest.approx(0.95, abs=1e-3)


def test_a_loss_never_proves_itself() -> None:
    losing = SharpeMoments(sharpe=-0.1, skewness=0.0, kurtosis=3.0, observations=100)

    assert minimum_track_record(losing) == math.inf


def test_moments_are_raw() -> None:
    returns = np.random.default_rng(3).normal(0.001, 0.01, 5000)

    moments = sharpe_moments(returns)

    assert moments.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))
    assert moments.skewness == pytest.approx(stats.skew(returns))
    assert moments.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))


def test_worthless_strategies_are_overfitted_half_the_time() -> None:
    rng = np.random.default_rng(5)
    estimates = [
        probability_of_overfitting(rng.normal(size=(20, 400)), blocks=8).probability
        for _ in range(12)
    ]

    assert np.mean(estimates) == pytest.approx(0.5, abs=0.12)


def test_one_truly_better_strategy_is_not_overfitted() -> None:
    returns = np.random.default_rng(5).normal(size=(10, 1000))
    returns[4] += 0.5

    assert probability_of_overfitting(returns).probability == 0.0


def test_four_blocks_by_hand() -> None:
    # Two strategies, two periods a block. A earns in blocks 1 and 2, B in blocks 3 and 4.
    good, bad = [1.0, 2.0], [-1.0, -2.0]
    returns = np.array([good + good + bad + bad, bad + bad + good + good])

    result = probability_of_overfitting(returns, blocks=4)

    # In-sample {1,2}: A wins, loses in {3,4}; {3,4} likewise for B. The four mixed halves tie
    # inside and outside: rank 1.5 of 2, a logit of 0, which counts as overfitted.
    assert sorted(result.logits.round(6)) == [-0.693147, -0.693147, 0.0, 0.0, 0.0, 0.0]
    assert result.probability == 1.0


@pytest.mark.parametrize("blocks", [3, 0])
def test_an_odd_number_of_blocks_is_refused(blocks: int) -> None:
    with pytest.raises(InvalidInputError, match="even"):
        probability_of_overfitting(np.zeros((2, 100)), blocks=blocks)


def test_a_single_strategy_cannot_be_overfitted() -> None:
    with pytest.raises(MissingDataError, match="1 strategies"):
        probability_of_overfitting(np.zeros((1, 100)))


def test_returns_that_do_not_vary_are_refused() -> None:
    with pytest.raises(MissingDataError, match="do not vary"):
        sharpe_moments(np.full(10, 0.01))
