"""Tests of `measures.evidence_bootstrap`: by law, and against a second implementation."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.evidence_bootstrap import (
    mean_interval,
    model_confidence_set,
    stationary_indices,
    superior_predictive_ability,
)


def _losses(seed: int, gains: tuple[float, ...], n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    return np.stack([1.0 + shared + rng.normal(size=n) - gain for gain in gains])


def test_blocks_run_on_and_have_the_mean_length_asked_for() -> None:
    picks = stationary_indices(500, block=10.0, resamples=200, generator=np.random.default_rng(1))

    steps = (np.diff(picks, axis=1) % 500) == 1
    # A step breaks with probability 1/10 (and then still continues by luck once in 500).
    assert steps.mean() == pytest.approx(0.9 + 0.1 / 500, abs=0.005)
    assert picks.min() == 0
    assert picks.max() == 499


def test_interval_covers_the_mean_of_white_noise_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        interval = mean_interval(
            rng.normal(size=200), block=2.0, generator=rng, confidence=0.90, resamples=300
        )
        hits += interval.low <= 0.0 <= interval.high

    # Binomial(200, 0.9): standard deviation 4.2.
    assert 165 <= hits <= 195


def test_superior_ability_agrees_with_arch() -> None:
    from arch.bootstrap import SPA

    losses = _losses(3, (0.0, 0.12, -0.2, 0.05))
    ours = superior_predictive_ability(
        losses[0], losses[1:], block=5.0, resamples=4000, generator=np.random.default_rng(4)
    )
    theirs = SPA(losses[0], losses[1:].T, block_size=5, reps=4000, seed=5)
    theirs.compute()

    assert ours.p_value == pytest.approx(theirs.pvalues["consistent"], abs=0.03)
    assert ours.p_lower <= ours.p_value <= ours.p_upper
    assert ours.best == 0


def test_no_rival_beats_a_benchmark_that_is_best() -> None:
    losses = _losses(6, (0.5, 0.0, 0.0))

    result = superior_predictive_ability(
        losses[0], losses[1:], block=5.0, generator=np.random.default_rng(1)
    )

    assert result.p_value > 0.9


def test_copies_of_the_benchmark_prove_nothing() -> None:
    loss = _losses(6, (0.0,))

    result = superior_predictive_ability(
        loss[0], np.repeat(loss, 3, axis=0), block=5.0, generator=np.random.default_rng(1)
    )

    assert result.p_value == 1.0


def test_confidence_set_agrees_with_arch() -> None:
    from arch.bootstrap import MCS

    losses = _losses(8, (0.4, 0.35, 0.0, 0.1))
    ours = model_confidence_set(
        losses, block=5.0, size=0.10, resamples=4000, generator=np.random.default_rng(9)
    )
    theirs = MCS(losses.T, size=0.10, reps=4000, block_size=5, method="max", seed=10)
    theirs.compute()

    assert list(ours.included) == sorted(theirs.included)
    table = theirs.pvalues["Pvalue"]
    for model, p in enumerate(ours.p_values):
        assert p == pytest.approx(table.loc[model], abs=0.04)


def test_one_model_is_always_in_the_set() -> None:
    losses = _losses(8, (0.0, 3.0, 0.0))

    result = model_confidence_set(losses, block=5.0, generator=np.random.default_rng(1))

    assert result.included == (1,)


def test_the_same_seed_gives_the_same_answer() -> None:
    losses = _losses(3, (0.0, 0.1))

    first, second = (
        superior_predictive_ability(
            losses[0], losses[1:], block=5.0, generator=np.random.default_rng(4)
        )
        for _ in range(2)
    )

    assert first == second


def test_losses_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="finite matrix"):
        model_confidence_set(
            np.full((2, 50), np.nan), block=5.0, generator=np.random.default_rng(1)
        )
